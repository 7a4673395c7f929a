"""The journey for Locust: order, and order again, as its own documentation would write it.

Without `catch_response`, which would cost it some 5 % more.
"""

from __future__ import annotations

from locust import FastHttpUser, constant, task
from locust.exception import StopUser


class Fan(FastHttpUser):
    """Its client keeps cookies and its one connection."""

    wait_time = constant(0)
    born = 0

    def on_start(self) -> None:
        Fan.born += 1
        self.prefix = f"6f1b7c9e-4d7e-4d6c-{Fan.born:04d}-"
        self.email = f"fan-1123051043ab12cd-{Fan.born}@example.org"
        self.orders = 0

    @task
    def order(self) -> None:
        self.orders += 1
        body = {"sku": "floor", "qty": 1, "email": self.email, "token": "tok_visa_4242_4242"}
        key = {"Idempotency-Key": f"{self.prefix}{self.orders:012d}"}
        reply = self.client.post("/orders", json=body, headers=key)
        status = reply.status_code
        if status in (429, 503):
            return
        answer = reply.json()
        if status == 409 and answer["code"] == "SOLD_OUT":
            return
        if status == 200 and answer["state"] == "open":
            self.last = answer["order"], answer["total"]
            return
        raise StopUser("no rule meets this")  # and its connection is gone: the harness counts them

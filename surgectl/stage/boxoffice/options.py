"""What the box office sells, to how many at once, and how long it waits for what."""

from __future__ import annotations

import msgspec

from surgectl.errors import UsageError
from surgectl.units import NS_PER_S


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """All constants of one sale. Durations in nanoseconds, money in minor units, rates per second."""

    payments_url: str
    """Where the payment provider answers: usually the proxied link, never with a trailing path."""
    secret: str = "sk_test_stage"
    data: str
    """Folder of the books; made if absent. A restart with the same folder goes on with the same sale."""
    listen: str = "127.0.0.1:0"

    sku: str = "floor"
    capacity: int = 500
    price_minor: int = 8900
    currency: str = "EUR"
    limit: int = 4
    """Tickets that one e-mail address may hold and own together."""

    admission_per_s: float = 100.0
    inside: int = 0
    """How many admitted fans may be at the counters at once; 0: the rate alone decides."""
    hold_ttl_ns: int = 120 * NS_PER_S

    payment_timeout_ns: int = 5 * NS_PER_S
    payment_tries: int = 3
    payment_workers: int = 24
    payment_queue: int = 400
    """Orders that may wait for their payment to be decided; one more is refused with 503."""
    reconcile_every_ns: int = 2 * NS_PER_S
    payment_deadline_ns: int = 25 * NS_PER_S
    """From the order on: after it the shop no longer wants the money and closes the order one way or the other."""
    late_refunds_ns: int = 60 * NS_PER_S
    """How long a cancelled order is watched for a charge that came after all."""

    in_flight: int = 1000
    """Sale requests served at once; one more is shed. The pages outside the sale are not counted."""
    seed: int = 1
    defect: str | None = None

    def __post_init__(self) -> None:
        positive = {
            "capacity": self.capacity,
            "limit": self.limit,
            "admission_per_s": self.admission_per_s,
            "hold_ttl": self.hold_ttl_ns,
            "payment_timeout": self.payment_timeout_ns,
            "payment_tries": self.payment_tries,
            "payment_workers": self.payment_workers,
            "payment_queue": self.payment_queue,
            "reconcile_every": self.reconcile_every_ns,
            "payment_deadline": self.payment_deadline_ns,
            "in_flight": self.in_flight,
        }
        for name, value in positive.items():
            if value <= 0:
                raise UsageError(f"{name} must be more than nothing, not {value}", where="box office")
        if self.price_minor < 0:
            raise UsageError(f"price_minor must not be negative, not {self.price_minor}", where="box office")


def split_listen(listen: str) -> tuple[str, int]:
    """`127.0.0.1:0` → ("127.0.0.1", 0). UsageError where it is not HOST:PORT."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{listen!r} is not HOST:PORT", where="box office: listen", hint="try 127.0.0.1:0")
    return host.strip("[]"), int(port)

"""How often a provider is asked for one payment before, in and after a silence of 12 s, and how the backlog goes out.

    python -m benchmarks.provider_silence [--lose requests|replies] [--silence 12] [--rate 20]

One shop in this process (payment_timeout 2s, 3 tries, 24 at once), orders at a steady rate, a provider of 20 ms.
`requests`: nothing that is asked for happens. `replies`: it happens, and nobody is told. Prints a Markdown table,
then how many requests there were in each second after the end.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import MS, Money, Shop, damage, open_shop

S = 1000 * MS


async def buy(shop: Shop, n: int) -> Any:
    _, hold = await shop.hold(await shop.enter(f"f{n}@example.org"))
    status, told = await shop.order(hold["id"], f"k{n}")
    while status == 202 and told["state"] == "pending":
        await asyncio.sleep(0.4)  # as fans do: sooner would only measure our own polling
        _, told, _ = await shop.ask("GET", f"/api/orders/{told['order']}")
    return told


async def posts(money: Money, http: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with http.get(f"{money.control}/_sim/requests?limit=100000") as reply:
        rows = [msgspec.json.decode(line) for line in (await reply.text()).splitlines()]
    return [row for row in rows if row["method"] == "POST" and row["path"] == "/v1/payment_intents"]


def row(name: str, asked: list[dict[str, Any]]) -> str:
    payments = len({post["key"] for post in asked})
    return f"| {name} | {len(asked)} | {payments} | {len(asked) / max(1, payments):.2f} |"


async def measure(lose: str, silence_s: float, rate: float) -> None:
    constants = {
        "capacity": 5000,
        "payment_timeout_ns": 2 * S,
        "payment_tries": 3,
        "payment_deadline_ns": 12 * S,
        "reconcile_every_ns": S,
        "late_refunds_ns": 10 * S,
    }
    fans: list[asyncio.Task[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with running(PaymentOptions(latency_ns=20 * MS)) as open_, aiohttp.ClientSession() as http:
            money = Money(open_, http)
            async with open_shop(open_.url, folder, **constants) as shop:

                async def come(for_s: float) -> None:
                    for _ in range(int(for_s * rate)):
                        fans.append(asyncio.create_task(buy(shop, len(fans))))
                        await asyncio.sleep(1 / rate)

                await come(3)
                calm = len(await posts(money, http))
                await (money.lose_replies() if lose == "replies" else money.lose_requests())
                await come(silence_s)
                fault = len(await posts(money, http))
                await money.heal()
                healed = time.time()
                await come(6)
                ends = await asyncio.gather(*fans)
                asked = await posts(money, http)
                print(f"| {silence_s:g} s of silence | requests | payments | requests for one |\n|---|---|---|---|")
                for name, part in (
                    ("before", asked[:calm]),
                    (f"in it, {lose} lost", asked[calm:fault]),
                    ("after", asked[fault:]),
                    ("in all", asked),
                ):
                    print(row(name, part))
                at = [int(datetime.fromisoformat(post["at"]).timestamp() - healed) for post in asked[fault:]]
                print("requests a second after its end:", dict(sorted(Counter(at).items())))
                print("ends:", dict(Counter((end["state"], end.get("code")) for end in ends)))
                print("damage:", await damage(shop, money))


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    said.add_argument("--lose", choices=("requests", "replies"), default="requests")
    said.add_argument("--silence", type=float, default=12.0, help="seconds")
    said.add_argument("--rate", type=float, default=20.0, help="orders a second")
    asked_for = said.parse_args()
    asyncio.run(measure(asked_for.lose, asked_for.silence, asked_for.rate))

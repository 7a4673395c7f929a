"""kill -9 at any instant: the shop that comes back knows every order and every kept promise."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.lives import Life
from tests.boxoffice.street import Money, Shop, books_in, damage, settled
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real


def life_of(payments_url: str, data: Path, **more: Any) -> Life:
    """A shop with sixty seats and little patience."""
    options = {
        "payments_url": payments_url,
        **books_in(data),
        "listen": f"127.0.0.1:{free_port()}",
        "capacity": 60,
        "admission_per_s": 60.0,
        "hold_ttl": "5s",
        "payment_timeout": "300ms",
        "payment_tries": 2,
        "payment_workers": 4,
        "reconcile_every": "200ms",
        "payment_deadline": "60s",  # no order may fail because a machine is busy
    }
    return Life("shop", options | more)


async def stubborn(shop: Shop, n: int, seen: dict[int, dict[str, Any]]) -> None:
    """A fan that repeats each step with the same key until it is answered, whatever dies meanwhile."""

    async def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        while True:
            try:
                status, told, _ = await shop.ask(method, path, body, **headers)
                if status != 503:
                    return status, told
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)

    told = seen[n]
    await asyncio.sleep(n * 0.03)
    _, place = await ask("POST", "/api/queue", {"email": f"f{n}@example.org"})
    while "pass" not in place and "code" not in place:
        await asyncio.sleep(0.03)
        _, place = await ask("GET", f"/api/queue/{place['id']}")
    if "code" in place:
        told["end"] = place
        return
    _, hold = await ask("POST", "/api/holds", {"sku": "floor", "qty": 1}, X_Pass=place["pass"])
    if "id" not in hold:
        told["end"] = hold
        return
    body = {"hold": hold["id"], "payment_token": "pm_card_visa"}
    _, order = await ask("POST", "/api/orders", body, Idempotency_Key=f"k{n}")
    if "order" not in order:
        told["end"] = order
        return
    told["order"] = order["order"]
    while order["state"] == "pending":
        await asyncio.sleep(0.03)
        status, order = await ask("GET", f"/api/orders/{told['order']}")
        assert status == 200, order
    told["end"] = order


async def sold_under_kills(
    shop: Shop, money: Money, life: Life, fans: int, lives_s: Iterable[float]
) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """A crowd buys while a part is killed after each of these lives → the orders by id, and what each fan was told.

    Whatever was killed: nothing is wrong in either ledger, and the books say of every order what its fan was told.
    """
    seen: dict[int, dict[str, Any]] = {n: {} for n in range(fans)}
    crowd = asyncio.gather(*(stubborn(shop, n, seen) for n in range(fans)))
    for lived_s in lives_s:
        await asyncio.sleep(lived_s)
        await life.kill()
        await life.begin()
    await asyncio.wait_for(crowd, 60)
    await settled(shop)
    assert await damage(shop, money) == {}
    rows = {row["order"]: row for row in await shop.rows("orders")}
    for told in seen.values():
        if "order" in told:
            assert rows[told["order"]]["state"] == told["end"]["state"], told
        else:
            assert told["end"]["code"] in ("SOLD_OUT", "ALL_HELD", "HOLD_EXPIRED"), told
    return rows, seen


@pytest.mark.usefixtures("on_both")
async def test_kill_9_loses_no_order_and_no_money(tmp_path: Path) -> None:
    """Killed in the middle of the storm again and again, at other instants each time: every order that was
    acknowledged is there and decided, nobody is charged without a ticket, nobody lost the place in line."""
    slow = PaymentOptions(latency_ns=60_000_000)
    async with running(slow) as open_, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        money = Money(open_, http)
        life = life_of(open_.url, tmp_path / "books")
        shop = Shop(await life.begin(), http)
        try:
            rows, seen = await sold_under_kills(shop, money, life, 80, (0.21, 0.33, 0.12, 0.47, 0.28, 0.39, 0.17, 0.55))
            assert all(told["end"]["state"] == "confirmed" for told in seen.values() if "order" in told)
            assert len(rows) > 40
            assert await life.end() == 0
        finally:
            await life.kill()


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, None])
async def test_it_stops_when_told_and_goes_on_with_the_same_sale(how: signal.Signals | None, tmp_path: Path) -> None:
    """SIGINT, SIGTERM and the end of stdin close it in good order; what was pending is decided after the restart."""
    async with running(PaymentOptions()) as open_, aiohttp.ClientSession() as http:
        money = Money(open_, http)
        await money.lose_requests()
        life = life_of(open_.url, tmp_path / "books")
        shop = Shop(await life.begin(), http)
        try:
            _, hold = await shop.hold(await shop.enter("ada@example.org"))
            _, told = await shop.order(hold["id"], "k")
            assert await life.end(how) == 0
            await money.heal()
            await life.begin()
            assert (await shop.ended(told["order"]))["state"] == "confirmed"
            assert await damage(shop, money) == {}
        finally:
            await life.kill()

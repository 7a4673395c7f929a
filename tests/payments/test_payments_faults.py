"""Bad days at exact points: what the caller sees, and what the ledger knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.payments.receiver import receiving
from tests.payments.shop import AUTH, PAY, Open, Shop

Start = Callable[..., Awaitable[Any]]


async def test_a_client_that_leaves_is_charged(open_shop: Open) -> None:
    """Whoever hangs up before the answer is charged all the same, and the ledger says that no reply got through."""
    shop = await open_shop(latency_ns=150_000_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))
    body = "&".join(f"{name}={value}" for name, value in PAY.items())
    writer.write(
        f"POST /v1/payment_intents HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTH['Authorization']}\r\n"
        f"Idempotency-Key: k\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    await writer.drain()

    async def arrived() -> bool:
        return (await shop.counters())["in_flight"] == 1

    async def charged() -> bool:
        return (await shop.counters())["charges"] == 1

    await shop.until(arrived)
    writer.close()
    await shop.until(charged)

    async def known_lost() -> bool:
        return (await shop.rows("ledger"))[-1]["reply_delivered"] is False

    await shop.until(known_lost)
    (received,) = await shop.rows("requests")
    assert (received["reply"], received["status"], received["executed"]) == ("gone", 200, True)
    again = await shop.pay("k")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await shop.counters())["charges"] == 1


async def test_a_request_cut_on_its_way(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Half a request charges nothing, is in the log as cut, and is nobody's traceback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))
    writer.write(
        f"POST /v1/payment_intents HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTH['Authorization']}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\namount=8900&curr".encode()
    )
    await writer.drain()

    async def arrived() -> bool:
        return (await shop.counters())["in_flight"] == 1

    async def noted() -> bool:
        return (await shop.counters())["requests"] == 1

    await shop.until(arrived)
    writer.close()
    await shop.until(noted)
    (received,) = await shop.rows("requests")
    assert (received["reply"], received["status"], received["executed"]) == ("cut", 0, False)
    assert (await shop.counters())["intents"] == 0
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    ("fault", "word", "charges"),
    [
        ({"at": "before_commit", "do": "reset"}, "reset", 0),
        ({"at": "before_commit", "do": "hang", "delay": "50ms"}, "hung", 0),
        ({"at": "after_commit", "do": "reset"}, "reset", 1),
        ({"at": "after_commit", "do": "hang", "delay": "50ms"}, "hung", 1),
        ({"at": "after_commit", "do": "truncate"}, "truncated", 1),
    ],
)
async def test_lost_replies(shop: Shop, fault: dict[str, str], word: str, charges: int) -> None:
    """The caller sees a broken connection either way; only the ledger knows on which side of the commit it broke."""
    await shop.faults({**fault, "nth": 1})
    with pytest.raises(aiohttp.ClientError):
        await shop.pay("k")
    assert (await shop.counters())["charges"] == charges
    assert (await shop.rows("requests"))[-1]["reply"] == word
    if charges:
        assert (await shop.rows("ledger"))[-1]["reply_delivered"] is False
    await shop.faults()
    again = await shop.pay("k")
    assert again.body["status"] == "succeeded"
    assert ("Idempotent-Replayed" in again.headers) == bool(charges)
    assert (await shop.counters())["charges"] == 1


async def test_truncated_body_is_half(shop: Shop) -> None:
    """A truncated reply promises its whole length and stops in the middle."""
    await shop.faults({"at": "after_commit", "do": "truncate", "nth": 1})
    async with shop.session.post(f"{shop.url}/v1/payment_intents", data=PAY, headers=AUTH) as reply:
        assert reply.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await reply.read()


@pytest.mark.real
async def test_faults_in_its_own_process(start_process: Start) -> None:
    """On the loop that it really runs on, each cut looks to the caller as it should."""
    provider = await start_process()
    seen: dict[str, str] = {}
    async with aiohttp.ClientSession() as session:
        shop = Shop(session, provider.url, provider.control)
        for do in ("reset", "hang", "truncate"):
            await shop.faults({"at": "after_commit", "do": do, "nth": 1, "delay": "30ms"})
            try:
                await shop.pay(do)
            except aiohttp.ClientError as error:
                seen[do] = type(error).__name__
        await shop.faults()
        words = [row["reply"] for row in await shop.rows("requests")]
        for do in seen:
            assert (await shop.pay(do)).headers["Idempotent-Replayed"] == "true"
        assert (await shop.counters())["charges"] == 3
    assert words == ["reset", "hung", "truncated"]
    assert seen["truncate"] == "ClientPayloadError"
    assert seen["reset"] == "ClientOSError", "a reset is seen as ECONNRESET"


async def test_delays(shop: Shop) -> None:
    """A delay before the commit postpones the charge; one after it postpones only the reply."""
    await shop.faults({"at": "before_commit", "do": "delay", "delay": "80ms", "nth": 1})
    await shop.pay()
    await shop.faults({"at": "after_commit", "do": "delay", "delay": "80ms", "nth": 1})
    await shop.pay()
    early, late = [row for row in await shop.rows("ledger") if row["op"] == "charge.captured"]
    first, second = await shop.rows("requests")
    assert early["at_ns"] - first["at_ns"] >= 75_000_000
    assert late["at_ns"] - second["at_ns"] < 75_000_000 <= second["done_ns"] - second["at_ns"]


async def test_decline_burst(shop: Shop) -> None:
    """A burst declines every second card, at most three of them."""
    await shop.faults({"at": "issuer", "do": "decline", "nth": 2, "at_most": 3, "decline_code": "do_not_honor"})
    replies = [await shop.pay() for _ in range(8)]
    assert [reply.status for reply in replies] == [200, 402, 200, 402, 200, 402, 200, 200]
    assert replies[1].error["decline_code"] == "do_not_honor"


async def test_same_seed_same_fate(open_shop: Open) -> None:
    """Which requests are hit follows from the seed alone."""

    async def fates(seed: int) -> list[int]:
        shop = await open_shop(seed=seed)
        await shop.faults({"at": "before_commit", "do": "500", "ratio": 0.5})
        return [(await shop.pay()).status for _ in range(40)]

    first, again, other = await fates(7), await fates(7), await fates(8)
    assert first == again != other
    assert set(first) == {200, 500}


async def test_the_seed_may_be_changed(shop: Shop) -> None:
    """The control plane's seed decides the fates from then on, as at a reset."""
    fates = []
    for way in ("seed", "reset", "seed"):
        async with shop.session.post(f"{shop.control}/_sim/{way}", json={"seed": 7}) as reply:
            assert reply.status == 200
        await shop.faults({"at": "before_commit", "do": "500", "ratio": 0.5})
        fates.append([(await shop.pay()).status for _ in range(30)])
    assert fates[0] == fates[1] == fates[2]
    async with shop.session.post(f"{shop.control}/_sim/seed", json={}) as reply:
        assert reply.status == 400


async def test_a_reset_forgets_what_was_pending(open_shop: Open) -> None:
    """After a reset nothing of before is decided, posted or found."""
    shop = await open_shop(settle_after_ns=50_000_000)
    async with receiving() as receiver:
        await shop.post("/v1/webhook_endpoints", {"url": receiver.url, "enabled_events[]": "charge.succeeded"})
        await shop.pay(payment_method="pm_card_processing")
        async with shop.session.post(f"{shop.control}/_sim/reset") as reply:
            assert (await reply.json())["charges"] == 0
        await asyncio.sleep(0.1)
        assert (await shop.counters())["charges"] == 0
        assert receiver.letters == []
        assert (await shop.get("/v1/webhook_endpoints")).body["data"] == []
        assert (await shop.pay()).status == 200


async def test_faults_choose_their_requests(shop: Shop) -> None:
    """A fault for one address leaves the others alone, and tells how many it hit."""
    await shop.faults({"at": "before_commit", "do": "500", "ratio": 1.0, "path": "/v1/refunds"})
    paid = await shop.pay()
    assert paid.status == 200
    assert (await shop.post("/v1/refunds", {"payment_intent": paid.body["id"]})).status == 500
    async with shop.session.get(f"{shop.control}/_sim/faults") as reply:
        (armed,) = await reply.json()
    assert (armed["seen"], armed["hit"]) == (1, 1)
    assert (await shop.rows("requests"))[-1]["fault"] == "before_commit:500"


async def test_a_fault_ends_with_its_window(shop: Shop) -> None:
    """A fault `for` a while is over after it."""
    await shop.faults({"at": "before_commit", "do": "500", "ratio": 1.0, "for": "150ms"})
    assert (await shop.pay()).status == 500

    async def healed() -> bool:
        return (await shop.pay()).status == 200

    await shop.until(healed)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"faults": [{"at": "before_commit", "do": "truncate", "nth": 1}]}', "cannot happen at before_commit"),
        ('{"faults": [{"at": "before_commit", "do": "500"}]}', "either ratio or nth"),
        ('{"faults": [{"at": "before_commit", "do": "500", "ratio": 1.5}]}', "between 0 and 1"),
        ('{"faults": [{"at": "before_commit", "do": "delay", "nth": 1}]}', "needs its length"),
        ('{"faults": [{"at": "before_commit", "do": "delay", "nth": 1, "delay": "5"}]}', "no unit"),
        ('{"faults": [{"at": "webhook", "do": "500", "nth": 1}]}', "cannot happen at webhook"),
        ('{"faults": [{"at": "webhook", "do": "shuffle", "nth": 1}]}', "needs its length"),
        ('{"faults": [{"at": "webhook", "do": "duplicate", "nth": 1, "copies": 0}]}', "are none"),
        ('{"faults": [{"at": "refund", "do": "pending", "nth": 1, "outcome": "maybe"}]}', "maybe"),
        ('{"faults": [{"at": "somewhere", "do": "500", "nth": 1}]}', "somewhere"),
        ('{"faults": [], "extra": 1}', "extra"),
        ("nonsense", "malformed"),
    ],
)
async def test_faults_that_cannot_be_meant(shop: Shop, body: str, said: str) -> None:
    """A fault that cannot be meant is refused in one line, and the old ones stay."""
    await shop.faults({"at": "before_commit", "do": "500", "nth": 1})
    async with shop.session.post(f"{shop.control}/_sim/faults", data=body) as reply:
        assert reply.status == 400
        assert said in (await reply.json())["error"]
    assert (await shop.pay()).status == 500

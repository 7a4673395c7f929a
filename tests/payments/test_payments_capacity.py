"""A provider short of capacity first makes callers wait, then sends them away, and never loses count."""

from __future__ import annotations

import asyncio

from tests.payments.shop import Open


async def test_rate_slows_then_errs(open_shop: Open) -> None:
    """At 100 a second with a line of 0.2 s, of 60 at once some wait, some hear 429, and each 200 is a charge."""
    shop = await open_shop(rate_per_s=100.0, queue_ns=200_000_000)
    replies = await asyncio.gather(*(shop.pay() for _ in range(60)))
    paid = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == 429]
    # A burst of 50 ms and a line of 200 ms hold 25 or 26; the test itself takes time, so some more may pass.
    assert 25 <= len(paid) <= 50
    assert len(paid) + len(refused) == 60
    assert refused[0].error["code"] == "rate_limit"
    assert refused[0].headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert "Stripe-Should-Retry" not in refused[0].headers
    waits_ms = sorted((row["done_ns"] - row["at_ns"]) / 1e6 for row in await shop.rows("requests") if row["executed"])
    assert waits_ms[-1] > 100, "the last in line must have waited"
    counters = await shop.counters()
    assert (counters["charges"], counters["limited"]) == (len(paid), len(refused))


async def test_endpoint_rate(open_shop: Open) -> None:
    """One endpoint's limit leaves the others open."""
    shop = await open_shop(endpoint_rate_per_s=1.0, queue_ns=0)
    paid = [await shop.pay() for _ in range(3)]
    assert [reply.status for reply in paid] == [200, 200, 429]
    assert paid[2].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert (await shop.get("/v1/charges")).status == 200


async def test_updates_of_one_intent(open_shop: Open) -> None:
    """One intent can be changed so often an hour; others are not concerned, and reading is free."""
    shop = await open_shop(intent_updates=3)
    first, second = [(await shop.post("/v1/payment_intents", {"amount": "500", "currency": "eur"})).body for _ in "ab"]
    path = f"/v1/payment_intents/{first['id']}"
    replies = [await shop.post(path, {"metadata[try]": str(at)}) for at in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert replies[3].headers["Stripe-Rate-Limited-Reason"] == "resource-specific"
    assert (await shop.get(path)).body["metadata"] == {"try": "2"}
    assert (await shop.post(f"/v1/payment_intents/{second['id']}", {"metadata[try]": "1"})).status == 200


async def test_concurrency(open_shop: Open) -> None:
    """Never more in progress than the limit; who waits too long in line is sent away uncharged."""
    shop = await open_shop(concurrency=2, latency_ns=50_000_000, queue_ns=120_000_000)
    replies = await asyncio.gather(*(shop.pay() for _ in range(20)))
    paid = sum(reply.status == 200 for reply in replies)
    refused = [reply for reply in replies if reply.status == 429]
    assert paid >= 2
    assert refused
    assert refused[0].headers["Stripe-Rate-Limited-Reason"] == "global-concurrency"
    assert (await shop.counters())["charges"] == paid == 20 - len(refused)
    assert (await shop.pay()).status == 200, "the places must be free again"
    # Each paid one held its place for its whole processing time: at most two commits in any 25 ms.
    commits = sorted(row["at_ns"] for row in await shop.rows("ledger") if row["op"] == "charge.captured")
    assert all(later - earlier > 25_000_000 for earlier, later in zip(commits, commits[2:], strict=False))


async def test_lock_timeout(open_shop: Open) -> None:
    """Two at one intent: the second waits for the lock, and hears `lock_timeout` where it takes too long."""
    shop = await open_shop(latency_ns=300_000_000, lock_wait_ns=20_000_000)
    intent = (await shop.post("/v1/payment_intents", {"amount": "500", "currency": "eur"})).body["id"]
    path, card = f"/v1/payment_intents/{intent}/confirm", {"payment_method": "pm_card_visa"}
    replies = await asyncio.gather(shop.post(path, card, "a"), shop.post(path, card, "b"))
    assert sorted(reply.status for reply in replies) == [200, 429]
    late = next(reply for reply in replies if reply.status == 429)
    assert late.error["code"] == "lock_timeout"
    assert late.headers["Stripe-Should-Retry"] == "true"
    assert (await shop.counters())["charges"] == 1


async def test_patient_lock(open_shop: Open) -> None:
    """Two at one intent with time to wait: one pays, the other finds it paid."""
    shop = await open_shop(latency_ns=20_000_000)
    intent = (await shop.post("/v1/payment_intents", {"amount": "500", "currency": "eur"})).body["id"]
    path, card = f"/v1/payment_intents/{intent}/confirm", {"payment_method": "pm_card_visa"}
    replies = await asyncio.gather(*(shop.post(path, card, f"k{at}") for at in range(5)))
    assert sorted(reply.status for reply in replies) == [200, 400, 400, 400, 400]
    assert (await shop.counters())["charges"] == 1


async def test_no_double_refund_under_concurrency(open_shop: Open) -> None:
    """Ten full refunds at once pay back once."""
    shop = await open_shop(latency_ns=10_000_000)
    paid = (await shop.pay()).body
    replies = await asyncio.gather(*(shop.post("/v1/refunds", {"charge": paid["latest_charge"]}) for _ in range(10)))
    assert sorted(reply.status for reply in replies) == [200] + [400] * 9
    assert (await shop.counters())["refunded_minor"] == 8900

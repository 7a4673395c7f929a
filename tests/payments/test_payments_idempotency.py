"""The same request twice pays once: what Stripe documents about idempotency keys, one row each.

Sources of the rows: A docs.stripe.com/api/idempotent_requests · E docs.stripe.com/error-low-level ·
R docs.stripe.com/rate-limits · stripe-ruby#503, stripe-ruby#431, stripe-php#718: what its library's users were told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.payments.server import Options, running
from tests.payments.shop import Open, Reply, Shop

Story = Callable[[Shop], Awaitable[None]]


async def same_result(shop: Shop) -> None:
    first, again = await shop.pay("k"), await shop.pay("k")
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] == "k"
    assert (await shop.counters())["charges"] == 1


async def no_key_pays_twice(shop: Shop) -> None:
    await shop.pay()
    await shop.pay()
    assert (await shop.counters())["charges"] == 2


async def other_parameters(shop: Shop) -> None:
    await shop.pay("k")
    other = await shop.pay("k", amount="100")
    assert (other.status, other.error["type"]) == (400, "idempotency_error")
    assert "same parameters" in other.error["message"]
    assert (await shop.pay("k")).status == 200, "the mismatch must not replace the stored result"


async def other_endpoint(shop: Shop) -> None:
    await shop.post("/v1/customers", {"email": "a@b.test"}, "k")
    other = await shop.post("/v1/payment_methods", {"email": "a@b.test"}, "k")
    assert (other.status, other.error["type"]) == (400, "idempotency_error")


async def order_of_parameters(shop: Shop) -> None:
    await shop.post("/v1/payment_intents", {"amount": "500", "currency": "eur"}, "k")
    again = await shop.post("/v1/payment_intents", key="k", json={"currency": "eur", "amount": 500})
    assert again.headers["Idempotent-Replayed"] == "true"


async def decline_is_stored(shop: Shop) -> None:
    first = await shop.pay("k", payment_method="pm_card_chargeDeclined")
    again = await shop.pay("k", payment_method="pm_card_chargeDeclined")
    assert (first.status, again.status) == (402, 402)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await shop.counters())["declined"] == 1


async def stored_500(shop: Shop) -> None:
    await shop.faults({"at": "before_commit", "do": "500-stored", "ratio": 1.0})
    assert (await shop.pay("k")).status == 500
    await shop.faults()
    again = await shop.pay("k")
    assert again.status == 500
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Stripe-Should-Retry"] == "false"
    assert (await shop.counters())["charges"] == 0
    assert (await shop.pay("another")).status == 200


async def charged_but_500(shop: Shop) -> None:
    await shop.faults({"at": "after_commit", "do": "500-stored", "ratio": 1.0})
    assert (await shop.pay("k")).status == 500
    await shop.faults()
    assert (await shop.pay("k")).status == 500
    assert (await shop.counters())["charges"] == 1


async def gateway_500_hides_success(shop: Shop) -> None:
    await shop.faults({"at": "after_commit", "do": "500", "ratio": 1.0})
    assert (await shop.pay("k")).status == 500
    await shop.faults()
    again = await shop.pay("k")
    assert (again.status, again.body["status"]) == (200, "succeeded")
    assert (await shop.counters())["charges"] == 1


async def front_500_is_not_stored(shop: Shop) -> None:
    await shop.faults({"at": "before_commit", "do": "500", "ratio": 1.0})
    assert (await shop.pay("k")).status == 500
    await shop.faults()
    assert (await shop.pay("k")).status == 200


async def invalid_is_not_stored(shop: Shop) -> None:
    bad = await shop.pay("k", amount="-5")
    assert (bad.status, bad.error["param"]) == (400, "amount")
    assert (await shop.pay("k")).status == 200


async def wrong_state_is_stored(shop: Shop) -> None:
    intent = (await shop.pay()).body["id"]
    first = await shop.post(f"/v1/payment_intents/{intent}/confirm", {}, "k")
    again = await shop.post(f"/v1/payment_intents/{intent}/confirm", {}, "k")
    assert (first.status, first.error["code"]) == (400, "payment_intent_unexpected_state")
    assert first.error["payment_intent"]["status"] == "succeeded"
    assert again.headers["Idempotent-Replayed"] == "true"


async def unauthorised_is_not_stored(shop: Shop) -> None:
    async with shop.session.post(f"{shop.url}/v1/payment_intents", headers={"Idempotency-Key": "k"}) as reply:
        assert reply.status == 401
    assert (await shop.pay("k")).status == 200


async def too_long(shop: Shop) -> None:
    assert (await shop.pay("k" * 255)).status == 200
    assert (await shop.pay("k" * 256)).status == 400


async def get_ignores_keys(shop: Shop) -> None:
    intent = (await shop.pay("k")).body["id"]
    headers = {"Authorization": "Bearer sk_test_x", "Idempotency-Key": "k"}
    async with shop.session.get(f"{shop.url}/v1/payment_intents/{intent}", headers=headers) as reply:
        assert reply.status == 200
        assert "Idempotent-Replayed" not in reply.headers


async def another_key(shop: Shop) -> None:
    await shop.pay("k")
    assert "Idempotent-Replayed" not in (await shop.pay("l")).headers
    assert (await shop.counters())["charges"] == 2


async def too_long_is_not_stored(shop: Shop) -> None:
    assert (await shop.pay("k" * 256)).status == 400
    assert (await shop.counters())["keys"] == 0


async def unknown_object_is_not_begun(shop: Shop) -> None:
    missing = await shop.post("/v1/payment_intents/pi_nobody/confirm", {}, "k")
    assert (missing.status, missing.error["code"]) == (404, "resource_missing")
    assert "Idempotent-Replayed" not in (await shop.post("/v1/payment_intents/pi_nobody/confirm", {}, "k")).headers


async def delete_ignores_keys(shop: Shop) -> None:
    form = {"url": "http://127.0.0.1:9/", "enabled_events[]": "*"}
    for _ in range(2):
        made = (await shop.post("/v1/webhook_endpoints", form)).body["id"]
        headers = {"Authorization": "Bearer sk_test_x", "Idempotency-Key": "k"}
        async with shop.session.delete(f"{shop.url}/v1/webhook_endpoints/{made}", headers=headers) as reply:
            assert (reply.status, (await reply.json())["id"]) == (200, made)
            assert "Idempotent-Replayed" not in reply.headers


async def concurrent_conflict_is_not_stored(shop: Shop) -> None:
    replies = await asyncio.gather(*(shop.pay("k") for _ in range(50)))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 49
    refused = next(reply for reply in replies if reply.status == 409)
    assert refused.error["code"] == "idempotency_key_in_use"
    assert "another in-progress request" in refused.error["message"]
    assert refused.headers["Stripe-Should-Retry"] == "true"
    assert (await shop.pay("k")).headers["Idempotent-Replayed"] == "true"
    assert (await shop.counters())["charges"] == 1


async def mismatch_in_flight(shop: Shop) -> None:
    first, other = await asyncio.gather(shop.pay("k"), shop.pay("k", amount="1"))
    assert sorted((first.status, other.status)) == [200, 400]
    assert (first if first.status == 400 else other).error["type"] == "idempotency_error"


async def lock_timeout_is_not_stored(shop: Shop) -> None:
    intent = (await shop.post("/v1/payment_intents", {"amount": "500", "currency": "eur"})).body["id"]
    path, card = f"/v1/payment_intents/{intent}/confirm", {"payment_method": "pm_card_visa"}
    first, late = await asyncio.gather(shop.post(path, card, "a"), shop.post(path, card, "b"))
    if first.status == 429:
        first, late = late, first
    assert (first.status, late.status, late.error["code"]) == (200, 429, "lock_timeout")
    loser = "b" if late.headers["Idempotency-Key"] == "b" else "a"
    again = await shop.post(path, card, loser)
    assert (again.status, again.error["code"]) == (400, "payment_intent_unexpected_state")
    assert "Idempotent-Replayed" not in again.headers
    assert (await shop.counters())["charges"] == 1


async def limiter_first(shop: Shop) -> None:
    # One passes at once and one more is within the burst; then the line is full.
    replies = [await shop.pay("k") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 429, 429]
    assert replies[1].headers["Idempotent-Replayed"] == "true"
    assert replies[2].error["code"] == "rate_limit"
    assert "Idempotent-Replayed" not in replies[2].headers


async def limited_key_is_fresh(shop: Shop) -> None:
    await shop.pay("a")
    await shop.pay("b")
    assert (await shop.pay("k")).status == 429
    assert (await shop.counters())["keys"] == 2

    async def through() -> bool:
        reply = await shop.pay("k")
        assert "Idempotent-Replayed" not in reply.headers
        return reply.status == 200

    await shop.until(through)


async def forgotten_in_the_end(shop: Shop) -> None:
    first, again = await shop.pay("k"), await shop.pay("k")
    assert first.body["id"] != again.body["id"]
    assert "Idempotent-Replayed" not in again.headers
    assert (await shop.counters())["charges"] == 2


async def forgotten_parameters(shop: Shop) -> None:
    await shop.pay("k")
    assert (await shop.pay("k", amount="100")).body["amount"] == 100


SLOW = {"latency_ns": 100_000_000}
TABLE: list[tuple[str, Story, dict[str, Any]]] = [
    ("A: the first result, status and body, is the key's result from then on, marked as a replay", same_result, {}),
    ("A: without a key each request is one of its own", no_key_pays_twice, {}),
    ("A: another key is another request", another_key, {}),
    ("A: parameters are compared, other ones are an error of status 400 (stripe-ruby#503)", other_parameters, {}),
    ("A: the order of parameters and their encoding are not parameters", order_of_parameters, {}),
    ("E: a key belongs to one endpoint", other_endpoint, {}),
    ("A: a 402 is a result", decline_is_stored, {}),
    ("A: a 500 is a result once the endpoint began to execute", stored_500, {}),
    ("A: even where the money moved before the 500", charged_but_500, {}),
    ("E: a 500 on the way hides what is stored: asking again tells it", gateway_500_hides_success, {}),
    ("E: a 500 before the endpoint began is no result", front_500_is_not_stored, {}),
    ("A: parameters that fail validation are no result, the key stays free", invalid_is_not_stored, {}),
    ("E: a refusal after execution began is a result", wrong_state_is_stored, {}),
    ("E: an object that is not there is found before execution began", unknown_object_is_not_begun, {}),
    (
        "A: a request in flight with the same key is a conflict, and no result (stripe-ruby#431)",
        concurrent_conflict_is_not_stored,
        SLOW,
    ),
    ("A: other parameters are a mismatch while the first is in flight, too", mismatch_in_flight, SLOW),
    ("E: 401 comes before the keys", unauthorised_is_not_stored, {}),
    ("R: 429 comes before the keys: a stored one may hear it", limiter_first, {"rate_per_s": 0.2, "queue_ns": 0}),
    ("R: 429 is no result: the key stays free", limited_key_is_fresh, {"rate_per_s": 1.0, "queue_ns": 0}),
    (
        "R: 429 lock_timeout is no result either (stripe-php#718)",
        lock_timeout_is_not_stored,
        {"latency_ns": 150_000_000, "lock_wait_ns": 20_000_000},
    ),
    ("A: a key has at most 255 characters", too_long, {}),
    ("A: a longer one is not stored", too_long_is_not_stored, {}),
    ("A: keys may be forgotten after a day: then a new request", forgotten_in_the_end, {"key_ttl_ns": 1}),
    ("A: and with them their parameters", forgotten_parameters, {"key_ttl_ns": 1}),
    ("A: GET ignores keys", get_ignores_keys, {}),
    ("A: DELETE ignores keys", delete_ignores_keys, {}),
]


@pytest.mark.parametrize(("story", "options"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
async def test_documented_rules(open_shop: Open, story: Story, options: dict[str, Any]) -> None:
    """A key is answered as Stripe documents it."""
    await story(await open_shop(**options))


async def test_keys_outlive_a_restart(open_shop: Open, tmp_path: Path) -> None:
    """After a restart each key is answered what it was answered before: results, declines, stored 500s, endpoints."""
    form = {"url": "http://127.0.0.1:9/", "enabled_events[]": "charge.failed"}

    async def ask(shop: Shop) -> list[Reply]:
        paid = await shop.pay("paid")
        intent = paid.body["id"]
        return [
            paid,
            await shop.pay("declined", payment_method="pm_card_chargeDeclined"),
            await shop.pay("asked", payment_method="pm_card_threeDSecure2Required"),
            await shop.post(f"/v1/payment_intents/{intent}/confirm", {}, "too late"),
            await shop.post("/v1/refunds", {"payment_intent": intent}, "refund"),
            await shop.post("/v1/webhook_endpoints", form, "hook"),
            await shop.post("/v1/customers", {"email": "a@b.test"}, "customer"),
        ]

    async with running(Options(data=tmp_path)) as open_, aiohttp.ClientSession() as session:
        first = Shop(session, open_.url, open_.control)
        before = await ask(first)
        await first.faults({"at": "after_commit", "do": "500-stored", "nth": 1})
        broken = await first.pay("broken")
    shop = await open_shop(data=tmp_path)
    after = await ask(shop)
    assert [(reply.status, reply.body) for reply in after] == [(reply.status, reply.body) for reply in before]
    assert [reply.headers.get("Idempotent-Replayed") for reply in after] == ["true"] * len(after)
    again = await shop.pay("broken")
    assert (again.status, again.body) == (broken.status, broken.body) == (500, broken.body)
    assert after[5].body["secret"] == before[5].body["secret"]
    assert (await shop.counters())["charges"] == 2


async def test_the_defects_charge_twice(open_shop: Open) -> None:
    """Without idempotency, or with a short memory, as a broken provider, the same key is two charges."""
    for defect, pause_s in (("no-idempotency", 0.0), ("short-memory", 1.05)):
        shop = await open_shop(defect=defect)
        first = await shop.pay("k")
        await asyncio.sleep(pause_s)
        again = await shop.pay("k")
        assert first.body["id"] != again.body["id"]
        assert (await shop.counters())["charges"] == 2


async def test_the_defect_that_meets_itself(open_shop: Open) -> None:
    """Built wrongly, a second request charges as well while the first is at work; afterwards the key is known."""
    shop = await open_shop(defect="twice-captured", latency_ns=100_000_000)
    both = await asyncio.gather(shop.pay("k"), shop.pay("k"))
    assert len({reply.body["id"] for reply in both}) == 2
    assert (await shop.pay("k")).headers["Idempotent-Replayed"] == "true"
    assert (await shop.counters())["charges"] == 2


async def test_a_hanging_key_stays_in_use(shop: Shop) -> None:
    """While the first request hangs before its commit, its key conflicts; once it is cut, the key is free."""
    await shop.faults({"at": "before_commit", "do": "hang", "ratio": 1.0, "at_most": 1})
    hanging = asyncio.create_task(shop.pay("k"))

    async def arrived() -> bool:
        return (await shop.counters())["in_flight"] == 1

    await shop.until(arrived)
    assert (await shop.pay("k")).status == 409
    hanging.cancel()
    with pytest.raises((asyncio.CancelledError, aiohttp.ClientError)):
        await hanging

    async def free() -> bool:
        return (await shop.pay("k")).status == 200

    await shop.until(free)
    assert (await shop.counters())["charges"] == 1

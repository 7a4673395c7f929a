"""The same request twice pays once: the rules of docs.stripe.com/api/idempotent_requests, one row each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from tests.payments.shop import Open, Shop

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


@pytest.mark.parametrize(
    "story",
    [
        same_result,
        no_key_pays_twice,
        other_parameters,
        other_endpoint,
        order_of_parameters,
        decline_is_stored,
        stored_500,
        charged_but_500,
        gateway_500_hides_success,
        front_500_is_not_stored,
        invalid_is_not_stored,
        wrong_state_is_stored,
        unauthorised_is_not_stored,
        too_long,
        get_ignores_keys,
    ],
    ids=lambda story: story.__name__,
)
async def test_documented_rules(shop: Shop, story: Story) -> None:
    """A key is answered as Stripe documents it."""
    await story(shop)


async def test_same_key_at_once(open_shop: Open) -> None:
    """Fifty requests with one key at once make one charge; the others hear 409 until it is done."""
    shop = await open_shop(latency_ns=100_000_000)
    replies = await asyncio.gather(*(shop.pay("k") for _ in range(50)))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 49
    refused = next(reply for reply in replies if reply.status == 409)
    assert refused.error["code"] == "idempotency_key_in_use"
    assert (await shop.pay("k")).headers["Idempotent-Replayed"] == "true"
    assert (await shop.counters())["charges"] == 1


async def test_limiter_comes_before_the_memory(open_shop: Open) -> None:
    """A 429 is not stored, and even a stored key may hear it."""
    shop = await open_shop(rate_per_s=1.0, queue_ns=0)
    # One passes at once and one more is within the burst of a second; then the line is full.
    replies = [await shop.pay("k") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 429, 429]
    assert replies[1].headers["Idempotent-Replayed"] == "true"
    assert replies[2].error["code"] == "rate_limit"
    assert "Idempotent-Replayed" not in replies[2].headers


async def test_keys_are_forgotten_in_the_end(open_shop: Open) -> None:
    """A key older than its time to live makes a new request."""
    shop = await open_shop(key_ttl_ns=1)
    await shop.pay("k")
    await shop.pay("k")
    assert (await shop.counters())["charges"] == 2


async def test_the_defect_charges_twice(open_shop: Open) -> None:
    """Without idempotency, as a broken provider, the same key is two charges."""
    shop = await open_shop(defect="no-idempotency")
    first, again = await shop.pay("k"), await shop.pay("k")
    assert first.body["id"] != again.body["id"]
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

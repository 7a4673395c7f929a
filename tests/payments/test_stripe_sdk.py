"""Stripe's own library, version 16 and unmodified, speaks to the provider as it would to Stripe."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, TypeVar
from urllib.request import Request, urlopen

import pytest

from tests.payments.receiver import receiving

stripe = pytest.importorskip("stripe")
pytestmark = pytest.mark.real

T = TypeVar("T")
CARD = {"amount": 8900, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}


class Place(NamedTuple):
    """A provider in a process of its own, and how the library is pointed at it."""

    url: str
    control: str

    def client(self, retries: int = 2, key: str = "sk_test_any") -> Any:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, max_network_retries=retries)

    def behind(self, what: str, body: Any = None) -> Any:
        """What the control plane says; NDJSON comes as a list."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.control}/_sim/{what}", data), timeout=10) as reply:
            text = reply.read().decode()
        return [json.loads(line) for line in text.splitlines()] if what in ("requests", "charges") else json.loads(text)

    def faults(self, *faults: dict[str, Any]) -> None:
        self.behind("faults", {"faults": list(faults)})


@pytest.fixture
async def place(start_process: Callable[..., Awaitable[Any]]) -> AsyncIterator[Place]:
    provider = await start_process()
    yield Place(provider.url, provider.control)


async def aside(work: Callable[[], T]) -> T:
    """The library blocks: run it beside the test's own loop."""
    return await asyncio.wait_for(asyncio.to_thread(work), 60)


def error_of(call: Callable[[], Any]) -> Any:
    with pytest.raises(stripe.StripeError) as caught:
        call()
    return caught.value


async def test_a_payments_whole_life(place: Place) -> None:
    """Create, confirm, capture, cancel, refund, expand and read again, all as typed objects."""

    def work() -> None:
        v1 = place.client().v1
        customer = v1.customers.create({"email": "fan@example.org", "name": "A Fan"})
        made = v1.payment_intents.create(
            {"amount": 8900, "currency": "eur", "customer": customer.id, "metadata": {"order": "o1"}}
        )
        assert made.status == "requires_payment_method"
        paid = v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa", "expand": ["latest_charge"]})
        assert (paid.status, paid.latest_charge.amount, paid.latest_charge.metadata["order"]) == (
            "succeeded",
            8900,
            "o1",
        )
        held = v1.payment_intents.create({**CARD, "capture_method": "manual"})
        assert v1.payment_intents.capture(held.id, {"amount_to_capture": 5000}).amount_received == 5000
        let_go = v1.payment_intents.create({**CARD, "capture_method": "manual"})
        gone = v1.payment_intents.cancel(let_go.id, {"cancellation_reason": "abandoned"})
        assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
        refund = v1.refunds.create({"payment_intent": paid.id, "amount": 900, "reason": "requested_by_customer"})
        assert (refund.status, refund.amount, v1.refunds.retrieve(refund.id).charge) == (
            "succeeded",
            900,
            paid.latest_charge.id,
        )
        seen = v1.charges.retrieve(paid.latest_charge.id, {"expand": ["balance_transaction", "payment_intent"]})
        assert (seen.amount_refunded, seen.balance_transaction.net, seen.payment_intent.id) == (900, 8900, paid.id)
        changed = v1.payment_intents.update(paid.id, {"metadata": {"seat": "A7"}})
        assert changed.metadata.to_dict() == {"order": "o1", "seat": "A7"}
        method = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
        assert v1.payment_methods.attach(method.id, {"customer": customer.id}).customer == customer.id
        asked = v1.payment_intents.create({**CARD, "payment_method": "pm_card_threeDSecure2Required"})
        assert (asked.status, asked.next_action.type) == ("requires_action", "use_stripe_sdk")
        answered = place.client().raw_request("post", asked.next_action.use_stripe_sdk["authenticate"])
        assert json.loads(answered.body)["status"] == "succeeded"

    await aside(work)


async def test_lists_page_by_themselves(place: Place) -> None:
    """auto_paging_iter walks every page once, in both directions and through filters."""

    def work() -> None:
        v1 = place.client().v1
        ids = [v1.payment_intents.create({**CARD, "amount": 100 + at}).id for at in range(23)]
        listed = [row.id for row in v1.payment_intents.list({"limit": 5}).auto_paging_iter()]
        assert listed == ids[::-1]
        older = v1.payment_intents.list({"limit": 5, "ending_before": ids[0]})
        assert [row.id for row in older.auto_paging_iter()] == ids[1:]
        since = {"gte": int(time.time()) - 60}
        assert len(list(v1.charges.list({"limit": 10, "created": since}).auto_paging_iter())) == 23
        assert list(v1.charges.list({"created": {"gt": int(time.time()) + 60}}).auto_paging_iter()) == []
        (one,) = v1.charges.list({"payment_intent": ids[7], "expand": ["data.payment_intent"]}).data
        assert (one.amount, one.payment_intent.amount) == (107, 107)
        assert len(list(v1.balance_transactions.list({"type": "charge", "limit": 10}).auto_paging_iter())) == 23
        types = [event.type for event in v1.events.list({"limit": 10}).auto_paging_iter()]
        assert types.count("payment_intent.succeeded") == types.count("charge.succeeded") == 23

    await aside(work)


async def test_errors_by_their_class(place: Place) -> None:
    """Each refusal is the exception that the library's users catch."""

    def work() -> None:
        pi = place.client(retries=0).v1.payment_intents
        declined = error_of(lambda: pi.create({**CARD, "payment_method": "pm_card_chargeDeclinedInsufficientFunds"}))
        assert type(declined) is stripe.CardError
        assert (declined.code, declined.error.decline_code, declined.http_status) == (
            "card_declined",
            "insufficient_funds",
            402,
        )
        assert declined.error.payment_intent.status == "requires_payment_method"
        invalid = error_of(lambda: pi.create({"amount": 0, "currency": "eur"}))
        assert (type(invalid), invalid.param) == (stripe.InvalidRequestError, "amount")
        missing = error_of(lambda: pi.retrieve("pi_nobody"))
        assert (type(missing), missing.code, missing.http_status) == (
            stripe.InvalidRequestError,
            "resource_missing",
            404,
        )
        assert missing.request_id.startswith("req_")
        pi.create(CARD, {"idempotency_key": "k"})
        reused = error_of(lambda: pi.create({**CARD, "amount": 1}, {"idempotency_key": "k"}))
        assert type(reused) is stripe.IdempotencyError
        live = place.client(key="sk_live_never").v1.payment_intents
        assert type(error_of(lambda: live.create(CARD))) is stripe.AuthenticationError
        place.faults({"at": "before_commit", "do": "500", "nth": 1})
        assert type(error_of(lambda: pi.create(CARD))) is stripe.APIError
        place.faults({"at": "before_commit", "do": "reset", "nth": 1})
        assert type(error_of(lambda: pi.create(CARD))) is stripe.APIConnectionError

    await aside(work)


async def test_rate_limit_error(start_process: Callable[..., Awaitable[Any]]) -> None:
    """Beyond the endpoint's rate, a RateLimitError at once: the library does not retry a 429 by itself."""
    provider = await start_process(endpoint_rate=0.2, queue="0s")
    place = Place(provider.url, provider.control)

    def work() -> None:
        pi = place.client(retries=2).v1.payment_intents
        pi.create(CARD)
        pi.create(CARD)
        limited = error_of(lambda: pi.create(CARD))
        assert (type(limited), limited.error.code, limited.http_status) == (stripe.RateLimitError, "rate_limit", 429)
        assert limited.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
        assert [row["status"] for row in place.behind("requests")] == [200, 200, 429]

    await aside(work)


@pytest.mark.parametrize("do", ["reset", "500"])
async def test_retries_do_not_charge_twice(place: Place, do: str) -> None:
    """The library sends again what was cut after the charge, with the same key of its own, and is told the same."""

    def work() -> None:
        place.faults({"at": "after_commit", "do": do, "nth": 1, "at_most": 1})
        paid = place.client(retries=2).v1.payment_intents.create(CARD)
        assert paid.status == "succeeded"
        first, again = place.behind("requests")
        assert first["key"] == again["key"]
        assert first["key"]
        assert (first["executed"], again["replayed"]) == (True, True)
        assert place.behind("counters")["charges"] == 1

    await aside(work)


async def test_a_truncated_reply_is_not_retried(place: Place) -> None:
    """Half a reply is an error that the library hands on at once: charged, and the shop must ask with the same key."""

    def work() -> None:
        pi = place.client(retries=2).v1.payment_intents
        place.faults({"at": "after_commit", "do": "truncate", "nth": 1, "at_most": 1})
        assert type(error_of(lambda: pi.create(CARD, {"idempotency_key": "k"}))) is stripe.APIConnectionError
        assert len(place.behind("requests")) == 1
        assert pi.create(CARD, {"idempotency_key": "k"}).status == "succeeded"
        assert place.behind("counters")["charges"] == 1

    await aside(work)


async def test_a_loop_of_ones_own_charges_twice(place: Place) -> None:
    """Calling create() again makes a new key: without one of the shop's own the same want is charged twice."""

    def work() -> None:
        pi = place.client(retries=0).v1.payment_intents

        def stubborn(**options: str) -> str:
            place.faults({"at": "after_commit", "do": "reset", "nth": 1, "at_most": 1})
            while True:
                try:
                    return pi.create(CARD, options).id
                except stripe.APIConnectionError:
                    continue

        stubborn()
        assert place.behind("counters")["charges"] == 2
        stubborn(idempotency_key="order-17")
        assert place.behind("counters")["charges"] == 3

    await aside(work)


async def test_a_delivered_webhook_is_verified(place: Place) -> None:
    """An endpoint made with the library gets letters that its construct_event believes, and no forged ones."""
    async with receiving() as receiver:
        client = place.client()

        def pay() -> Any:
            endpoint = client.v1.webhook_endpoints.create(
                {"url": receiver.url, "enabled_events": ["payment_intent.succeeded", "charge.refunded"]}
            )
            paid = client.v1.payment_intents.create({**CARD, "metadata": {"order": "o1"}})
            client.v1.refunds.create({"payment_intent": paid.id})
            return endpoint, paid

        endpoint, paid = await aside(pay)
        async with asyncio.timeout(10):
            while len(receiver.letters) < 2:
                await asyncio.sleep(0.01)
        by_type = {letter.event["type"]: letter for letter in receiver.letters}
        letter = by_type["payment_intent.succeeded"]
        event = stripe.Webhook.construct_event(letter.body, letter.signature, endpoint.secret)
        assert (event.type, event.data.object.id, event.data.object.metadata["order"]) == (
            "payment_intent.succeeded",
            paid.id,
            "o1",
        )
        assert client.construct_event(letter.body, letter.signature, endpoint.secret).id == event.id
        assert by_type["charge.refunded"].event["data"]["object"]["refunded"] is True
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(letter.body.replace(b"8900", b"8901"), letter.signature, endpoint.secret)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(letter.body, letter.signature, "whsec_another")

        def clear() -> None:
            endpoints = client.v1.webhook_endpoints
            assert [row.id for row in endpoints.list().auto_paging_iter()] == [endpoint.id]
            assert endpoints.update(endpoint.id, {"disabled": True}).status == "disabled"
            assert endpoints.delete(endpoint.id).deleted is True
            assert client.v1.events.retrieve(event.id).pending_webhooks == 0

        await aside(clear)

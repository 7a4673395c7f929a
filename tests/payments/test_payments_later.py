"""What is decided later: the bank's question to the cardholder, slow processing, refunds under way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.payments.server import Options, running
from tests.payments.shop import Open, Shop

SOON = {"settle_after_ns": 60_000_000}
THREE_D = "pm_card_threeDSecure2Required"


async def status_of(shop: Shop, intent: str) -> str:
    return (await shop.get(f"/v1/payment_intents/{intent}")).body["status"]


async def becomes(shop: Shop, intent: str, status: str) -> None:
    async def met() -> bool:
        return await status_of(shop, intent) == status

    await shop.until(met)


async def events_of(shop: Shop) -> list[str]:
    return [event["type"] for event in (await shop.get("/v1/events", limit="100")).body["data"]][::-1]


async def answer(shop: Shop, intent: str, outcome: str) -> Any:
    reply = await shop.post(f"/v1/test_helpers/payment_intents/{intent}/authenticate", {"outcome": outcome})
    assert reply.status == 200, reply.body
    return reply.body


@pytest.mark.parametrize("card", [THREE_D, "pm_card_threeDSecure2Required-r7f1", "pm_card_authenticationRequired"])
async def test_the_bank_asks_first(shop: Shop, card: str) -> None:
    """Nothing is charged until the cardholder has answered; then it is, once."""
    asked = await shop.pay("k", payment_method=card, **{"metadata[order]": "o1"})
    assert (asked.status, asked.body["status"], asked.body["latest_charge"]) == (200, "requires_action", None)
    assert asked.body["next_action"]["type"] == "use_stripe_sdk"
    assert (await shop.counters())["charges"] == 0
    paid = await answer(shop, asked.body["id"], "succeeded")
    assert (paid["status"], paid["next_action"], paid["amount_received"]) == ("succeeded", None, 8900)
    again = await shop.post(f"/v1/test_helpers/payment_intents/{asked.body['id']}/authenticate")
    assert again.error["code"] == "payment_intent_unexpected_state"
    assert (await shop.pay("k", payment_method=card, **{"metadata[order]": "o1"})).body == asked.body
    assert (await shop.counters())["charges"] == 1
    (charge,) = await shop.rows("charges")
    assert (charge["state"], charge["metadata"], charge["payment_method"]) == ("captured", {"order": "o1"}, card)
    assert await events_of(shop) == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


async def test_a_question_answered_wrongly(shop: Shop) -> None:
    """A wrong answer takes no money and leaves the intent to another card; a poor card declines after a right one."""
    asked = (await shop.pay(payment_method=THREE_D)).body["id"]
    failed = await answer(shop, asked, "failed")
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert (await shop.counters())["declined"] == 0
    confirm = f"/v1/payment_intents/{asked}/confirm"
    poor = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    assert (await shop.post(confirm, {"payment_method": poor})).body["status"] == "requires_action"
    refused = await answer(shop, asked, "succeeded")
    assert refused["last_payment_error"]["decline_code"] == "insufficient_funds"
    assert (await shop.post(confirm, {"payment_method": "pm_card_visa"})).body["status"] == "succeeded"
    assert (await shop.counters())["charges"] == 1


async def test_nobody_there_to_ask(shop: Shop) -> None:
    """Who says that nobody is there to answer gets a decline instead of a question."""
    for word in ("error_on_requires_action", "off_session"):
        reply = await shop.pay(payment_method=THREE_D, **{word: "true"})
        assert (reply.status, reply.error["code"]) == (402, "authentication_required")


async def test_a_question_abandoned(open_shop: Open) -> None:
    """Who walks away leaves the intent open, even if they would have answered; it can still be cancelled."""
    shop = await open_shop(authenticated=1.0, authentication_ns=600_000_000)
    first, second = [(await shop.pay(payment_method=THREE_D)).body["id"] for _ in range(2)]
    assert (await answer(shop, first, "abandoned"))["status"] == "requires_action"
    await becomes(shop, second, "succeeded")
    await asyncio.sleep(0.5)
    assert await status_of(shop, first) == "requires_action"
    assert (await shop.post(f"/v1/payment_intents/{first}/cancel")).body["status"] == "canceled"


async def test_a_share_answers_by_itself(open_shop: Open) -> None:
    """As many as the seed has it answer by themselves; the same seed has the same ones."""

    async def answered(seed: int) -> list[str]:
        shop = await open_shop(seed=seed, authenticated=0.5, authentication_ns=1_000_000)
        ids = [(await shop.pay(payment_method=THREE_D)).body["id"] for _ in range(20)]
        await asyncio.sleep(0.5)
        return [await status_of(shop, id_) for id_ in ids]

    first, again, other = await asyncio.gather(answered(3), answered(3), answered(4))
    assert first == again != other
    assert 4 <= first.count("succeeded") <= 16
    assert set(first) == {"succeeded", "requires_action"}


@pytest.mark.parametrize(
    ("card", "ends", "state", "last"),
    [
        ("pm_card_processing", "succeeded", "captured", ["charge.succeeded", "payment_intent.succeeded"]),
        (
            "pm_card_processingDeclined",
            "requires_payment_method",
            "failed",
            ["charge.failed", "payment_intent.payment_failed"],
        ),
    ],
)
async def test_processing_settles_later(open_shop: Open, card: str, ends: str, state: str, last: list[str]) -> None:
    """A payment under way has moved no money; it ends as its card has it, and cannot be cancelled meanwhile."""
    shop = await open_shop(settle_after_ns=700_000_000)
    begun = (await shop.pay("k", payment_method=card)).body
    assert begun["status"] == "processing"
    assert (await shop.post(f"/v1/payment_intents/{begun['id']}/cancel")).status == 400
    (charge,) = (await shop.get("/v1/charges")).body["data"]
    assert (charge["status"], charge["paid"], charge["amount_captured"]) == ("pending", False, 0)
    (row,) = await shop.rows("charges")
    assert (row["state"], row["captured_minor"]) == ("processing", 0)
    await becomes(shop, begun["id"], ends)
    (row,) = await shop.rows("charges")
    assert (row["state"], row["captured_minor"], row["key"]) == (state, 8900 if state == "captured" else 0, "k")
    assert await events_of(shop) == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        *last,
    ]
    assert (await shop.rows("ledger"))[-1]["key"] == "k"


async def test_a_share_of_all_cards_is_bad(open_shop: Open) -> None:
    """Some cards are declined, some only after processing. A card with a name of its own fares the same whenever it is
    tried; where all have one name it is drawn for each payment."""
    shop = await open_shop(seed=5, declined=0.3, processing_declined=0.3, settle_after_ns=1_000_000)

    async def tried(card: str) -> str:
        paid = await shop.pay(payment_method=card)
        return paid.body["status"] if paid.status == 200 else "declined"

    own = [f"pm_card_visa-r{card}" for card in range(40)]
    first = [await tried(card) for card in own]
    assert first == [await tried(card) for card in own]
    for told in (first, [await tried("pm_card_visa") for _ in range(40)]):
        counted = {word: 6 <= told.count(word) <= 22 for word in told}
        assert counted == dict.fromkeys(("declined", "processing", "succeeded"), True)


async def test_processing_as_a_fault(open_shop: Open) -> None:
    """A slow bank settles after its delay as it is told to, with its own word for a decline."""
    shop = await open_shop()
    await shop.faults(
        {
            "at": "issuer",
            "do": "processing",
            "nth": 1,
            "delay": "50ms",
            "outcome": "failed",
            "decline_code": "try_later",
        }
    )
    begun = (await shop.pay(capture_method="manual")).body
    assert begun["status"] == "processing"
    assert (await shop.rows("requests"))[0]["fault"] == "issuer:processing"
    await becomes(shop, begun["id"], "requires_payment_method")
    told = (await shop.get(f"/v1/payment_intents/{begun['id']}")).body
    assert told["last_payment_error"]["decline_code"] == "try_later"
    await shop.faults({"at": "issuer", "do": "processing", "nth": 1, "delay": "50ms"})
    held = (await shop.pay(capture_method="manual")).body
    await becomes(shop, held["id"], "requires_capture")
    await shop.faults({"at": "issuer", "do": "challenge", "nth": 1, "delay": "50ms"})
    asked = (await shop.pay()).body
    assert asked["status"] == "requires_action"
    await becomes(shop, asked["id"], "succeeded")


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
async def test_a_refund_under_way(open_shop: Open, outcome: str) -> None:
    """A pending refund holds its amount but has moved nothing; it arrives later, or fails and can be tried again."""
    shop = await open_shop()
    await shop.faults({"at": "refund", "do": "pending", "nth": 1, "delay": "700ms", "outcome": outcome})
    paid = (await shop.pay()).body
    refund = (await shop.post("/v1/refunds", {"payment_intent": paid["id"], "amount": "8000"}, "r")).body
    assert refund["status"] == "pending"
    assert (await shop.counters())["refunded_minor"] == 0
    too_much = await shop.post("/v1/refunds", {"payment_intent": paid["id"], "amount": "1000"})
    assert too_much.status == 400

    async def decided() -> bool:
        return (await shop.get(f"/v1/refunds/{refund['id']}")).body["status"] == outcome

    await shop.until(decided)
    (row,) = await shop.rows("refunds")
    assert (row["state"], row["amount_minor"], row["key"]) == (outcome, 8000, "r")
    (charge,) = (await shop.get("/v1/charges")).body["data"]
    counters = await shop.counters()
    if outcome == "succeeded":
        assert (charge["amount_refunded"], counters["refunded_minor"], counters["refunds"]) == (8000, 8000, 1)
        assert (await events_of(shop))[-2:] == ["refund.updated", "charge.refund.updated"]
    else:
        assert (charge["amount_refunded"], counters["refunded_minor"], counters["refunds"]) == (0, 0, 0)
        assert "refund.failed" in await events_of(shop)
        await shop.faults()
        again = await shop.post("/v1/refunds", {"payment_intent": paid["id"]})
        assert (again.status, again.body["amount"]) == (200, 8900)


async def test_refund_cards(open_shop: Open) -> None:
    """Stripe's refund cards: one is pending first, one succeeds and then fails, and the shop has its money back."""
    shop = await open_shop(**SOON)
    for card, first, last in (
        ("pm_card_pendingRefund", "pending", "succeeded"),
        ("pm_card_refundFail", "succeeded", "failed"),
    ):
        paid = (await shop.pay(payment_method=card)).body
        refund = (await shop.post("/v1/refunds", {"payment_intent": paid["id"]})).body
        assert refund["status"] == first

        async def decided(id_: str = refund["id"], last: str = last) -> bool:
            return (await shop.get(f"/v1/refunds/{id_}")).body["status"] == last

        await shop.until(decided)
    assert [row["state"] for row in await shop.rows("refunds")] == ["succeeded", "failed"]
    assert [row["refunded_minor"] for row in await shop.rows("charges")] == [8900, 0]
    assert (await shop.counters())["refunded_minor"] == 8900


async def test_balance_transactions(open_shop: Open) -> None:
    """What came in and went out, less the fee; each charge and refund names its own."""
    shop = await open_shop(fee_percent=2.9, **SOON)
    paid = await shop.pay(**{"expand[]": "latest_charge.balance_transaction"})
    refund = (await shop.post("/v1/refunds", {"payment_intent": paid.body["id"], "amount": "900"})).body
    await shop.pay(payment_method="pm_card_chargeDeclined")
    held = (await shop.pay(capture_method="manual")).body
    of_charge = paid.body["latest_charge"]["balance_transaction"]
    assert (of_charge["amount"], of_charge["fee"], of_charge["net"]) == (8900, 258, 8642)
    listed = (await shop.get("/v1/balance_transactions")).body["data"]
    assert [(row["type"], row["amount"], row["net"], row["source"]) for row in listed] == [
        ("refund", -900, -900, refund["id"]),
        ("charge", 8900, 8642, paid.body["latest_charge"]["id"]),
    ]
    assert listed[0]["id"] == refund["balance_transaction"]
    assert (await shop.get(f"/v1/balance_transactions/{of_charge['id']}")).body == of_charge
    await shop.post(f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": "100"})
    only = (await shop.get("/v1/balance_transactions", type="charge", limit="1")).body
    assert (only["data"][0]["amount"], only["has_more"]) == (100, True)
    assert (await events_of(shop))[-2:] == ["charge.captured", "payment_intent.succeeded"]


async def test_a_restart_decides_what_was_pending(open_shop: Open, tmp_path: Path) -> None:
    """What was to be decided is decided after a restart, at its time; what was decided is not decided again."""
    async with (
        running(Options(data=tmp_path, settle_after_ns=400_000_000)) as open_,
        aiohttp.ClientSession() as session,
    ):
        first = Shop(session, open_.url, open_.control)
        slow = (await first.pay("slow", payment_method="pm_card_processing")).body["id"]
        asked = (await first.pay(payment_method=THREE_D)).body["id"]
        paid = (await first.pay(payment_method="pm_card_refundFail")).body["id"]
        await first.post("/v1/refunds", {"payment_intent": paid})
        gone = (await first.pay(payment_method=THREE_D)).body["id"]
        await answer(first, gone, "succeeded")
        before = await first.rows("ledger")
    shop = await open_shop(data=tmp_path)
    assert [row["seq"] for row in await shop.rows("ledger")][: len(before)] == [row["seq"] for row in before]
    await becomes(shop, slow, "succeeded")

    async def failed() -> bool:
        return [row["state"] for row in await shop.rows("refunds")] == ["failed"]

    await shop.until(failed)
    assert await status_of(shop, asked) == "requires_action"
    await answer(shop, asked, "succeeded")
    assert (await shop.counters())["charges"] == 4
    again = await open_shop(data=tmp_path)
    await asyncio.sleep(0.05)
    for what in ("charges", "refunds", "events", "balance_transactions"):
        assert (await again.get(f"/v1/{what}", limit="100")).body == (await shop.get(f"/v1/{what}", limit="100")).body

"""The API a shop sees: intents, charges, refunds, lists, declines."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from tests.payments.shop import Open, Shop


async def test_metadata_travels_verbatim(shop: Shop) -> None:
    """What the shop sends is found word for word in the intent, its charge and the ledger."""
    notes = {"order": "o-1", "email": "fan+r7f1@x.test", "ünï": "a=b&c[d]"}
    sent = {f"metadata[{name}]": value for name, value in notes.items()}
    sent |= {
        "payment_method": "pm_card_visa-r7f1",
        "receipt_email": "fan+r7f1@x.test",
        "description": "2 tickets; row 4",
    }
    paid = await shop.pay("k-1", **sent, **{"expand[]": "latest_charge"})
    charge = paid.body["latest_charge"]
    for row in (paid.body, charge, (await shop.rows("ledger"))[-1], (await shop.rows("charges"))[0]):
        assert row["metadata"] == notes
        assert row["payment_method"] == "pm_card_visa-r7f1"
        assert row["receipt_email"] == "fan+r7f1@x.test"
        assert row["description"] == "2 tickets; row 4"
    assert (await shop.rows("charges"))[0]["key"] == "k-1"


async def test_two_steps(shop: Shop) -> None:
    """An intent may be made first and confirmed later, and succeeds at most once."""
    made = (await shop.post("/v1/payment_intents", {"amount": "500", "currency": "EUR"})).body
    assert (made["status"], made["currency"], made["latest_charge"]) == ("requires_payment_method", "eur", None)
    path = f"/v1/payment_intents/{made['id']}"
    assert (await shop.post(f"{path}/confirm")).error["code"] == "payment_intent_unexpected_state"
    paid = (await shop.post(f"{path}/confirm", {"payment_method": "pm_card_visa"})).body
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 500)
    assert (await shop.post(f"{path}/confirm", {"payment_method": "pm_card_visa"})).status == 400
    assert (await shop.post(f"{path}/cancel")).status == 400
    assert (await shop.get(path)).body == paid
    assert (await shop.counters())["captured_minor"] == 500


async def test_a_browser_confirms_what_it_holds_the_secret_of(shop: Shop) -> None:
    """With a publishable key, sent as Stripe.js sends it: its own payment, nothing else, without the shop's notes."""
    told = {"amount": "500", "currency": "eur", "metadata[order_id]": "o-1"}
    made = (await shop.post("/v1/payment_intents", told)).body
    path, own = f"/v1/payment_intents/{made['id']}", {"key": "pk_test_any", "client_secret": made["client_secret"]}
    asks = [
        ("POST", f"{path}/confirm", {**own, "client_secret": f"{made['id']}_secret_other"}, 400),
        ("POST", f"{path}/confirm", {"key": "pk_test_any"}, 400),
        ("POST", f"{path}/confirm", {**own, "key": "pk_live_any"}, 401),
        ("POST", f"{path}/cancel", own, 401),
        ("POST", "/v1/payment_intents", {**own, **told}, 401),
        ("GET", "/v1/charges", own, 401),
    ]
    for method, asked, said, status in asks:
        place = {"params": said} if method == "GET" else {"data": said}
        async with shop.session.request(method, shop.url + asked, **place) as reply:
            assert (reply.status, method, asked) == (status, method, asked)
    card = {"payment_method_data[type]": "card", "payment_method_data[card][number]": "4242424242424242"}
    async with shop.session.post(f"{shop.url}{path}/confirm", data={**own, **card}) as reply:
        paid = await reply.json()
    async with shop.session.get(shop.url + path, params=own) as reply:
        assert await reply.json() == paid
    assert paid["status"] == "succeeded" and not paid.keys() & {"metadata", "latest_charge", "customer"}
    (charge,) = await shop.rows("charges")
    assert (charge["captured_minor"], charge["metadata"]) == (500, {"order_id": "o-1"})


async def test_the_form_in_the_documentation_pays(shop: Shop) -> None:
    """docs/links.md, paying in the browser: what the fan's step sends, and the id that it reads out of the secret."""
    page = (Path(__file__).parents[2] / "docs/links.md").read_text("utf-8")
    block = page.partition("### Paying in the browser")[2].partition("```yaml\n")[2].partition("```")[0]
    intent, pay = yaml.safe_load(block)["journey"]
    made = (await shop.post("/v1/payment_intents", {"amount": "500", "currency": "eur"})).body
    found = re.match(intent["take"]["payment"]["regex"], made["client_secret"])
    assert found is not None and found[1] == made["id"]
    form = {**pay["form"], "key": "pk_test_any", "client_secret": made["client_secret"]}
    async with shop.session.post(shop.url + pay["post"].replace("{payment}", found[1]), data=form) as reply:
        assert (reply.status, (await reply.json())["status"]) == (200, "succeeded")


async def test_capture_later(shop: Shop) -> None:
    """A reserved amount is captured in part, once, and moves no money before."""
    held = (await shop.pay(capture_method="manual")).body
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 8900)
    assert (await shop.counters())["captured_minor"] == 0
    path = f"/v1/payment_intents/{held['id']}/capture"
    too_much = await shop.post(path, {"amount_to_capture": "8901"})
    assert (too_much.status, too_much.error["code"]) == (400, "amount_too_large")
    assert (await shop.post(path, {"amount_to_capture": "5000"})).body["amount_received"] == 5000
    assert (await shop.post(path)).status == 400
    refused = await shop.post("/v1/refunds", {"charge": held["latest_charge"], "amount": "5001"})
    assert refused.status == 400
    assert (await shop.counters())["captured_minor"] == 5000


async def test_cancel_lets_a_reservation_go(shop: Shop) -> None:
    """Cancelling a reserved amount voids its charge; nothing was captured."""
    held = (await shop.pay(capture_method="manual")).body
    gone = await shop.post(f"/v1/payment_intents/{held['id']}/cancel", {"cancellation_reason": "abandoned"})
    assert (gone.body["status"], gone.body["cancellation_reason"]) == ("canceled", "abandoned")
    (charge,) = await shop.rows("charges")
    assert (charge["state"], charge["captured_minor"], charge["voided_minor"]) == ("voided", 0, 8900)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclined-r7f1", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
async def test_declined_cards(shop: Shop, card: str, code: str, decline_code: str | None) -> None:
    """A declined card is a 402 that moves no money, and the same intent may be paid with another card."""
    no = await shop.pay(payment_method=card)
    assert (no.status, no.error["type"], no.error["code"]) == (402, "card_error", code)
    assert no.error.get("decline_code") == decline_code
    intent = no.error["payment_intent"]
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["payment_method"] == card
    assert (await shop.counters())["captured_minor"] == 0
    again = await shop.post(f"/v1/payment_intents/{intent['id']}/confirm", {"payment_method": "pm_card_visa"})
    assert again.body["status"] == "succeeded"
    tries = (await shop.get("/v1/charges", payment_intent=intent["id"])).body["data"]
    assert [charge["status"] for charge in tries] == ["succeeded", "failed"]
    assert tries[1]["id"] == no.error["charge"]


async def test_saved_cards(shop: Shop) -> None:
    """A saved card belongs to a customer and is judged by its number."""
    customer = (await shop.post("/v1/customers", {"email": "a@b.test"})).body["id"]
    card = {"type": "card", "card[number]": "4000000000009995"}
    method = (await shop.post("/v1/payment_methods", card)).body
    assert method["card"]["last4"] == "9995"
    attached = await shop.post(f"/v1/payment_methods/{method['id']}/attach", {"customer": customer})
    assert attached.body["customer"] == customer
    no = await shop.pay(payment_method=method["id"], customer=customer)
    assert (no.status, no.error["decline_code"]) == (402, "insufficient_funds")
    assert (await shop.pay(customer="cus_nobody")).error["code"] == "resource_missing"
    raw = {"payment_method_data[type]": "card", "payment_method_data[card][number]": "4000 0000 0000 0341"}
    assert (await shop.pay(**raw, payment_method="")).status == 402


async def test_over_refund_is_refused(shop: Shop) -> None:
    """Never more is paid back than was charged, in parts or at once."""
    paid = (await shop.pay()).body
    part = await shop.post("/v1/refunds", {"payment_intent": paid["id"], "amount": "900", "metadata[why]": "seat"})
    assert (part.body["amount"], part.body["charge"], part.body["status"]) == (900, paid["latest_charge"], "succeeded")
    assert (await shop.post("/v1/refunds", {"charge": paid["latest_charge"], "amount": "8001"})).status == 400
    assert (await shop.post("/v1/refunds", {"charge": paid["latest_charge"]})).body["amount"] == 8000
    over = await shop.post("/v1/refunds", {"charge": paid["latest_charge"]})
    assert (over.status, over.error["code"]) == (400, "charge_already_refunded")
    assert (await shop.counters())["refunded_minor"] == 8900
    assert (await shop.get(f"/v1/charges/{paid['latest_charge']}")).body["refunded"] is True
    assert [row["amount"] for row in (await shop.get("/v1/refunds", charge=paid["latest_charge"])).body["data"]] == [
        8000,
        900,
    ]
    (charge,) = await shop.rows("charges")
    assert (charge["state"], charge["captured_minor"], charge["refunded_minor"]) == ("refunded", 8900, 8900)
    assert [row["amount_minor"] for row in await shop.rows("refunds")] == [900, 8000]


async def test_the_over_refund_defect(open_shop: Open) -> None:
    """Built wrongly, it pays back twice, and each time a tenth more than was charged."""
    shop = await open_shop(defect="over-refund")
    paid = (await shop.pay()).body
    for _ in range(2):
        assert (await shop.post("/v1/refunds", {"payment_intent": paid["id"]})).status == 200
    assert (await shop.counters())["refunded_minor"] == 2 * 9790


async def test_paging_sees_each_once(shop: Shop) -> None:
    """Newest first, at most 100 a page, and whoever pages on sees every charge once even while more are made."""
    ids = [(await shop.pay()).body["latest_charge"] for _ in range(25)]
    seen: list[str] = []
    query = {"limit": "7"}
    while True:
        page = (await shop.get("/v1/charges", **query)).body
        seen += [charge["id"] for charge in page["data"]]
        if not page["has_more"]:
            break
        await shop.pay()
        query["starting_after"] = seen[-1]
    assert seen == ids[::-1]
    newer = (await shop.get("/v1/charges", limit="3", ending_before=ids[10])).body
    assert [charge["id"] for charge in newer["data"]] == ids[13:10:-1]
    assert newer["has_more"] is True
    assert len((await shop.get("/v1/charges")).body["data"]) == 10
    assert (await shop.get("/v1/charges", limit="101")).status == 400
    assert (await shop.get("/v1/charges", starting_after="ch_none")).error["code"] == "resource_missing"


async def test_created_window(shop: Shop) -> None:
    """Lists can be cut to a window of time, with open and closed ends."""
    made = (await shop.pay()).body
    at = made["created"]
    for query, found in [
        ({"created[gte]": at}, 1),
        ({"created[gt]": at}, 0),
        ({"created[lte]": at}, 1),
        ({"created[lt]": at}, 0),
        ({"created[gte]": at - 5, "created[lt]": at + 5}, 1),
        ({"created": at}, 1),
    ]:
        texts = {name: str(value) for name, value in query.items()}
        assert len((await shop.get("/v1/payment_intents", **texts)).body["data"]) == found, query
    assert (await shop.get("/v1/payment_intents", **{"created[about]": "5"})).status == 400
    expanded = (await shop.get("/v1/payment_intents", **{"expand[]": "data.latest_charge"})).body["data"][0]
    assert expanded["latest_charge"]["amount"] == 8900


async def test_events_tell_what_happened(shop: Shop) -> None:
    """Each change is an event that carries the object as it was then."""
    paid = (await shop.pay()).body
    await shop.post("/v1/refunds", {"payment_intent": paid["id"]})
    events = (await shop.get("/v1/events")).body["data"]
    assert [event["type"] for event in events[::-1]] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ]
    assert (await shop.get("/v1/events", type="charge.succeeded")).body["data"][0]["data"]["object"][
        "refunded"
    ] is False


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"currency": "eur"}, "amount"),
        ({"amount": "12.5", "currency": "eur"}, "amount"),
        ({"amount": "0", "currency": "eur"}, "amount"),
        ({"amount": "999999999", "currency": "eur"}, "amount"),
        ({"amount": "5"}, "currency"),
        ({"amount": "5", "currency": "euros"}, "currency"),
        ({"amount": "5", "currency": "eur", "confirm": "maybe"}, "confirm"),
        ({"amount": "5", "currency": "eur", "metadata": "text"}, "metadata"),
        ({"amount[a]": "5", "currency": "eur"}, "amount"),
        ({"amount": "5", "currency": "eur", "metadata[" + "n" * 41 + "]": "x"}, "metadata[" + "n" * 41 + "]"),
        ({"amount": "5", "currency": "eur", "metadata[a][b]": "x"}, "metadata[a]"),
        ({"amount": "5", "currency": "eur", "x" + "[a]" * 50: "x"}, "x"),
    ],
)
async def test_bad_parameters(shop: Shop, form: dict[str, str], param: str) -> None:
    """A parameter that cannot be meant is named, and nothing is made."""
    no = await shop.post("/v1/payment_intents", form)
    assert (no.status, no.error["type"], no.error["param"]) == (400, "invalid_request_error", param)
    assert (await shop.counters())["intents"] == 0


async def test_unknown_things(shop: Shop) -> None:
    """Addresses and ids that do not exist are 404; parameters we do not know are accepted and noted."""
    assert (await shop.post("/v1/nothing")).status == 404
    assert (await shop.get("/v1/payment_intents/pi_none")).error["code"] == "resource_missing"
    assert (await shop.pay(**{"automatic_payment_methods[enabled]": "true"})).status == 200
    assert (await shop.rows("requests"))[-1]["unknown"] == ["automatic_payment_methods"]
    async with shop.session.post(
        shop.url + "/v1/customers",
        data=b"{broken",
        headers={"Authorization": "Bearer sk_test_x", "Content-Type": "application/json"},
    ) as reply:
        assert reply.status == 400


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer nonsense", 401),
        ("Bearer sk_live_never", 401),
        ("Basic %%%", 401),
        ("Bearer sk_test_x", 200),
        ("Basic " + b64encode(b"sk_test_x:").decode(), 200),
    ],
)
async def test_keys(shop: Shop, header: str | None, status: int) -> None:
    """Only a test key opens the door, as Basic or Bearer; a live key is sent home."""
    headers = {"Authorization": header} if header else {}
    async with shop.session.get(f"{shop.url}/v1/charges", headers=headers) as reply:
        assert reply.status == status
        assert reply.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("4242424242424242", "succeeded"),
        ("4000 0000 0000 0002", "generic_decline"),
        ("4000000000000341", "generic_decline"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000009987", "lost_card"),
        ("4000000000009979", "stolen_card"),
        ("4100000000000019", "fraudulent"),
        ("4000000000006975", "card_velocity_exceeded"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
        ("4000000000000119", "processing_error"),
        ("4000000000003220", "requires_action"),
        ("4000002760003184", "requires_action"),
        ("4000008400001629", "requires_action"),
    ],
)
async def test_stripes_test_numbers(shop: Shop, number: str, said: str) -> None:
    """A card's number decides alike in a payment and in a payment method made before."""
    made = await shop.post("/v1/payment_methods", {"type": "card", "card[number]": number})
    raw = {"amount": "8900", "currency": "eur", "confirm": "true", "payment_method_data[card][number]": number}
    for reply in (await shop.pay(payment_method=made.body["id"]), await shop.post("/v1/payment_intents", raw)):
        if reply.status == 402:
            assert said in (reply.error.get("decline_code"), reply.error["code"])
        else:
            assert (reply.status, reply.body["status"]) == (200, said)

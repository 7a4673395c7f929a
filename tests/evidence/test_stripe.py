"""A provider's ledger: every charge since the run's start, as it stands, or a reason to doubt."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.evidence import stripe
from surgectl.evidence.books import Books
from surgectl.evidence.mapping import MappingError, compile_mapping
from surgectl.evidence.reading import Found
from surgectl.profile.source import Source
from surgectl.recording.evidence_rows import ChargeRow, RefundRow
from surgectl.recording.relations import Relations
from surgectl.recording.rows import IntentRow
from surgectl.stage.payments.server import Options, running
from tests.evidence.ledgers import QUICK, serving, target

PAY = {"amount": "8900", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
AUTH = {"Authorization": "Bearer sk_test_any"}


async def read(url: str, since_epoch_s: float | None = None, **source: Any) -> dict[str, Found]:
    """Charges and refunds of a provider, the refunds by themselves."""
    clock = SystemClock()
    since = clock.wall().timestamp() if since_epoch_s is None else since_epoch_s
    shop = target("http://127.0.0.1:1", {"charges": {"stripe": {"base_url": url, "secret": "sk_test_any"}, **source}})
    async with Books(shop, {}, since, clock, patience=QUICK) as books:
        return await books.read_all()


@pytest.mark.real
async def test_every_charge_and_refund_of_a_provider_is_read() -> None:
    """Charges over several pages, refunds, releases, declines and metadata come as the provider has them."""
    async with running(Options()) as provider, aiohttp.ClientSession(headers=AUTH) as http:

        async def pay(**form: str) -> Any:
            async with http.post(f"{provider.url}/v1/payment_intents", data={**PAY, **form}) as reply:
                return await reply.json()

        paid = await pay(**{"metadata[order_id]": "o1", "receipt_email": "fan-1@example.org"})
        held = await pay(capture_method="manual")
        async with http.post(f"{provider.url}/v1/payment_intents/{held['id']}/cancel"):
            pass
        kept = await pay(capture_method="manual")
        await pay(payment_method="pm_card_chargeDeclined")
        async with http.post(
            f"{provider.url}/v1/refunds", data={"payment_intent": paid["id"], "amount": "900"}
        ) as reply:
            refund = await reply.json()
        await asyncio.gather(*(pay() for _ in range(230)))
        found = await read(provider.url)
        later = await read(provider.url, SystemClock().wall().timestamp() + 3600)
        same = {state: [state] for state in ("succeeded", "processing", "failed", "voided")}
        ships = await read(provider.url, states={**same, "secured": ["authorised"]})

    charges = {row.payment: row for row in found["charges"].rows if isinstance(row, ChargeRow)}
    assert (found["charges"].problem, len(charges)) == ("", 234)
    first = charges[paid["id"]]
    assert (first.captured_minor, first.refunded_minor, first.currency, first.state) == (8900, 900, "EUR", "succeeded")
    assert first.keys == ["orders.order=o1", "fan-1@example.org", "pm_card_visa"]
    voided, authorised = charges[held["id"]], charges[kept["id"]]
    assert (voided.captured_minor, voided.voided_minor, voided.refunded_minor, voided.state) == (0, 8900, 0, "voided")
    assert (authorised.captured_minor, authorised.authorised_minor, authorised.state) == (0, 8900, "authorised")
    assert [row.captured_minor for row in charges.values() if row.state == "failed"] == [0]
    assert found["refunds"].rows == [
        RefundRow(refund=refund["id"], charge=first.charge, amount_minor=900, at_s=refund["created"])
    ]
    # The same ledger, of a shop that takes its money when it ships.
    assert ships["charges"].problem == "" and ships["charges"].rows != found["charges"].rows
    assert {row.payment for row in ships["charges"].rows if row.state == "secured"} == {kept["id"]}  # type: ignore[union-attr]
    assert later["charges"].rows == []  # the window begins at the run's start


async def test_metadata_of_the_intent_is_found() -> None:
    """A shop that writes its order's number into the intent afterwards is linked by it: the intents are listed, too."""
    charges = [
        {"id": "ch_1", "payment_intent": "pi_1", "amount": 2500, "captured": True, "status": "succeeded"},
        {"id": "ch_2", "payment_intent": None, "amount": 2500, "captured": True, "status": "succeeded"},
        {"id": "ch_3", "payment_intent": "pi_0", "amount": 2500, "captured": True, "status": "succeeded"},
    ]
    lists = {
        "/v1/charges": [{**charge, "currency": "eur", "created": 5} for charge in charges],
        "/v1/payment_intents": [{"id": "pi_1", "metadata": {"order": "o1"}}],
        "/v1/refunds": [],
    }
    async with serving() as server:

        def answer(request: web.Request, number: int) -> Any:
            rows = lists[request.path]
            after = request.query.get("starting_after")
            first = next((n + 1 for n, row in enumerate(rows) if row["id"] == after), 0)
            return {"data": rows[first : first + 2], "has_more": first + 2 < len(rows)}

        server.answer = answer
        found = await read(server.url, key=["payment_intent.metadata.order -> orders.order"])
        paths = [path.partition("?")[0] for path in server.asked]
        plain = await read(server.url, key=["metadata.order -> orders.order"])
    rows = {row.charge: row for row in found["charges"].rows if isinstance(row, ChargeRow)}
    assert {name: (row.payment, row.keys) for name, row in rows.items()} == {
        "ch_1": ("pi_1", ["orders.order=o1"]),
        "ch_2": ("ch_2", []),
        "ch_3": ("pi_0", []),
    }
    assert (found["charges"].problem, found["charges"].source) == ("", "stripe /v1/charges")
    assert paths == ["/v1/charges", "/v1/charges", "/v1/payment_intents", "/v1/refunds"]
    assert [row.keys for row in plain["charges"].rows] == [[], [], []]
    assert sum("payment_intents" in path for path in server.asked) == 1


async def test_intents_that_cannot_be_listed_leave_the_charges_in_doubt() -> None:
    """Without the intents nobody knows whose charges these are: the list is not whole."""
    async with serving() as server:
        server.answer = lambda request, number: (
            web.Response(status=404) if "intents" in request.path else {"data": [], "has_more": False}
        )
        found = await read(server.url, key=["payment_intent.metadata.order -> orders.order"])
    assert "GET /v1/payment_intents: answered 404" in found["charges"].problem


async def test_what_stripe_is_told() -> None:
    """The key, the version that is read, and the connected account go along; the window begins before the run."""
    async with serving() as server:
        server.answer = lambda request, number: {"data": [], "has_more": False}
        stripe_ = {"base_url": server.url, "secret": "sk_test_x", "account": "acct_7", "version": "2025-03-31.basil"}
        shop = target("http://127.0.0.1:1", {"charges": {"stripe": stripe_}})
        async with Books(shop, {}, 1_900_000_000.0, SystemClock(), patience=QUICK) as books:
            await books.read("charges")
            await read(server.url)
    first, last = server.headers[0], server.headers[-1]
    assert (first["Authorization"], first["Stripe-Version"], first["Stripe-Account"]) == (
        "Bearer sk_test_x",
        "2025-03-31.basil",
        "acct_7",
    )
    assert (last["Stripe-Version"], "Stripe-Account" in last) == ("2024-06-20", False)
    assert server.asked[0] == "/v1/charges?created%5Bgte%5D=1899999700&limit=100"


async def test_a_page_that_repeats_is_incomplete() -> None:
    """A provider that ignores the cursor is not believed."""
    async with serving() as server:
        server.answer = lambda request, number: {"data": [{"id": "ch_1"}], "has_more": True}
        found = (await read(server.url))["charges"]
        assert "charge ch_1 is listed twice (after 1 rows)" in found.problem
        assert "starting_after=ch_1" in server.asked[1]
        assert server.headers[0]["Authorization"] == "Bearer sk_test_any"


async def test_more_without_rows_is_incomplete() -> None:
    """An empty page that promises more is no end."""
    async with serving() as server:
        server.answer = lambda request, number: {"data": [], "has_more": True}
        assert "has_more, but an empty page" in (await read(server.url))["charges"].problem


async def test_another_shape_is_incomplete() -> None:
    """An answer that is no list of Stripe's shape, and a key that is refused, are reasons."""
    async with serving() as server:
        server.answer = lambda request, number: {"charges": []}
        assert "not a list of Stripe's shape" in (await read(server.url))["charges"].problem
        server.answer = lambda request, number: web.Response(status=401)
        assert "GET /v1/charges: answered 401" in (await read(server.url))["charges"].problem


BASE = {"id": "ch_1", "amount": 500, "currency": "usd", "created": 9, "payment_intent": "pi_1", "status": "succeeded"}

CHARGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "captured": (
        {"captured": True, "amount_captured": 500, "amount_refunded": 0},
        {"captured_minor": 500, "authorised_minor": 500, "state": "succeeded"},
    ),
    "captured in part, before amount_captured was listed": (
        {"captured": True},
        {"captured_minor": 500, "authorised_minor": 500, "state": "succeeded"},
    ),
    "refunded": (
        {"captured": True, "amount_captured": 500, "amount_refunded": 500, "refunded": True},
        {"captured_minor": 500, "authorised_minor": 500, "refunded_minor": 500, "state": "succeeded"},
    ),
    "captured in part, the rest let go": (
        {"captured": True, "amount_captured": 200, "amount_refunded": 300},
        {"captured_minor": 200, "authorised_minor": 500, "voided_minor": 300, "state": "succeeded"},
    ),
    "captured in part, and some of that refunded": (
        {"captured": True, "amount_captured": 200, "amount_refunded": 350},
        {
            "captured_minor": 200,
            "authorised_minor": 500,
            "voided_minor": 300,
            "refunded_minor": 50,
            "state": "succeeded",
        },
    ),
    "captured in part at a provider that calls it no refund": (
        {"captured": True, "amount_captured": 400, "amount_refunded": 50},
        {"captured_minor": 400, "authorised_minor": 500, "refunded_minor": 50, "state": "succeeded"},
    ),
    "only authorised": (
        {"captured": False, "amount_captured": 0},
        {"captured_minor": 0, "authorised_minor": 500, "state": "authorised"},
    ),
    "released": (
        {"captured": False, "amount_captured": 0, "amount_refunded": 500, "refunded": True},
        {"captured_minor": 0, "authorised_minor": 500, "voided_minor": 500, "state": "voided"},
    ),
    "on its way": (
        {"captured": True, "status": "pending"},
        {"captured_minor": 0, "authorised_minor": 0, "state": "processing"},
    ),
    "declined": (
        {"captured": False, "status": "failed"},
        {"captured_minor": 0, "authorised_minor": 0, "state": "failed"},
    ),
}


@pytest.mark.parametrize("name", CHARGES)
def test_a_charge_is_read_as_documented(name: str) -> None:
    """What Stripe's fields mean for the money: taken, held, given back, released, refused or on its way."""
    raw, expected = CHARGES[name]
    mapping = compile_mapping("charges", Source(), "evidence.charges")
    shown = ChargeRow(charge="ch_1", currency="USD", payment="pi_1", at_s=9.0, **expected)
    assert mapping(stripe.charge({**BASE, **raw})) == [shown]


def test_a_charge_in_an_unknown_state_is_refused() -> None:
    """A status that Stripe does not document is not guessed at."""
    mapping = compile_mapping("charges", Source(), "evidence.charges")
    with pytest.raises(MappingError, match='state: "melted" is none'):
        mapping(stripe.charge({**BASE, "status": "melted"}))


def test_a_strangers_charge_links_by_what_we_minted() -> None:
    """With no word about keys in the target, a tagged e-mail or card still leads from charge to intent."""
    raw = {**BASE, "captured": True, "receipt_email": "fan-r-i1@example.org"}
    mapping = compile_mapping("charges", Source(), "evidence.charges", keys=stripe.USUAL_KEYS)
    rows = [*mapping(stripe.charge(raw)), *mapping(stripe.charge({**BASE, "id": "ch_2", "payment_method": "pm-r-i1"}))]
    intent = IntentRow(
        intent="i1",
        fan=1,
        profile="p",
        phase="x",
        qty=1,
        price_minor=500,
        currency="USD",
        due_ns=0,
        at_ns=0,
        mint={"email": "fan-r-i1@example.org", "token": "pm-r-i1"},
    )
    with Relations.from_rows([intent], {"charges": rows}) as asked:
        assert asked.rows("SELECT charge, intent, via FROM links_charges ORDER BY 1") == [
            ("ch_1", "i1", "email"),
            ("ch_2", "i1", "token"),
        ]


@pytest.mark.parametrize(("currency", "minor"), [("isk", 25), ("UGX", 25), ("jpy", 2500), ("kwd", 2500), ("eur", 2500)])
def test_currencies_that_stripe_counts_in_hundredths_they_do_not_have(currency: str, minor: int) -> None:
    """25 krónur of Iceland are 2500 at Stripe (docs.stripe.com/currencies#special-cases), in charges and refunds."""
    raw = {"id": "x", "amount": 2500, "currency": currency, "status": "succeeded", "captured": True, "charge": "ch"}
    charge = stripe.charge({**raw, "amount_captured": 2500, "amount_refunded": 2500, "refunded": True})
    assert (charge["captured"], charge["authorised"], charge["refunded"]) == (minor, minor, minor)
    assert stripe.refund(raw)["amount"] == minor
    assert stripe.charge({**raw, "amount": 2550})["captured"] == 2550, "written otherwise: nothing is guessed"

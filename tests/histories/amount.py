"""Another sum, another currency; and how it only looks so."""

from __future__ import annotations

from surgectl.recording.rows import ToldRow
from tests.histories.dupcharge import each_dearer
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import (
    NOT_SETTLED,
    PRICE,
    Night,
    bent,
    in_parts,
    of_yesterday,
    stray_charge,
    usual,
    without_charge,
)


def charged(amount: int, currency: str = "eur") -> Night:
    return without_charge(1).charge(1, amount=amount, currency=currency)


def fewer_for_the_same() -> Night:
    """Two were held and shown; the order is for one, and the card pays for two."""
    return Night().buys(1).loses_reply(5, qty=2).order(5).charge(5, 2)


def shown(amount: int, qty: int | None = None, role: str = "hold", outcome: str = "ok") -> Night:
    """Before the payment the page showed a sum with fees, and the card was charged 94.00."""
    night = usual().loses_reply(5)
    claims: dict[str, object] = {"amount_minor": amount} | ({"qty": qty} if qty else {})
    night.told(5, role, outcome, "next", op=1, claims=claims)  # type: ignore[arg-type]
    return night.order(5, amount=9400).charge(5, amount=9400)


def untied(amount: int) -> Night:
    """The charge names its fan, and no order."""
    return bent(usual().loses_reply(5).order(5).charge(5, amount=amount), "charges", payment=None)


def split(amount: int, charges: int = 1, order: str = "basket", wanted: int = 2) -> Night:
    """Two tickets in one basket, of which the shop made two orders; the card pays for the basket."""
    night = usual().loses_reply(5, wanted).order(5, order="o5a").order(5, order="o5b")
    for number in range(charges):
        night.charge(5, amount=amount, charge=f"both-{number}", order=order)
    return night


def cheaper(charged: int, night: Night | None = None) -> Night:
    """A member was shown 70.00, the order is for 70.00, and the card is charged."""
    night = (night or usual()).loses_reply(5)
    night.ops = [
        op for op in night.ops if not (isinstance(op, ToldRow) and op.intent == "run-i5" and op.role == "hold")
    ]
    night.told(5, "hold", "ok", "next", op=1, claims={"amount_minor": 7000, "qty": 1})
    return night.order(5, amount=7000).charge(5, amount=charged)


CHECKER = "AMOUNT"
GUILTY = [
    # Two orders, paid once each with a fee that nobody was shown: not paid twice (DUPCHARGE), and not the price.
    Guilty(each_dearer(), 2, "run-i1", says="90.50 EUR where 89.00 EUR was shown"),
    Guilty(each_dearer(told=True), 2, "run-i1"),
    Guilty(charged(PRICE + 1), intent="run-i1", says="89.01 EUR where 89.00 EUR was shown", severity="critical"),
    Guilty(charged(PRICE - 1), intent="run-i1"),
    Guilty(charged(PRICE - 1).without("refunds"), intent="run-i1"),
    Guilty(charged(PRICE, "usd"), intent="run-i1"),
    Guilty(charged(2 * PRICE), intent="run-i1"),
    Guilty(charged(PRICE + 2).refund("ch1", 1), intent="run-i1"),
    Guilty(in_parts(1, 900, 7999), 2, "run-i1"),
    Guilty(in_parts(1, 900, 7999).without("refunds"), 2, "run-i1"),
    Guilty(usual().loses_reply(5).order(5, 2).charge(5, 2), intent="run-i5"),  # one was held, two are sold
    Guilty(fewer_for_the_same(), intent="run-i5"),
    Guilty(usual().loses_reply(5).charge(5, 2), intent="run-i5"),
    Guilty(untied(PRICE + 1), intent="run-i5"),
    Guilty(shown(9500), intent="run-i5", says="89.00 EUR or 95.00 EUR"),
    # A sum for other tickets, after the payment, or of a page that refused is not what was shown.
    Guilty(shown(9400, qty=2), intent="run-i5"),
    Guilty(shown(9400, role="pay"), intent="run-i5"),
    Guilty(shown(9400, role="status"), intent="run-i5"),
    Guilty(shown(9400, outcome="fail"), intent="run-i5"),
    Guilty(bent(charged(PRICE + 1), "orders", 0, qty=None), intent="run-i1"),
    Guilty(usual().loses_reply(5, 2).charge(5, 1), intent="run-i5"),
    Guilty(
        usual().loses_reply(5).told(5, "hold", "fail", "sold-out", claims={"qty": 2}).order(5, 2).charge(5, 2),
        intent="run-i5",
    ),
    Guilty(
        usual().loses_reply(5).told(5, "pay", "ok", "accepted", claims={"qty": 2}).order(5, 2).charge(5, 2),
        intent="run-i5",
    ),
    Guilty(
        usual().loses_reply(5).told(5, "status", "ok", "accepted", claims={"qty": 2}).order(5, 2).charge(5, 2),
        intent="run-i5",
    ),
    Guilty(charged(PRICE + 1).told(1, "hold", "ok", "next", op=1), intent="run-i1", says="where 89.00 EUR was shown"),
    # The profile's price is not what this fan was shown, nor what the order is for.
    Guilty(cheaper(PRICE), intent="run-i5", says="charged 89.00 EUR where 70.00 EUR was shown"),
    Guilty(cheaper(7001), intent="run-i5"),
    # Two orders of one basket are paid once, and not more than they cost; for one ticket nobody wanted two orders.
    Guilty(split(2 * PRICE + 1), intent="run-i5"),
    Guilty(split(2 * PRICE, charges=2), 2, "run-i5"),
    Guilty(split(2 * PRICE, wanted=1), intent="run-i5"),
    Guilty(
        usual()
        .loses_reply(5, 2)
        .order(5, order="o5a")
        .order(5, order="o5b")
        .charge(5, amount=PRICE + 1, charge="a", order="o5a")
        .charge(5, amount=PRICE - 1, charge="b", order="o5b"),
        2,
        "run-i5",
    ),
]
INNOCENT = [
    Innocent(usual(), considered=3),
    Innocent(in_parts(1, 900, 8000), considered=4),
    Innocent(in_parts(1, 900, 8001).refund("part-1", 1)),
    Innocent(charged(PRICE + 1).refund("ch1", 1)),
    Innocent(charged(2 * PRICE).refund("ch1", 2 * PRICE), considered=2),
    Innocent(charged(PRICE, "EUR")),
    Innocent(usual().refund("ch1", 1)),
    Innocent(fewer_for_the_same().refund("ch5", PRICE)),
    Innocent(Night().buys(1).loses_reply(5, qty=2).charge(5, 2)),  # no order yet: what was wanted and shown counts
    Innocent(shown(9400)),
    Innocent(shown(9400, qty=1)),
    Innocent(untied(PRICE)),
    Innocent(usual().loses_reply(5, 2).order(5).charge(5)),  # one of the two that were wanted, at its price
    Innocent(usual().charge(1, amount=7, state="failed", charge="no")),
    Innocent(usual().order(1, order="o1b").charge(1, charge="ch1b", order="o1b")),
    Innocent(usual().charge(1, charge="ch1b").refund("ch1b", 1)),
    Innocent(cheaper(7000), considered=4),
    Innocent(cheaper(PRICE).refund("ch5", PRICE - 7000), considered=4),
    # Shown less than the books have: which of the two is due is not for us to say.
    Innocent(bent(cheaper(PRICE), "orders", amount_minor=PRICE), considered=4),
    Innocent(split(2 * PRICE), considered=4),
    Innocent(split(2 * PRICE, order="o5a"), considered=4),
    Innocent(split(2 * PRICE + 1).refund("both-0", 1), considered=4),
    Innocent(split(PRICE, charges=2), considered=5),
    Innocent(usual().charge(1, amount=PRICE + 1, charge="ch1b").refund("ch1b", 1)),
    Innocent(of_yesterday(stray_charge(), "charges"), considered=3),
    Innocent(
        usual().loses_reply(5).told(5, "hold", "ok", "next", op=1, claims={"amount_minor": 1}).charge(5, amount=1),
        considered=4,
    ),
    Innocent(
        usual().charge(1, amount=PRICE + 1, charge="x").refund("x", 1).charge(1, amount=5, charge="y").refund("y", 5)
    ),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(charged(1).without("charges"), "gives no charges", weighs=False),
    Doubtful(charged(1).without("orders"), "gives no orders"),
    Doubtful(charged(1).flaw("charges", complete=False), "not read completely"),
    Doubtful(charged(1).flaw("orders", stable=False), "still changed"),
    Doubtful(charged(1).flaw("refunds", error="HTTP 500"), "HTTP 500"),
    Doubtful(charged(1), "settle", NOT_SETTLED, pending=1),
    Doubtful(stray_charge(), "find their intent"),
    # What was taken too much may have gone back.
    Doubtful(charged(PRICE + 1).without("refunds"), "do not tell of refunds"),
    Doubtful(charged(PRICE, "usd").without("refunds"), "do not tell of refunds"),
    # All are booked, and were shown, without tax.
    Doubtful(cheaper(PRICE, Night()), "without tax or fees", indeterminate=1),
    # Two parts make the sum; a third charge of the same order went back, which nobody tells.
    Doubtful(in_parts(1, 1000, PRICE - 1000, PRICE).without("refunds"), "do not tell of refunds"),
]
_SIEVE = "looks for the few intents to judge, and they are judged again; an order tied to a charge is of its intent"
EQUIVALENT = {
    "_WRONG: . net > 0 [AND → OR] NOT coalesce ( c": _SIEVE,
    "_WRONG: AND o . qty [<= → <] i . qty AND": _SIEVE,
    "_WRONG: WHERE c . net [> → >=] 0 AND NOT coalesce": _SIEVE,
    "_WRONG: c . order_id WHERE [c . net > 0 → TRUE] AND NOT coalesce (": _SIEVE,
    "_WRONG: intent FROM odd ) [OR → AND] order_id IN ( SELECT": _SIEVE,
    "_WRONG: named WHERE intent IS [NOT → nothing] NULL ) , held": _SIEVE,
    "_WRONG: net > 0 AND [NOT coalesce ( c . captured = o . qty * i . price_minor AND … → TRUE] ) , theirs AS": _SIEVE,
    "_WRONG: theirs WHERE order_id IS [NOT → nothing] NULL ) ) ,": _SIEVE,
}

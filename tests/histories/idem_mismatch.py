"""One key and two bodies: another wish, the same wish in another form, and what came of it."""

from __future__ import annotations

import msgspec

from surgectl.recording.evidence_rows import RequestRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import PRICE, Night
from tests.histories.usual import NOT_SETTLED, keyless, polls, stray_order

CHECKER = "IDEM_MISMATCH"
KEY = "key-000001"


def kept(outcome: str = "ok", why: str = "confirmed", *, first: str = "info", order: str | None = "o1b") -> Night:
    """The first fan pays for a basket, hears nothing, and pays for another one with the same key."""
    night = Night().buys(2)
    night.fan(1)
    night.hold(1).send(1, "pay", first, "timeout" if first == "info" else "shed", body="aaaa", then="unknown")  # type: ignore[arg-type]
    night.told(1, "pay", "info", "unknown").order(1, key=KEY).charge(1)
    claims: dict[str, object] = {"order": order} if order and outcome == "ok" else {}
    night.send(1, "pay", outcome, why, op=5, body="bbbb", claims=claims)  # type: ignore[arg-type]
    if outcome == "ok":
        night.told(1, "pay", "ok", "confirmed", op=5, claims=claims)
    return night


def second(night: Night, *, key: str | None = KEY) -> Night:
    """The books hold a second valid order of the first fan's."""
    return night.order(1, order="o1b", key=key).charge(1, charge="ch1b", order="o1b")


def confirmed(
    first: dict[str, object], then: dict[str, object], *, bodies: tuple[str, str] = ("aaaa", "bbbb")
) -> Night:
    """Both payments are confirmed, each with its own claims."""
    night = Night().buys(2)
    night.fan(1)
    night.hold(1)
    for body, claims in zip(bodies, (first, then), strict=True):
        night.send(1, "pay", "ok", "confirmed", body=body, claims=claims)
    return night.order(1, key=KEY).charge(1)


def provider(*bodies: str, charges: int = 2, status: int = 200) -> Night:
    """The provider was asked with one key and these bodies."""
    night = Night().buys(1)
    for body in bodies:
        night.request("shop-key-1", body, status=status)
    for number in range(1, charges):
        night.charge(1, charge=f"ch1-{number}", key="shop-key-1")
    return night


def without_keys(night: Night) -> Night:
    """The books do not say which key made an order."""
    night.orders = [msgspec.structs.replace(row, key=None) for row in night.orders]
    return night


def acknowledged(
    first: dict[str, object], then: dict[str, object], *, end: str = "accepted", told: str | None = None
) -> Night:
    """Both payments are acknowledged, each with its own claims; what became of them is `told` in the end."""
    night = Night().buys(2)
    night.fan(1)
    night.hold(1)
    for op, body, claims in ((2, "aaaa", first), (5, "bbbb", then)):
        night.send(1, "pay", "ok", end, op=op, body=body, claims={} if told else claims)
        if told:
            night.told(1, "pay", "ok", told, op=op, claims=claims)
    return night.order(1, key=KEY).charge(1)


def other_requests(night: Night) -> Night:
    """Requests that are no second payment: one of another key, one that only reads, two without a key."""
    night.request("shop-key-2", "cccc").request("", "dddd").request("", "eeee")
    night.requests[-2:] = [msgspec.structs.replace(row, key=None) for row in night.requests[-2:]]
    night.requests.append(RequestRow(key="shop-key-2", method="GET", body="ffff", status=200))
    return night


def of_an_earlier_version() -> Night:
    """Nothing was kept of what was sent."""
    return Night().buys(1).buys(2)


GUILTY = [
    Guilty(second(kept()), intent="run-i1", says="used key key-000001 for 2 different bodies, and holds 2 orders"),
    # Neither answer came back: the books alone tell.
    Guilty(second(kept("info", "timeout")), intent="run-i1", severity="major"),
    # The books do not keep keys, but the fan has used no other.
    Guilty(without_keys(second(kept())), intent="run-i1"),
    # A poll that carries none is no other.
    Guilty(keyless(polls(without_keys(second(kept())), 1, "pay", "ok", "next")), intent="run-i1"),
    Guilty(confirmed({"order": "o1"}, {"order": "o9"}), intent="run-i1", says="confirmed with orders o1, o9"),
    Guilty(confirmed({"order": "o1"}, {"order": "o9"}).without("orders", "tickets"), intent="run-i1"),
    Guilty(confirmed({"order": "o1"}, {"order": "o9"}), intent="run-i1", changes=NOT_SETTLED),
    Guilty(confirmed({"amount_minor": PRICE}, {"amount_minor": 2 * PRICE}), intent="run-i1", says="different sums"),
    Guilty(confirmed({"qty": 1}, {"qty": 2}), intent="run-i1"),
    Guilty(provider("aaaa", "bbbb"), intent="run-i1", says="for 2 different bodies and made 2 charges"),
    # Of what it did not answer, or broke at, it may have done anything.
    Guilty(provider("aaaa", status=0).request("shop-key-1", "bbbb", status=500), intent="run-i1"),
    Guilty(provider("aaaa", "bbbb", charges=1).charge(1, charge="cent", key="shop-key-1", amount=1), intent="run-i1"),
    # The page says it in the end, the answers had not.
    Guilty(acknowledged({"order": "o1"}, {"order": "o9"}, told="confirmed"), intent="run-i1", says="orders o1, o9"),
    # Two orders were named, each to one body, and both are in the books.
    Guilty(second(acknowledged({"order": "o1"}, {"order": "o1b"})), intent="run-i1", says="holds 2 orders"),
    # Two answers to one body, and a third order that no answer named.
    Guilty(
        confirmed({"order": "o1"}, {"order": "o9"}, bodies=("aaaa", "aaaa"))
        .send(1, "pay", "info", "timeout", body="bbbb")
        .order(1, order="o9", key=KEY)
        .order(1, order="o8", key=KEY),
        intent="run-i1",
        says="holds 3 orders",
    ),
]
INNOCENT = [
    # The shop says that this key was used for something else.
    Innocent(stray_order(kept("fail", "key-reused")), considered=1),
    # A form's token differs, the order is the same.
    Innocent(kept(order="o1")),
    Innocent(
        confirmed({"order": "o1", "amount_minor": PRICE, "qty": 1}, {"order": "o1", "amount_minor": PRICE, "qty": 1})
    ),
    Innocent(without_keys(kept("info", "timeout"))),
    # The first was refused and never done: the key was still free for the second.
    Innocent(kept(first="fail")),
    # Both answers name one order, and say it in other words.
    Innocent(confirmed({"order": "o1", "qty": 1}, {"order": "o1"})),
    Innocent(confirmed({"amount_minor": PRICE}, {"qty": 1})),
    # An acknowledgement is no confirmation.
    Innocent(kept("ok", "accepted")),
    Innocent(acknowledged({"order": "o1", "amount_minor": PRICE}, {"order": "o9", "amount_minor": 2 * PRICE})),
    # What the status page says, what is told of a hold, or a refusal is no answer to the payment.
    Innocent(
        kept("info", "timeout")
        .told(1, "pay", "ok", "confirmed", op=5, status_read=True, claims={"order": "o9"})
        .told(1, "hold", "ok", "confirmed", op=5, claims={"order": "o9"})
        .told(1, "pay", "fail", "confirmed", op=5, claims={"order": "o9"})
        .told(1, "pay", "ok", "confirmed", op=2, claims={"order": "o1"})
    ),
    # Two sums, and one body: IDEM_REPLAY's matter.
    Innocent(
        confirmed({"amount_minor": PRICE}, {"amount_minor": 1}, bodies=("aaaa", "aaaa")).send(
            1, "pay", "info", "timeout", body="bbbb"
        )
    ),
    Innocent(confirmed({"qty": 1}, {"qty": 2}, bodies=("aaaa", "aaaa")).send(1, "pay", "info", "timeout", body="bbbb")),
    # Two orders and one body; the other body's answer names none.
    Innocent(
        confirmed({"order": "o1"}, {"order": "o9"}, bodies=("aaaa", "aaaa")).send(
            1, "pay", "ok", "confirmed", body="bbbb"
        )
    ),
    # To which of two bodies in one step the page answers, nobody can tell.
    Innocent(
        confirmed({"order": "o1", "amount_minor": PRICE}, {"order": "o1", "amount_minor": PRICE}).told(
            1, "pay", "ok", "confirmed", claims={"order": "o9", "amount_minor": 2 * PRICE}
        )
    ),
    # The page tells of the first payment only; the others, of another step and another tab, were never answered.
    Innocent(
        kept("info", "timeout")
        .send(1, "pay", "info", "timeout", tab=1, body="bbbb")
        .told(1, "pay", "ok", "confirmed", claims={"order": "o1"})
        .told(1, "pay", "ok", "confirmed", claims={"order": "o9"})
    ),
    # A payment with a key of its own is no question.
    Innocent(kept("info", "timeout").send(1, "pay", "info", "timeout", key="key-another", body="cccc"), considered=1),
    # Payments without a key have none in common.
    Innocent(
        keyless(
            keyless(kept("info", "timeout").send(1, "pay", "info", "timeout", body="cccc")).send(
                1, "pay", "info", "timeout", body="dddd"
            )
        ),
        considered=1,
    ),
    # The books say that another key made the second order, and a third, of which they say nothing, is void.
    Innocent(second(kept("info", "timeout"), key="key-another").order(1, state="void", order="o1c"), considered=1),
    # A charge that took no money, or that is nobody's.
    Innocent(provider("aaaa", "bbbb", charges=1).charge(1, charge="no", key="shop-key-1", amount=0)),
    Innocent(
        Night()
        .buys(1)
        .request("k", "aaaa")
        .request("k", "bbbb")
        .charge(8, charge="a", key="k", linked=False)
        .charge(9, charge="b", key="k", linked=False)
    ),
    # Refused once, carried out once.
    Innocent(provider("aaaa").request("shop-key-1", "bbbb", status=400)),
    # The second order is void.
    Innocent(kept("info", "timeout").order(1, state="void", order="o1b", key=KEY)),
    # A second order, and a key of its own that made it.
    Innocent(second(kept("fail", "key-reused"), key="key-another")),
    # Both orders were the answer to one body: the same wish, fulfilled twice.
    Innocent(
        confirmed({"order": "o1"}, {"order": "o9"}, bodies=("aaaa", "aaaa"))
        .send(1, "pay", "info", "timeout", body="bbbb")
        .order(1, order="o9", key=KEY)
    ),
    Innocent(other_requests(provider("aaaa", "bbbb", charges=1)), considered=1),
    Innocent(provider("aaaa", "bbbb", status=400)),
    Innocent(provider("aaaa", "bbbb", charges=1).charge(1, charge="other", key="another")),
]
DOUBTFUL = [
    Doubtful(of_an_earlier_version(), "no digests", weighs=False),
    Doubtful(confirmed({"order": "o1"}, {"order": "o9"}, bodies=("aaaa", "aaaa")), "nothing in this run", weighs=False),
    # A hold, or a poll, is no payment, and one without a key is no question.
    Doubtful(
        polls(
            keyless(
                Night()
                .buys(1)
                .send(1, "hold", "ok", "next", key=KEY, body="aaaa")
                .send(1, "hold", "ok", "next", key=KEY, body="b")
                .send(1, "pay", "ok", "confirmed", body="c")
            ),
            1,
            "pay",
            "ok",
            "next",
            body="d",
        ),
        "no digests",
    ),
    Doubtful(
        polls(
            Night()
            .buys(1)
            .send(1, "hold", "ok", "next", key=KEY, body="aaaa")
            .send(1, "pay", "ok", "confirmed", body="b"),
            1,
            "pay",
            "ok",
            "next",
            body="c",
        ),
        "nothing in this run",
    ),
    Doubtful(Night().refused(1), "nothing in this run"),
    Doubtful(second(kept("info", "timeout")), "constants ask for", NOT_SETTLED, pending=1),
    Doubtful(kept("info", "timeout").without("orders", "tickets"), "add `evidence: {orders: …}`"),
    Doubtful(
        without_keys(second(kept("info", "timeout"))).send(1, "pay", "info", "timeout", key="key-another", body="cccc"),
        "map `key` of the orders",
    ),
    Doubtful(
        keyless(without_keys(second(kept("info", "timeout"))).send(1, "pay", "info", "timeout", body="cccc")),
        "map `key` of the orders",
    ),
    Doubtful(stray_order(kept("info", "timeout")), "of the orders find their intent"),
    Doubtful(stray_order(provider("aaaa", "bbbb", charges=1)), "of the orders find their intent"),
    Doubtful(second(kept("info", "timeout")).flaw("orders", stable=False), "still changed"),
    Doubtful(provider("aaaa", "bbbb").flaw("requests", complete=False), "not read completely"),
]
_SIEVE = "what has no key equals none"
EQUIVALENT = {
    "_FANS: book_orders WHERE valid AND [key IS NOT NULL → TRUE] UNION SELECT r .": _SIEVE,
}

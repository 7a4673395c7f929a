"""One key, two results: at the provider, and in what the shop answered; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import PRICE
from tests.histories.usual import NOT_SETTLED, Night, bent, keyless, later, polls, usual

KEY = "key-000001"


def answered(role: str = "pay", outcome: str = "ok", why: str = "confirmed", **claims: object) -> Night:
    """The first fan's payment was answered before; now comes this."""
    return usual().send(1, role, outcome, why, key=KEY, claims=claims)  # type: ignore[arg-type]


def polled(order: str, op: int = 2, **how: object) -> Night:
    """A payment that was acknowledged, and whose end the shop told later."""
    night = usual().send(1, "pay", "ok", "accepted", key=KEY, op=op, then="poll")
    return night.told(1, "pay", "ok", "confirmed", op=op, claims={"order": order}, **how)  # type: ignore[arg-type]


def sent_as(*bodies: str, order: str = "o99") -> Night:
    """The first fan's key, sent with these bodies and confirmed each time, with another order at the end."""
    night = usual()
    for number, body in enumerate(bodies):
        claims: dict[str, object] = {"order": order if number == len(bodies) - 1 else "o1"}
        night.send(1, "pay", "ok", "confirmed", key="key-sent", body=body, claims=claims)
    return night


def asked(*bodies: str) -> Night:
    """The provider charged twice under one key, and knows what it was asked for."""
    night = usual().charge(1, charge="ch1b", key="shop-key-1")
    for body in bodies:
        night.request("shop-key-1", body)
    return night


def two_bodies(status: int = 200) -> Night:
    """Two charges under one key, and the provider's log has two bodies: two wishes, which another invariant judges."""
    night = usual().charge(1, charge="ch1b", key="shop-key-1").request("shop-key-1", "a")
    return night.request("shop-key-1", "b", status=status)


def keyless_pair() -> Night:
    """Two fans pay without a key, and each gets an order."""
    night = Night().buys(1)
    night.fan(5)
    night = keyless(night.hold(5).send(5, "pay", "ok", "confirmed", claims={"order": "o5"})).order(5).charge(5)
    night.fan(6)
    return night.hold(6).send(6, "pay", "ok", "confirmed", claims={"order": "o6"}).order(6).charge(6)


def logged(*payments: str, body: str = "a", key: str = "the-key") -> Night:
    """Charges without their keys, as Stripe lists them: the log says to which payments the key went."""
    night = usual()
    for number, payment in enumerate(payments):
        night = bent(night.charge(1, charge=f"again{number}"), "charges", key=None, payment=payment)
    for payment in dict.fromkeys(payments):
        night.request(key, body, payment=payment)
    return night


CHECKER = "IDEM_REPLAY"
GUILTY = [
    Guilty(sent_as("aaaa", "aaaa"), intent="run-i1", says="confirmed with orders o1, o99"),
    Guilty(sent_as("aaaa", "bbbb", "aaaa"), intent="run-i1"),
    Guilty(asked("aaaa", "aaaa"), intent="run-i1", says="key shop-key-1 made 2 charges"),
    Guilty(usual().charge(1, charge="ch1b", key="shop-key-1"), intent="run-i1", says="key shop-key-1 made 2 charges"),
    Guilty(usual().charge(1, charge="ch1b", key="shop-key-1").refund("ch1b"), intent="run-i1", severity="critical"),
    Guilty(usual().charge(1, charge="ch1b", key="shop-key-1"), intent="run-i1", changes=NOT_SETTLED),
    Guilty(usual().charge(1, charge="ch1b", key="shop-key-1", amount=1), intent="run-i1"),
    Guilty(answered(order="o99"), intent="run-i1", says="confirmed with orders o1, o99"),
    Guilty(answered(order="o1", amount_minor=1), intent="run-i1", says="sums 1, 8900"),
    Guilty(answered(amount_minor=1), intent="run-i1"),
    Guilty(answered(order="o99").without("charges"), intent="run-i1"),
    Guilty(polled("o99"), intent="run-i1"),
    Guilty(polled("o99", op=7), intent="run-i1"),
    Guilty(answered(order="o99").charge(2, charge="ch2b", key="shop-key-2"), 2, "run-i2"),
    Guilty(usual().charge(1, charge="ch1b", key="shop-key-1").flaw("refunds", complete=False), intent="run-i1"),
    Guilty(two_bodies(status=402), intent="run-i1"),
    Guilty(two_bodies(status=400), intent="run-i1"),
    Guilty(two_bodies(status=499), intent="run-i1"),
    Guilty(bent(two_bodies(), "requests", method="GET"), intent="run-i1"),
    Guilty(two_bodies().charge(1, charge="ch1c", key="shop-key-1"), intent="run-i1", says="made 3 charges"),
    Guilty(bent(two_bodies(), "requests", body="a"), intent="run-i1"),
    Guilty(bent(bent(two_bodies(), "requests", body=None), "requests", 0, body=None), intent="run-i1"),
    Guilty(logged("p1", "p2"), intent="run-i1", says="key the-key made 2 charges"),
    Guilty(logged("p1", "p2", "p2"), intent="run-i1", says="key the-key made 3 charges"),
    Guilty(bent(bent(logged("p1", "p2"), "requests", body=None), "requests", 0, body=None), intent="run-i1"),
    Guilty(bent(logged("p1", "p2"), "requests", body="b", status=400), intent="run-i1"),
    Guilty(bent(logged("p1", "p2"), "charges", captured_minor=1), intent="run-i1"),
    Guilty(polls(polled("o99"), 1, "pay", "info", "timeout", key="p"), intent="run-i1"),
]
INNOCENT = [
    # Two bodies under one key are two wishes: IDEM_MISMATCH's matter.
    Innocent(sent_as("aaaa", "bbbb")),
    Innocent(asked("aaaa", "bbbb")),
    Innocent(usual(), considered=6),
    Innocent(usual().without("charges"), considered=3),
    Innocent(answered(order="o1", amount_minor=PRICE)),
    Innocent(answered(order="o1")),
    Innocent(answered()),
    Innocent(answered(why="accepted", order="o99")),
    Innocent(answered(outcome="fail", why="conflict", order="o99")),
    Innocent(answered(outcome="info", why="confirmed", order="o99")),
    Innocent(answered(role="hold", order="o99")),
    Innocent(usual().send(1, "pay", "ok", "confirmed", key="another", claims={"order": "o99"})),
    Innocent(polled("o1")),
    Innocent(polled("o99", op=3, status_read=True)),
    Innocent(polled("o1").told(1, "pay", "ok", "accepted", claims={"order": "o99"})),
    Innocent(polled("o1").told(1, "hold", "ok", "confirmed", claims={"order": "o99"})),
    Innocent(usual().told(1, "pay", "ok", "confirmed", tab=1, claims={"order": "o99"})),
    Innocent(usual().told(1, "pay", "ok", "confirmed", op=5, claims={"order": "o99"})),
    Innocent(usual().charge(1, charge="ch1b", key="shop-key-1", amount=0)),
    Innocent(usual().charge(1, charge="ch1b", key="shop-key-1", state="failed")),
    Innocent(usual().charge(8, charge="a", key="x", linked=False).charge(9, charge="b", key="x", linked=False)),
    Innocent(bent(bent(usual().charge(1, charge="ch1b"), "charges", key=None), "charges", 0, key=None)),
    Innocent(later(usual(), lambda night: night.charges.append(night.charges[0]))),
    Innocent(two_bodies()),
    Innocent(two_bodies(status=500)),
    Innocent(two_bodies(status=399)),
    Innocent(bent(two_bodies(), "requests", status=None)),
    Innocent(usual().request("shop-key-1")),
    Innocent(keyless(keyless(usual()).send(2, "pay", "ok", "confirmed", claims={"order": "o2"}))),
    Innocent(polls(usual(), 1, "pay", "ok", "confirmed", key=KEY, claims={"order": "o99"})),
    Innocent(keyless(usual().send(4, "pay", "info", "timeout")), considered=6),
    Innocent(usual().send(4, "hold", "info", "timeout", key="h"), considered=6),
    Innocent(polls(usual(), 4, "pay", "info", "timeout", key="p"), considered=6),
    Innocent(keyless(keyless_pair())),
    # One payment takes its money in two charges; one key is all that both have in common.
    Innocent(logged("p1", "p1")),
    Innocent(bent(logged("p1"), "requests", body=None)),
    Innocent(bent(logged("p1", "p2"), "requests", body="b", status=399)),
    Innocent(bent(logged("p1", "p2"), "requests", body="b", status=500)),
    Innocent(bent(logged("p1", "p2"), "requests", key="another")),
    Innocent(bent(logged("p1", "p2"), "requests", key=None)),
    Innocent(bent(logged("p1", "p2"), "requests", method="GET")),
    Innocent(bent(logged("p1", "p2"), "requests", body="b")),
    Innocent(bent(logged("p1", "p2"), "charges", captured_minor=0)),
    Innocent(bent(logged("p1", "p2"), "charges", key="its own")),
    Innocent(bent(logged("p1", "p2"), "charges", keys=[])),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}, weighs=True),
    Doubtful(Night().refused(4), "nothing", weighs=False),
    Doubtful(usual().charge(1, charge="ch1b", key="shop-key-1").flaw("charges", stable=False), "still changed"),
    Doubtful(usual().flaw("charges", complete=False), "not read completely"),
    Doubtful(logged("p1", "p2").flaw("requests", complete=False), "not read completely"),
    Doubtful(usual().flaw("charges", error="HTTP 500"), "HTTP 500"),
]
_ONE_ROLE = "answers are compared within a step, and a step has one role"
_SIEVE = "what has no key equals none; the operation of a payment has only payments"
EQUIVALENT = {
    "_ANSWERED: a . poll AND [a . key IS NOT NULL → TRUE] AND a . outcome": _SIEVE,
    "_ANSWERED: body FROM attempts WHERE [role = 'pay' → TRUE] AND NOT poll GROUP": _SIEVE,
    "_ANSWERED: FROM attempts a WHERE [a . role = 'pay' → TRUE] AND NOT a .": _ONE_ROLE,
    "_ANSWERED: t . op WHERE [t . role = 'pay' → TRUE] AND t . \"end\"": _ONE_ROLE,
}

"""The auditor itself is tried: correct executions are never condemned, one planted defect always is (rule R13)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from surgectl.audit.books import lay
from surgectl.audit.checkers.registry import CHECKERS
from surgectl.audit.finding import Finding
from tests.histories.executions import Life, Surroundings, lives, play, surround, surroundings
from tests.histories.night import PRICE, Night
from tests.histories.usual import void_order

BOOKS = ["tickets", "holds", "refunds", "stock", "charges", "orders"]


def slow(examples: int) -> settings:
    """Each example makes a database and asks it everything: to shrink a failing one would take minutes."""
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)


def findings(night: Night, *names: str, **changes: object) -> dict[str, Finding]:
    """What all checkers, or these, say of one night."""
    given_too = {"exclusive": True, "limit": 2, "one_order_per": "intent"} | changes
    expectations = night.expectations(**given_too)
    with night.relations() as relations:
        lay(relations)
        return {name: CHECKERS[name](relations, expectations) for name in names or CHECKERS}


def condemned(found: dict[str, Finding]) -> dict[str, str]:
    return {name: f"{f.summary}; {f.reason}; {f.examples[:1]}" for name, f in found.items() if f.verdict == "fail"}


@slow(14)
@given(lives(), surroundings(), st.booleans(), st.sets(st.sampled_from(BOOKS)))
def test_correct_executions_are_never_condemned(
    crowd: list[Life], around: Surroundings, settled: bool, missing: set[str]
) -> None:
    """Whatever was lost, acknowledged, retried, refunded, cut off or left unread, and whatever else the books tell of:
    no checker, of ledgers or of numbers, ever condemns a correct shop."""
    night = surround(play(crowd), around).without(*missing)
    assert condemned(findings(night, settled=settled, exclusive=not around.strays)) == {}


@slow(8)
@given(lives(), surroundings(strays=False))
def test_correct_executions_pass_when_all_is_known(crowd: list[Life], around: Surroundings) -> None:
    """With whole books after the window, whatever was exercised passes: no doubt is invented either."""
    found = findings(surround(play(crowd), around))
    ledger = {name: f for name, f in found.items() if f.kind == "ledger" and f.considered}
    doubted = {name: f.reason for name, f in ledger.items() if f.verdict != "pass"}
    assert doubted == {}


Plant = Callable[[Night, int], object]


def _bend_charge(night: Night, fan: int) -> None:
    night.charges = [
        msgspec.structs.replace(c, captured_minor=c.captured_minor + 1) if c.charge == f"ch{fan}" else c
        for c in night.charges
    ]


def _forget(night: Night, fan: int) -> None:
    night.orders = [order for order in night.orders if order.order != f"o{fan}"]
    night.tickets = [ticket for ticket in night.tickets if ticket.order != f"o{fan}"]


def _one_too_many(night: Night, _: int) -> None:
    night.capacity = len({ticket.ticket for ticket in night.tickets if ticket.state == "valid"}) - 1


PLANTED: dict[str, dict[str, Plant]] = {
    "OVERSELL": {"one more than there are": _one_too_many},
    "SEAT2": {
        "a seat issued twice": lambda n, fan: n.order(fan, order="a", seat="Z9").order(fan, order="b", seat="Z9"),
        "a seat told to two": lambda n, fan: (
            n.told(fan, "pay", "ok", "confirmed", claims={"order": "a", "seats": ["Z"]})
            .refused(fan + 1)
            .told(fan + 1, "pay", "ok", "confirmed", claims={"order": "b", "seats": ["Z"]})
        ),
    },
    "CONSERVE": {"a ticket nowhere": lambda n, _: n.stands(available=n.capacity - 1, held=0, sold=0)},
    "DUPCHARGE": {
        "the whole sum again": lambda n, fan: n.charge(fan, n.qty(fan), charge="planted"),
        "a cent again": lambda n, fan: n.charge(fan, amount=1, charge="planted"),
        "by two orders, one void": lambda n, fan: n.order(fan, order="x", state="void").charge(
            fan, charge="planted", order="x"
        ),
    },
    "CHARGED_NO_TICKET": {"void": lambda n, fan: void_order(n, f"o{fan}"), "forgotten": _forget},
    "TICKET_NO_CHARGE": {"given back": lambda n, fan: n.refund(f"ch{fan}", n.qty(fan) * PRICE)},
    "LOST_TICKET": {"void": lambda n, fan: void_order(n, f"o{fan}"), "forgotten": _forget},
    "AMOUNT": {"a cent more": _bend_charge},
    "GHOST": {
        "charged": lambda n, fan: n.refused(fan + 1).charge(fan + 1),
        "ticketed": lambda n, fan: n.refused(fan + 1).order(fan + 1),
    },
    "REFUND": {"more than was taken": lambda n, fan: n.refund(f"ch{fan}", n.qty(fan) * PRICE + 1)},
    "AUTH_LEFT": {
        "forgotten": lambda n, fan: n.abandons(fan + 1).charge(
            fan + 1, amount=0, authorised=PRICE, state="authorised", charge="planted"
        )
    },
    "DUPORDER": {"another": lambda n, fan: n.order(fan, order="x").charge(fan, charge="planted", order="x")},
    "LIMIT": {"three": lambda n, fan: n.order(fan, 3, order="x").charge(fan, 3, charge="planted", order="x")},
    "PHANTOM": {
        "a charge": lambda n, _: n.charge(999, charge="planted", linked=False),
        "an order": lambda n, _: n.order(999, order="planted", linked=False),
    },
    "IDEM_REPLAY": {"two charges": lambda n, fan: n.charge(fan, charge="planted", key=f"shop-key-ch{fan}")},
    "REGRESS": {"declined": lambda n, fan: n.told(fan, "status", "fail", "declined", op=9, status_read=True)},
}
NAMELESS = {"OVERSELL", "CONSERVE", "PHANTOM", "SEAT2"}
"""Where the wrong done is nobody's in particular, or falls on whoever came last."""
PLANTS = [
    pytest.param(name, plant, id=f"{name}: {how}") for name, found in PLANTED.items() for how, plant in found.items()
]


@pytest.mark.parametrize("invariant, plant", PLANTS)
def test_one_planted_defect_is_found(invariant: str, plant: Plant) -> None:
    """One defect in an otherwise correct night is found by its own invariant whatever the rest is like, its fan named
    and its story told."""

    @slow(3)
    @given(lives(), surroundings(strays=False))
    def found_among(crowd: list[Life], around: Surroundings) -> None:
        night = play([*crowd, Life()])
        fan = len(crowd)
        plant(night, fan)
        found = findings(surround(night, around), invariant)[invariant]
        assert found.verdict == "fail", found
        assert found.examples and all(example.timeline for example in found.examples if example.intent)
        if invariant not in NAMELESS:
            assert {f"run-i{fan}", f"run-i{fan + 1}"} & {example.intent for example in found.examples}, found

    found_among()

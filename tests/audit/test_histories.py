"""The auditor itself is tried: correct executions are never condemned, one planted defect always is (rule R13).

An execution is drawn as a crowd of fans with their fates: what the network did to each send, what the shop did behind
it, how late the fan learnt of it. The books follow from what really happened, the history from what was seen.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surgectl.audit.checkers.registry import CHECKERS
from surgectl.audit.finding import Finding
from tests.histories.night import PRICE, Night

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Fate = Literal["sold", "declined", "refunded", "sold-out", "never-reached", "abandoned"]


class Life(msgspec.Struct, frozen=True):
    """One fan: what truly became of the order, and what of it came through."""

    fate: Fate
    qty: int
    lost: int
    """Replies to the payment that got lost before one came through."""
    last: Literal["answer", "ack", "silence"]
    """What came of the last send: the answer, an acknowledgement with the answer later, or nothing ever."""
    double: bool
    fresh_key: bool
    """Each retry mints a new key; a correct shop still sells once."""
    second_charge: bool
    """The shop's own retry charged twice, and gave one back."""
    status: bool


lives = st.lists(
    st.builds(
        Life,
        st.sampled_from(["sold", "sold", "sold", "declined", "refunded", "sold-out", "never-reached", "abandoned"]),
        st.integers(1, 2),
        st.integers(0, 2),
        st.sampled_from(["answer", "ack", "silence"]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def play(crowd: list[Life]) -> Night:
    """A night on which a correct shop met this crowd."""
    night = Night(capacity=2 * len(crowd))
    for fan, life in enumerate(crowd):
        _play_one(night, fan, life)
    return night


def _play_one(night: Night, fan: int, life: Life) -> None:
    if life.fate == "sold-out":
        night.refused(fan)
        return
    if life.fate == "abandoned":
        night.abandons(fan)
        return
    night.fan(fan, life.qty)
    night.hold(fan, life.qty, state="used" if life.fate == "sold" else "released")
    order = f"o{fan}"
    if life.fate == "never-reached":
        night.send(fan, "pay", "fail", "not-sent").told(fan, "pay", "fail", "not-sent").left(fan, "not-sent", "fail")
        return
    for number in range(life.lost):
        key = f"key-{fan:06d}" + (f"-{number}" if life.fresh_key else "")
        night.send(fan, "pay", "info", "timeout", then="unknown", key=key)
    claims: dict[str, object] = {"order": order, "qty": life.qty, "amount_minor": life.qty * PRICE, "currency": "EUR"}
    end, outcome = ("confirmed", "ok") if life.fate == "sold" else ("declined", "fail")
    told = claims if life.fate == "sold" else {}
    if life.last == "silence":
        night.send(fan, "pay", None, "").told(fan, "pay", "info", "unknown").left(fan, "unknown", "info")
    elif life.last == "ack":
        night.send(fan, "pay", "ok", "accepted", then="poll")
        night.told(fan, "pay", outcome, end, claims=told).left(fan, end, outcome)  # type: ignore[arg-type]
    else:
        night.send(fan, "pay", outcome, end, claims=told)  # type: ignore[arg-type]
        if life.double:
            night.send(fan, "pay", "info", "cut", then="unknown", double=True)
        night.told(fan, "pay", outcome, end, claims=told).left(fan, end, outcome)  # type: ignore[arg-type]
    if life.status:
        night.told(fan, "status", outcome, end, op=9, status_read=True, claims=told)  # type: ignore[arg-type]
    if life.fate == "sold":
        night.order(fan, life.qty).charge(fan, life.qty)
        if life.second_charge:
            night.charge(fan, life.qty, charge=f"ch{fan}b").refund(f"ch{fan}b", life.qty * PRICE)
    elif life.fate == "refunded":
        night.order(fan, life.qty, state="void").charge(fan, life.qty).refund(f"ch{fan}", life.qty * PRICE)
    else:
        night.order(fan, life.qty, state="void").charge(fan, amount=0, state="failed")


def all_findings(night: Night, **changes: object) -> dict[str, Finding]:
    given_too = {"exclusive": True, "limit": 2, "one_order_per": "intent"} | changes
    with night.relations() as relations:
        return {name: check(relations, night.expectations(**given_too)) for name, check in CHECKERS.items()}


@SLOW
@given(lives, st.booleans(), st.sets(st.sampled_from(["tickets", "holds", "refunds", "stock", "charges", "orders"])))
def test_correct_executions_are_never_condemned(crowd: list[Life], settled: bool, missing: set[str]) -> None:
    """Whatever was lost, acknowledged, retried, refunded or left unread: a correct shop is never condemned."""
    found = all_findings(play(crowd).without(*missing), settled=settled)
    assert {name: f.summary for name, f in found.items() if f.verdict == "fail"} == {}


@SLOW
@given(lives)
def test_correct_executions_pass_when_all_is_known(crowd: list[Life]) -> None:
    """With whole books after the window, whatever was exercised passes: no doubt is invented either."""
    found = all_findings(play(crowd))
    ledger = {name: f for name, f in found.items() if f.kind == "ledger" and f.considered}
    doubted = {name: f.reason for name, f in ledger.items() if f.verdict != "pass"}
    doubted.pop("SEAT2", None)
    assert {name: why for name, why in doubted.items() if "no end in the recording" not in why} == {}


def _lost_order(night: Night, fan: int) -> None:
    night.orders = [msgspec.structs.replace(o, state="void") if o.order == f"o{fan}" else o for o in night.orders]
    night.tickets = [t for t in night.tickets if t.order != f"o{fan}"]


PLANTED = {
    "DUPCHARGE": lambda night, fan: night.charge(fan, night.qty(fan), charge="planted"),
    "CHARGED_NO_TICKET": _lost_order,
    "TICKET_NO_CHARGE": lambda night, fan: night.refund(f"ch{fan}", night.qty(fan) * PRICE),
    "LOST_TICKET": _lost_order,
    "AMOUNT": lambda night, fan: setattr(
        night,
        "charges",
        [
            msgspec.structs.replace(c, captured_minor=c.captured_minor + 1) if c.charge == f"ch{fan}" else c
            for c in night.charges
        ],
    ),
    "REFUND": lambda night, fan: night.refund(f"ch{fan}", night.qty(fan) * PRICE + 1),
    "OVERSELL": lambda night, fan: setattr(night, "capacity", sum(t.state == "valid" for t in night.tickets) - 1),
    "SEAT2": lambda night, fan: night.order(fan, order="planted", seat="Z9").order(fan, order="planted2", seat="Z9"),
    "DUPORDER": lambda night, fan: night.order(fan, order="planted").charge(fan, charge="planted", order="planted"),
    "PHANTOM": lambda night, fan: night.charge(999, charge="planted", linked=False),
    "IDEM_REPLAY": lambda night, fan: night.charge(fan, charge="planted", key=f"shop-key-{fan}"),
}


@SLOW
@given(lives, st.sampled_from(sorted(PLANTED)))
def test_one_planted_defect_is_found(crowd: list[Life], defect: str) -> None:
    """One defect in an otherwise correct night is found by its own invariant, and the right fan is named."""
    buyer = Life("sold", 1, 0, "answer", False, False, False, False)
    night = play([*crowd, buyer])
    fan = len(crowd)
    PLANTED[defect](night, fan)
    found = all_findings(night)[defect]
    assert found.verdict == "fail", found
    if defect not in ("OVERSELL", "PHANTOM"):
        assert f"run-i{fan}" in {example.intent for example in found.examples}
    assert all(example.timeline for example in found.examples)


@SLOW
@given(lives)
def test_a_refused_fan_who_is_charged_is_a_ghost(crowd: list[Life]) -> None:
    """A charge on somebody whose every attempt was refused is found, whatever the others went through."""
    night = play(crowd)
    fan = len(crowd)
    night.refused(fan).charge(fan)
    found = all_findings(night)["GHOST"]
    assert (found.verdict, found.examples[0].intent) == ("fail", f"run-i{fan}")

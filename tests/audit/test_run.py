"""The audit as a whole: what it says together, and that it says the same again."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from surgectl.audit.expectations import Budget, Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.run import Audit, audit
from surgectl.gate import exit_code
from surgectl.recording.evidence_rows import RequestRow
from surgectl.recording.manifest import FaultNote
from surgectl.recording.relations import Relations
from surgectl.recording.rows import DroppedRow, FaultRow, IntentRow, ProbeRow, VitalsRow
from tests.histories.night import EPOCH, Night, S

FAULT = FaultNote(fault="0", from_ns=1 * S, to_ns=4 * S, link="payments", brownout="lost-reply")


def evening() -> Night:
    """Three buyers, one sold out, one lost reply that the books resolve, one hold that ran out, under a brownout."""
    night = Night().buys(1, seat="A1").buys(2, 2, seat="B")
    night.chaos += [
        FaultRow(fault="0", event="applied", at_ns=night.clock, link="payments", brownout="lost-reply"),
        FaultRow(fault="0", event="verified", at_ns=night.clock + 1, link="payments", observed={"cut": 2}),
    ]
    night.loses_reply(3).order(3, seat="C1").charge(3)
    night.told(3, "status", "ok", "confirmed", op=9, status_read=True, claims={"order": "o3", "qty": 1})
    night.chaos.append(FaultRow(fault="0", event="healed", at_ns=night.tick(), link="payments", brownout="lost-reply"))
    night.refused(4).abandons(5)
    night.ops += [
        ProbeRow(step="about", due_ns=n * S // 20, sent_ns=n * S // 20, done_ns=n * S // 20 + 5_000_000, outcome="ok")
        for n in range(1000)
    ]
    return night


def judged(night: Night, **changes: object) -> Audit:
    with night.relations() as relations:
        return audit(relations, night.expectations(**({"faults": (FAULT,), "exclusive": True} | changes)))


def named(result: Audit, name: str) -> Finding:
    return next(finding for finding in result.findings if finding.id == name)


def test_a_good_evening_passes() -> None:
    """A correct shop under a lost reply passes every stock and money invariant, and the gate opens."""
    result = judged(
        evening(),
        require=("stock", "money"),
        coverage={"payments_in_fault": "30%", "lost_replies": 1, "expired_holds": 1, "sold_out": 1},
        thresholds=("availability(about) >= 99.9%", "max(hold) < 1s", "count(shed) <= 0"),
    )
    assert result.inconclusive_because == []
    assert (result.verdict, exit_code(result, "done")) == ("pass", 0)
    assert {f.id for f in result.findings if f.configured and f.verdict != "pass"} <= {"LIMIT"}
    assert result.links == {"orders": 1.0, "charges": 1.0}
    assert [(c.applied, c.verified, c.healed, c.observed) for c in result.chaos] == [(True, True, True, {"cut": 2})]
    assert {c.id: c.seen for c in result.coverage}["lost_replies"] == 1


def test_a_defect_is_eleven_whatever_else() -> None:
    """A proven double charge is exit 11, though the machine was late and the run was cut short."""
    night = evening().charge(1, charge="again")
    night.vitals.append(VitalsRow(at_ns=2 * S, lag_ns=9 * S, cpu=1.0))
    result = judged(night, require=("money",), status="aborted")
    assert (result.verdict, result.ledger, exit_code(result, "sigint")) == ("fail", "fail", 11)
    example = named(result, "DUPCHARGE").examples[0]
    assert (example.intent, example.fan) == ("run-i1", 1)
    assert "again" in example.keys["charge"]
    assert {moment.lane for moment in example.timeline} == {"fan", "shop", "provider"}


def test_same_bytes_twice() -> None:
    """The same recording gives the same bytes, stories included."""
    night = evening().charge(1, charge="again").charge(4)
    first, second = (
        msgspec.json.encode(judged(night, thresholds=("p99(confirm) < 3s",), require=("stock",))) for _ in range(2)
    )
    assert first == second


def test_a_crashing_checker_is_unknown() -> None:
    """A checker that crashes is unknown with its reason, and the others still speak."""

    def crash(relations: Relations, expectations: Expectations) -> Finding:
        raise ZeroDivisionError("by nought")

    night = evening()
    with night.relations() as relations:
        result = audit(relations, night.expectations(faults=(FAULT,), require=("MINE",)), {"MINE": crash})
    found = named(result, "MINE")
    assert (found.verdict, found.reason) == ("unknown", "ZeroDivisionError: by nought")
    assert named(result, "OVERSELL").verdict == "pass"
    assert exit_code(result, "done") == 12


def test_a_required_invariant_without_evidence_is_inconclusive() -> None:
    """A required invariant whose books are missing makes the run inconclusive; unrequired, it weighs nothing."""
    night = evening().without("stock")
    required, free = judged(night, require=("stock",)), judged(night)
    assert (required.verdict, exit_code(required, "done")) == ("unknown", 12)
    assert not named(free, "CONSERVE").configured
    assert (free.verdict, exit_code(free, "done")) == ("pass", 0)


def test_nobody_waits_for_a_book_that_does_not_exist() -> None:
    """Tickets without a ledger to pay them in are not "still open": settling would wait its whole window for them."""
    unsettled = {"settled": False, "settle_window_ns": 60 * S, "settle_elapsed_ns": S}
    without = judged(evening().without("charges", "refunds"), **unsettled)
    assert named(without, "TICKET_NO_CHARGE").considered > 0
    assert (named(without, "TICKET_NO_CHARGE").pending, without.pending) == (0, 0)


def test_books_that_could_not_be_read_are_inconclusive_for_who_requires_nothing() -> None:
    """A profile that requires nothing means all that its target's books can show; one that names some means those."""
    night = evening().flaw("orders", error="answered 500")
    everything, some = judged(night), judged(night, require=("CONSERVE",))
    assert (everything.verdict, exit_code(everything, "done")) == ("unknown", 12)
    assert "answered 500" in " ".join(everything.inconclusive_because)
    assert (some.verdict, exit_code(some, "done")) == ("pass", 0)


def test_a_required_invariant_that_nobody_checks_is_inconclusive() -> None:
    """An invariant that is asked for by name and has no checker is unknown, never skipped."""
    assert "NOBODYS" in " ".join(judged(evening(), require=("NOBODYS",)).inconclusive_because)


def test_a_fault_that_never_bit_is_inconclusive() -> None:
    """A fault that was applied and never seen to bite leaves the run inconclusive."""
    night = evening()
    night.chaos = [row for row in night.chaos if not (isinstance(row, FaultRow) and row.event == "verified")]
    result = judged(night)
    assert exit_code(result, "done") == 12 and "no traffic was seen" in result.inconclusive_because[0]
    night.chaos = []
    assert "never applied" in judged(night).inconclusive_because[0]


@pytest.mark.parametrize("policy", ["drop", "late"])
def test_a_generator_that_is_behind_is_inconclusive_with_advice(policy: Literal["drop", "late"]) -> None:
    """Whether those behind were dropped or came late: exit 12, the count, and what to try."""
    night = evening()
    if policy == "drop":
        night.ops.append(DroppedRow(fan=99, due_ns=S, at_ns=3 * S))
    else:
        late = next(row for row in night.ops if isinstance(row, IntentRow))
        night.ops[night.ops.index(late)] = msgspec.structs.replace(late, at_ns=late.due_ns + 2 * S)
    result = judged(night, budget=Budget(behind=policy, lag_p99_at_most_ns=60 * S))
    assert exit_code(result, "done") == 12
    counted = {"drop": ("dropped", "late"), "late": ("late", "dropped")}[policy]
    assert [result.generator[name] for name in (*counted, "behind")] == [1, 0, policy]
    (because,) = (said for said in result.inconclusive_because if "GENERATOR" in said)
    assert f"of the arrivals were {counted[0]}" in because and "--workers 2" in because and "fewer fans" in because


@pytest.mark.parametrize("name", ["payments_in_fault", "retries_after_info", "shed", "expired_holds", "no_such_thing"])
def test_unmet_coverage_is_inconclusive(name: str) -> None:
    """What the run had to meet and did not makes it inconclusive."""
    night = Night().buys(1)
    with night.relations() as relations:
        result = audit(relations, night.expectations(coverage={name: 1}))
    assert exit_code(result, "done") == 12 and name in result.inconclusive_because[0]


def test_coverage_counts() -> None:
    """Retries after a lost reply, shed requests and requests in the fault are counted from the recording."""
    night = evening()
    night.fan(6)
    night.send(6, "pay", "info", "timeout").send(6, "pay", "fail", "shed", then="shed")
    night.left_out.discard("requests")
    night.requests = [
        RequestRow(key="a", at_s=EPOCH + 1.0),
        RequestRow(key="b", at_s=EPOCH + 1.5),
        RequestRow(key="c", at_s=EPOCH + 99),
    ]
    seen = {c.id: c.seen for c in judged(night).coverage}
    assert (seen["retries_after_info"], seen["shed"]) == (1, 1)
    windows = [row.at_ns / S for row in night.chaos if isinstance(row, FaultRow) and row.event in ("applied", "healed")]
    assert seen["fault_requests"] == sum(windows[0] <= at < windows[1] for at in (1.0, 1.5, 99))


def test_lost_replies_of_a_partial_fault_were_asked_for_again() -> None:
    """Where only some replies are lost, a charge in the window counts if the provider was asked for it again."""
    night = Night().buys(1)
    night.left_out.discard("requests")
    night.chaos.append(FaultRow(fault="0", event="applied", at_ns=night.clock, link="payments", brownout="lost-reply"))
    night.chaos.append(FaultRow(fault="0", event="verified", at_ns=night.clock, link="payments"))
    for fan in (2, 3):
        night.buys(fan)
        night.requests.append(RequestRow(payment=f"o{fan}", at_s=EPOCH + night.clock / S))
    night.chaos.append(FaultRow(fault="0", event="healed", at_ns=night.tick(), link="payments", brownout="lost-reply"))
    night.requests.append(RequestRow(payment="o3", at_s=EPOCH + 99))
    whole = {c.id: c.seen for c in judged(night).coverage}
    part = {c.id: c.seen for c in judged(night, partial_faults=("0",)).coverage}
    assert (whole["lost_replies"], part["lost_replies"]) == (2, 1)


def test_a_starved_machine_makes_latency_unknown() -> None:
    """When we were late ourselves, a missed latency is nobody's fault and no ledger verdict changes."""
    night = evening()
    night.ops += [DroppedRow(fan=90 + n, due_ns=S, at_ns=3 * S) for n in range(3)]
    result = judged(night, thresholds=("max(hold) < 1ms", "count(sold-out) <= 0"))
    assert [t.verdict for t in result.thresholds] == ["unknown", "fail"]
    assert named(result, "GENERATOR").verdict == "unknown" and "dropped" in named(result, "GENERATOR").reason
    assert named(result, "DUPCHARGE").verdict == "pass"
    assert not result.conclusive and exit_code(result, "done") == 10


def test_a_lost_worker_leaves_ledger_facts_alone() -> None:
    """Whatever was counted lacks its fans: no demand is met or missed; a double charge is one all the same."""
    said = ("worker 1 of 2 was lost after 4s (killed by SIGKILL)",)
    result = judged(evening(), lost_workers=said, thresholds=("count(sold-out) <= 0",))
    assert [t.verdict for t in result.thresholds] == ["unknown"]
    assert not result.conclusive and exit_code(result, "done") == 12
    assert any("killed by SIGKILL" in reason for reason in result.inconclusive_because)
    assert exit_code(judged(evening().charge(4), lost_workers=said), "done") == 11


def test_a_killed_run_is_at_best_unknown() -> None:
    """What was cut off by a kill proves nothing right, but what it proves wrong stays wrong."""
    result = judged(evening(), status="running")
    assert {f.verdict for f in result.findings if f.kind == "ledger" and f.configured} == {"unknown"}
    assert result.verdict == "unknown"
    assert judged(evening().charge(4), status="running").verdict == "fail"


def test_pending_says_how_long_to_go_on() -> None:
    """Before the window has passed, what is open is counted, so that settling knows to go on."""
    assert judged(evening().charge(1, charge="again"), settled=False).pending > 0
    assert judged(evening(), settled=False).pending == 0


def test_nothing_at_all_is_no_pass() -> None:
    """An empty recording passes nothing."""
    night = Night()
    with night.relations() as relations:
        result = audit(relations, night.expectations(require=("stock", "money"), thresholds=("p99(confirm) < 3s",)))
    assert (result.verdict, exit_code(result, "done")) == ("unknown", 12)
    assert {f.verdict for f in result.findings if f.id != "CONSERVE"} == {"unknown"}

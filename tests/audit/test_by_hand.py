"""Faults and pauses by hand: windows like any other, asked for by nobody, and mended all the same."""

from __future__ import annotations

import pytest

from surgectl.audit.run import Audit, audit
from surgectl.audit.windows import faults_on
from surgectl.cli.judge import timeline_notes
from surgectl.gate import exit_code
from surgectl.recording.manifest import FaultNote
from surgectl.recording.rows import DroppedRow, FaultRow, NoteRow
from surgectl.report.summary import ChaosLine, fate_of, verdict_of
from tests.audit.test_run import evening
from tests.histories.night import Night, S

HAND = FaultNote(fault="hand-1", from_ns=1 * S, to_ns=60 * S, link="payments", brownout="lost-reply", toxicity=0.3)


def by_hand(*left_out: str) -> Night:
    """The good evening, with its brownout switched on by hand; without these events of its life."""
    night = evening()
    night.chaos = [
        FaultRow(
            fault="hand-1",
            event=row.event,
            at_ns=row.at_ns,
            link=row.link,
            brownout="lost-reply",
            observed=row.observed,
        )
        for row in night.chaos
        if isinstance(row, FaultRow) and row.event not in left_out
    ]
    return night


def judged(night: Night, **changes: object) -> Audit:
    with night.relations() as relations:
        return audit(relations, night.expectations(**({"by_hand": (HAND,), "exclusive": True} | changes)))


@pytest.mark.parametrize("told", [(HAND,), ()])
def test_one_that_was_not_healed_is_our_failure(told: tuple[FaultNote, ...]) -> None:
    """Left on, it makes the run inconclusive and the gate closed, also where a kill kept it out of the manifest."""
    result = judged(by_hand("healed"), by_hand=told)
    (line,) = result.chaos
    assert (line.by, line.applied, line.healed, line.lingers) == ("hand", True, False, True)
    assert exit_code(result, "done") == 12
    assert any("by hand, was not healed" in said for said in result.inconclusive_because)


@pytest.mark.parametrize("told", [(HAND,), ()])
def test_one_that_bit_and_was_healed_is_a_fault_like_any_other(told: tuple[FaultNote, ...]) -> None:
    """Its real window counts for coverage, and for what a threshold says of the time during it; the run passes."""
    night = by_hand()
    result = judged(
        night,
        by_hand=told,
        require=("stock", "money"),
        coverage={"payments_in_fault": 1, "lost_replies": 1},
        thresholds=("error_rate(pay) <= 100% during payments",),
    )
    assert (result.verdict, result.inconclusive_because) == ("pass", [])
    assert [t.verdict for t in result.thresholds] == ["pass"]
    (line,) = result.chaos
    assert (line.by, line.verified, line.healed, line.brownout) == ("hand", True, True, "lost-reply")
    assert line.planned_to_s == line.healed_at_s
    with night.relations() as relations:
        (window,) = faults_on(relations, night.expectations())
    assert (window.fault, window.link) == ("hand-1", "payments") and window.to_ns == night.chaos[-1].at_ns


def test_one_that_nobody_saw_bite_weighs_nothing() -> None:
    """A planned one makes the run inconclusive by it; one by hand was required by nobody, and is only told."""
    result = judged(by_hand("verified"), require=("stock", "money"))
    assert (result.verdict, result.inconclusive_because) == ("pass", [])
    (line,) = result.chaos
    assert (line.applied, line.verified, line.healed) == (True, False, True)


def test_one_that_the_proxy_refused_weighs_nothing() -> None:
    """It was never on: nothing is left of it, and nobody had asked for it."""
    night = by_hand("applied", "verified", "healed")
    night.chaos.append(FaultRow(fault="hand-1", event="failed", at_ns=S, link="payments", brownout="slow"))
    night.chaos.append(FaultRow(fault="hand-1", event="healed", at_ns=S + 1, link="payments", brownout="slow"))
    result = judged(night, require=("stock", "money"))
    assert result.inconclusive_because == [] and not result.chaos[0].applied


def test_what_the_report_makes_of_one_by_hand() -> None:
    """Not healed fails, seen to bite passes, not seen is no verdict at all; each says that a hand did it."""
    line = ChaosLine(
        link="payments",
        brownout="slow",
        planned_from_s=1,
        planned_to_s=2,
        applied=True,
        healed=True,
        verified=True,
        by="hand",
    )
    assert verdict_of(line) == "pass" and fate_of(line) == "by hand: applied, verified, healed"
    for changes, verdict in (({"healed": False}, "fail"), ({"verified": False}, None)):
        fields = {name: getattr(line, name) for name in line.__struct_fields__} | changes
        assert verdict_of(ChaosLine(**fields)) == verdict


def test_fans_who_did_not_come_for_a_pause_are_told_and_not_counted_against_us() -> None:
    """A thousand paused arrivals spoil no budget, but the generator's line says how many never came."""
    night = evening()
    night.ops += [DroppedRow(fan=100 + n, due_ns=S, at_ns=S, why="paused") for n in range(1000)]
    result = judged(night, thresholds=("count(dropped) <= 0", "count(paused) >= 1000"))
    finding = next(f for f in result.findings if f.id == "GENERATOR")
    assert finding.verdict == "pass" and "1,000 fans never came because arrivals were paused by hand" in finding.summary
    assert (result.generator["dropped"], result.generator["paused"]) == (0, 1000)
    assert [t.verdict for t in result.thresholds] == ["pass", "pass"]
    night.ops.append(DroppedRow(fan=99, due_ns=S, at_ns=3 * S))
    assert judged(night).generator["dropped"] == 1


def test_notes_by_hand_are_on_the_timeline() -> None:
    """What people did stands there in the order of time; what surgectl noted for itself does not."""
    night = evening()
    night.chaos += [
        NoteRow(at_ns=3 * S, text="db is slow"),
        NoteRow(at_ns=2 * S, text="arrivals paused by hand", kind="pause"),
        NoteRow(at_ns=S, text="a part ended", kind="stage"),
    ]
    with night.relations() as relations:
        told = timeline_notes(relations)
    assert [(note.at_s, note.kind, note.text) for note in told] == [
        (2.0, "pause", "arrivals paused by hand"),
        (3.0, "note", "db is slow"),
    ]

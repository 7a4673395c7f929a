"""The sentence that a manager reads, and what to do next."""

from __future__ import annotations

import msgspec
import pytest

from surgectl.audit.finding import Example, Finding, Verdict
from surgectl.report.happened import Happened, PhaseHappened, Unnamed
from surgectl.report.summary import ChaosLine, CoverageLine, ThresholdLine
from surgectl.report.words import glance, headline, next_steps
from tests.report.sample import summary


def finding(name: str, verdict: Verdict, kind: str = "ledger", **more) -> Finding:
    return Finding(
        id=name, kind=kind, group="money", verdict=verdict, severity="major", summary=f"{name} said.", **more
    )


def threshold(verdict: Verdict) -> ThresholdLine:
    return ThresholdLine(
        expression="p99(pay) < 1s", verdict=verdict, observed="2s", reason="no samples" * (verdict == "unknown")
    )


def fault(applied: bool, verified: bool, healed: bool) -> ChaosLine:
    return ChaosLine(
        link="payments",
        brownout="slow",
        planned_from_s=1,
        planned_to_s=2,
        applied=applied,
        verified=verified,
        healed=healed,
    )


def test_a_violation_outweighs_everything() -> None:
    """A double charge is the headline, also of a run that was stopped and missed its thresholds."""
    said = headline("aborted", [finding("DUPCHARGE", "fail", violations=18)], [threshold("fail")], [], 11)
    assert said == "The shop did not keep its books true: somebody was charged twice (DUPCHARGE: 18)."


def test_four_violations_are_counted_not_all_told() -> None:
    """The sentence stays a sentence."""
    names = ("OVERSELL", "SEAT2", "DUPCHARGE", "GHOST")
    assert headline("done", [finding(n, "fail") for n in names], [], [], 11).endswith("(DUPCHARGE: 0); and 1 more.")


@pytest.mark.parametrize(
    "code,word", [(70, "surgectl itself failed"), (14, "abort conditions"), (130, "stopped"), (143, "stopped")]
)
def test_how_it_ended_is_said(code: int, word: str) -> None:
    """Our own failure, an abort condition and a signal each have their sentence."""
    assert word in headline("aborted", [finding("OVERSELL", "pass")], [], [], code)


def test_books_are_called_true_only_when_all_of_them_were_judged() -> None:
    """A missed threshold beside an unknown invariant does not make the books true."""
    missed = [threshold("fail")]
    assert headline("done", [finding("OVERSELL", "pass")], missed, [], 10).startswith("The books are true, but")
    for doubtful in ([finding("OVERSELL", "pass"), finding("SEAT2", "unknown")], []):
        assert headline("done", doubtful, missed, [], 10).startswith("Not every book could be judged")


def test_a_pass_says_how_much_passed() -> None:
    """The pass counts its invariants, and says aloud which could not be judged."""
    good = [finding("OVERSELL", "pass"), finding("SEAT2", "pass")]
    assert headline("done", good, [], [], 0) == (
        "The shop told the truth: 2 ledger invariants hold, and every demand was met."
    )
    assert "1 could not be judged" in headline("done", [*good, finding("LEAK", "unknown")], [], [], 0)
    assert "no ledger invariant was checked" in headline(
        "done", [finding("LEAK", "unknown", configured=False)], [], [], 0
    )


def test_no_verdict_says_why() -> None:
    """The audit's own reasons come first; without them ourselves, faults, coverage, evidence, silence."""
    assert (
        headline("done", [], [], [], 12, because=["the shop was unreachable."])
        == "No verdict: the shop was unreachable."
    )
    unmet = CoverageLine(id="lost_replies", required="1", seen="0", met=False)
    told = CoverageLine(id="other", required=None, seen="0", met=False)
    findings = [
        finding("LEAK", "unknown", reason="no holds"),
        finding("GENERATOR", "unknown", "harness", reason="late"),
    ]
    said = headline("done", findings, [threshold("unknown")], [unmet, told], 12, [fault(True, False, True)])
    assert said == (
        "No verdict: GENERATOR said (late); slow on payments was never seen to bite; "
        "lost_replies was to be 1 and was 0; and 2 more."
    )
    assert headline("done", [], [], [], 12) == "No verdict: the recording does not tell enough."


def test_the_danger_comes_first_in_what_to_do() -> None:
    """A fault left behind comes before the guilt, the guilt before the doubts."""
    guilty = finding("DUPCHARGE", "fail", examples=[Example(what="fan 7 paid twice.")])
    steps = next_steps(
        [finding("LEAK", "unknown", reason="no holds."), guilty],
        [threshold("fail")],
        [],
        [fault(True, True, False)],
        11,
    )
    assert [step.split()[0] for step in steps] == ["slow", "DUPCHARGE:", "p99(pay)", "LEAK"]
    assert "chaos heal" in steps[0] and "fan 7 paid twice." in steps[1] and steps[3] == "LEAK is unknown: no holds."


def test_what_to_do_stays_short() -> None:
    """Twenty unknowns become seven steps and a count."""
    steps = next_steps([finding(f"X{i}", "unknown", reason=f"no book {i}") for i in range(20)], [], [], [], 12)
    assert len(steps) == 8 and steps[-1] == "And 13 more, below."


def test_one_reason_is_said_once() -> None:
    """A book that cannot be believed leaves a dozen invariants unknown: one sentence, not a dozen; each finds it."""
    unknown = [finding(f"X{i}", "unknown", reason="orders cannot be believed") for i in range(5)]
    said = "X0, X1, X2 and 2 more are unknown: orders cannot be believed"
    assert next_steps([*unknown, finding("LEAK", "unknown", reason="no holds")], [], [], [], 12) == [
        f"{said}.",
        "LEAK is unknown: no holds.",
    ]
    assert headline("done", unknown, [], [], 12) == f"No verdict: {said}."


def test_a_clean_run_says_what_else_to_try() -> None:
    """A pass is not silent."""
    assert next_steps([finding("OVERSELL", "pass")], [], [], [fault(True, True, True)], 0)[0].startswith(
        "Nothing to mend"
    )


def test_a_fault_that_was_never_applied_is_not_called_unhealed() -> None:
    """Nothing to heal where nothing was applied."""
    (step,) = next_steps([], [], [], [fault(False, False, False)], 12)
    assert "never applied" in step and "heal" not in step


def test_the_cards_count_what_the_tables_hold() -> None:
    """Fans, tickets, invariants, demands, faults and coverage at a glance, coloured by the worst."""
    cards = {card.label: (card.value, card.verdict) for card in glance(summary())}
    assert cards == {
        "fans came": ("1,600", ""),
        "were told they have a ticket": ("900", ""),
        "ledger invariants hold": ("5 of 7", "fail"),
        "demands met": ("1 of 3", "fail"),
        "faults bit, all healed": ("1 of 1", "pass"),
        "coverage met": ("2 of 2", "pass"),
    }


def test_replies_that_no_rule_names_come_first() -> None:
    """Where half of the fans ended at such a reply the headline begins with it; the steps name it in any case."""
    phase = PhaseHappened(name="a", from_s=0, to_s=1, planned=4, came=4, late=0, dropped=0, paused=0)
    known = [Unnamed(step="pay", status=429, said='{"error":"slow down"}', replies=6, fans=2)]
    ran = Happened(phases=[phase], kinds=[], tickets=5, sold=0, told=0, unnamed=known, lost=2)
    doubt = [finding("OVERSELL", "unknown")]
    said = headline("done", doubt, [], [], 12, happened=ran)
    first = "No verdict: 2 fans ended at a reply that no rule of the target names"
    assert said.startswith(first + ' (429 at pay (6×: {"error":"slow down"})); OVERSELL is unknown')
    few = msgspec.structs.replace(ran, lost=1)
    assert "no rule" not in headline("done", doubt, [], [], 12, happened=few)
    steps = next_steps(doubt, [], [], [], 12, few)
    assert "no rule for 429 at pay (6×" in steps[0] and "by address" in steps[1] and "OVERSELL" in steps[2]

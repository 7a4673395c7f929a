"""Everything that was judged, in one list."""

from __future__ import annotations

import msgspec

from surgectl.report.judged import judged, proofs, told
from surgectl.report.summary import ThresholdLine
from surgectl.report.words import next_steps
from tests.report.sample import summary


class Windowed(ThresholdLine, frozen=True, kw_only=True):
    """A demand that tells when it was broken."""

    broken: list[tuple[float, float]] = []


def test_each_thing_stands_once_the_worst_invariant_first() -> None:
    """Invariants, thresholds, faults, required coverage; what is not configured has no verdict."""
    lines = judged(summary())
    assert [line.name for line in lines if line.kind == "invariants"][:2] == ["DUPCHARGE", "CONSERVE"]
    assert {line.name for line in lines if line.verdict is None} == {"REFUND"}
    assert len({(line.kind, line.name) for line in lines}) == len(lines) == 8 + 3 + 1 + 2


def test_what_to_do_is_the_next_step_that_speaks_of_it() -> None:
    """A failure, an unknown and a broken demand each have theirs; what passed needs none."""
    advice = {line.name: line.advice for line in judged(summary())}
    assert advice["DUPCHARGE"].startswith("DUPCHARGE: somebody was charged twice")
    assert "add evidence.stock" in advice["CONSERVE"]
    assert advice["p99(confirm) < 3s"].endswith("in the charts below.")
    assert advice["OVERSELL"] == ""


def test_the_books_prove_before_our_own_recording() -> None:
    """What shop and provider say comes first, then the end of the fan's own story; no line twice."""
    (example, *_) = summary().invariants[0].examples
    found = proofs(example, 5)
    assert [where.startswith("evidence/") for where in found] == [True, True, True, True, False]
    assert len(set(found)) == 5


def test_a_demand_tells_when_it_was_broken() -> None:
    """Five windows, and how many more."""
    windows = [(10.0 * n, 10.0 * n + 2.5) for n in range(7)]
    demand = Windowed(expression="p99(confirm) < 3s for 2s", verdict="fail", observed="4s", broken=windows)
    (line,) = (
        line for line in judged(msgspec.structs.replace(summary(), thresholds=[demand])) if line.kind == "thresholds"
    )
    assert "broken from 0.0 s to 2.5 s, 10.0 s to 12.5 s, " in "\n".join(told(line))
    assert line.why.endswith("40.0 s to 42.5 s, and 2 more times")


def test_a_reason_that_several_share_is_the_advice_of_each() -> None:
    """The one that the step counts without a name is told what to do, too."""
    (one,) = [each for each in summary().invariants if each.id == "CONSERVE"]
    shared = {"verdict": "unknown", "reason": "orders cannot be believed"}
    unknown = [msgspec.structs.replace(one, id=f"X{i}", **shared) for i in range(5)]
    said = next_steps(unknown, [], [], [], 12)
    told = msgspec.structs.replace(summary(), invariants=unknown, next_steps=said)
    assert {line.advice for line in judged(told) if line.name.startswith("X")} == set(said)

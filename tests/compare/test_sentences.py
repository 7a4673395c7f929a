"""The sentence of a comparison and what to do next, from rows and facts made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.report.compare.model import Fact, Row, Said
from surgectl.report.compare.words import headline, next_steps
from tests.compare.draws import run_of
from tests.compare.sides import side
from tests.compare.test_judging import held


def row(name: str, said: Said, difference: float = 0.2, **more: Any) -> Row:
    fields: dict[str, Any] = {"main": True, "baseline": 1.0, "candidate": 1.2, "band": 0.05} | more
    return Row(
        id=name,
        name=name,
        unit="ms",
        less_is_better=True,
        scale="relative",
        difference=difference,
        low=difference - 0.1,
        high=difference + 0.1,
        said=said,
        **fields,
    )


def fact(name: str, said: Said, bad: int = 0) -> Fact:
    return Fact(id=name, baseline="pass", candidate="pass", violations=(0, bad), said=said)


OURS = row("our lateness", "better", -0.5, weighs=False, main=False)
SAME, UNSURE, FAR = row("p50", "same"), row("p95", "can't tell"), row("p99", "can't tell", 0.3)
SLOWER, QUICKER = row("pay", "worse"), row("hold", "better", -0.2)


@pytest.mark.parametrize(
    ("said", "rows", "facts", "untold", "sentence"),
    [
        (
            "worse",
            [SLOWER],
            [fact("GHOST", "worse", 2)],
            "",
            "Worse: the books no longer hold: GHOST (2); and pay +20 ",
        ),
        (
            "worse",
            [SLOWER],
            [fact("GHOST", "worse", 2)],
            "it was late",
            "GHOST (2). The timings cannot be compared: it",
        ),
        ("worse", [SLOWER, QUICKER], [fact("LEAK", "better")], "", "Worse: pay +20 % (+10 % … +30 %)."),
        ("better", [QUICKER, OURS], [], "", "Better: hold -20 % (-30 % … -10 %)."),
        ("better", [SAME], [fact("LEAK", "better")], "", "Better: the books hold again: LEAK."),
        ("better", [QUICKER, UNSURE], [], "", "Better: hold -20 % (-30 % … -10 %). Of 2 numbers 1 cannot be told."),
        ("same", [SAME], [], "", "The same: every main number lies within what nobody minds, and the books agree."),
        ("can't tell", [SAME], [], "it was late", "Can't tell: it was late."),
        ("can't tell", [SAME, UNSURE], [fact("LEAK", "can't tell")], "", "neither to be the same: p95, LEAK."),
        ("can't tell", [UNSURE, FAR], [], "", "Can't tell, though it looks worse: p99 +30 %. It is not shown not"),
    ],
)
def test_the_sentence(said: Said, rows: list[Row], facts: list[Fact], untold: str, sentence: str) -> None:
    """What broke before what is slower, the books before the numbers, and nobody's own lateness is praised."""
    assert sentence in headline(said, rows, facts, untold)
    assert "our lateness" not in headline(said, rows, facts, untold)


@pytest.mark.parametrize(
    ("said", "facts", "untold", "begins"),
    [
        ("worse", [fact("LEAK", "better"), fact("GHOST", "worse", 1)], "", ["Open the new run's report"]),
        ("worse", [fact("LEAK", "better")], "", ["Play the new run once more", "Look at the charts"]),
        ("better", [fact("LEAK", "better")], "", []),
        ("can't tell", [], "it was late", ["Play that run again on a machine"]),
        ("can't tell", [fact("LEAK", "can't tell")], "", ["Let the load last longer"]),
        ("same", [fact("LEAK", "same")], "", []),
    ],
)
def test_what_a_reader_does_now(said: Said, facts: list[Fact], untold: str, begins: list[str]) -> None:
    """Each word has its next steps, and a run that is well has none."""
    steps = next_steps(said, [], facts, untold)
    assert len(steps) == len(begins) and all(step.startswith(word) for step, word in zip(steps, begins, strict=True))


def test_one_run_against_one_is_owned_up_to_where_something_differs() -> None:
    """Where nothing is called better or worse there is nothing to warn of."""
    run = run_of(1, seconds=60)
    assert not [note for note in held(side(run), side(run, run="b")).notes if "one run against one" in note]
    assert [note for note in held(side(run), side(run_of(2, slower=3), run="b")).notes if "one run against one" in note]

"""A demand that must be broken for a while: `for 10s`, `within 30s`, judged second by second."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from surgectl.stats.rough import counter_of
from surgectl.thresholds.evaluate import evaluate
from surgectl.thresholds.grammar import parse
from surgectl.thresholds.samples import CONFIRM, Cell, Samples, Stretch, Ticks, Track, cuts_of
from surgectl.thresholds.weighing import Result

S = 10**9
GOOD, SLOW, HANGS = [S] * 9, [S] * 4 + [5 * S] * 5, ["open"] * 9
DEAD = [5 * S] * 9
NOBODY: list[object] = []
PHASES = (Stretch(0, 10 * S, ("doors",)), Stretch(10 * S, 20 * S, ("on-sale",)))
FAULTS = (Stretch(5_500_000_000, 8_500_000_000, ("fault", "0", "payments", "slow")),)


def run(seconds: Sequence[Sequence[object]], *, live: bool = False) -> Samples:
    """A run in which each second brought these confirmations: how long they took, or "open"."""
    end_ns = len(seconds) * S
    cuts, edges = cuts_of(S, end_ns, (*PHASES, *FAULTS))
    cells, told = {}, {}
    for second, lasted in enumerate(seconds):
        at = cuts.index(second * S)
        cell = cells[at] = Cell(total=len(lasted))
        for ns in lasted:
            counts, counter = (cell.ended, counter_of(ns)) if isinstance(ns, int) else (cell.open, counter_of(S))
            counts[counter] = counts.get(counter, 0) + 1
            cell.ended_ns += ns if isinstance(ns, int) else 0
        told[at] = sum(isinstance(ns, int) for ns in lasted)
    return Samples(
        step_ns=S, end_ns=end_ns, cuts=cuts, edges=edges, phases=PHASES, faults=FAULTS, arrivals=99, live=live,
        tracks=(Track(CONFIRM, "", False, cells), Track("pay", "", False, cells)),
        ticks=(Ticks("confirmed", "", False, told),),
    )  # fmt: skip


def said(text: str, seconds: Sequence[Sequence[object]]) -> Result:
    return evaluate(parse(text), run(seconds))


P, W = "p50(confirm) < 3s", "rate(confirmed) >= 5/s"
TABLE = [
    # guilty: broken in every second for so long
    (f"{P} for 3s", [GOOD] * 4 + [SLOW] * 3 + [GOOD] * 13, "fail", [(4.0, 7.0)]),
    (f"{P} for 3s", [SLOW] * 5 + [GOOD] * 5 + [SLOW] * 3, "fail", [(0.0, 5.0), (10.0, 13.0)]),
    (f"{P} for 4s", [GOOD] * 4 + [SLOW, SLOW, NOBODY, SLOW] + [GOOD] * 9, "fail", [(4.0, 8.0)]),
    (f"{P} for 3s in doors", [SLOW] * 4 + [GOOD] * 16, "fail", [(0.0, 4.0)]),
    (f"{P} for 2s during payments", [GOOD] * 6 + [SLOW] * 2 + [GOOD] * 9, "fail", [(6.0, 8.0)]),
    (f"{W} for 3s", [GOOD] * 4 + [NOBODY] * 3 + [GOOD] * 4, "fail", [(4.0, 7.0)]),
    (f"{P} within 5s", [GOOD] * 4 + [DEAD] * 4 + [GOOD] * 9, "fail", [(2.0, 10.0)]),
    (f"{W} within 4s", [GOOD] * 4 + [NOBODY] * 4 + [GOOD] * 4, "fail", [(2.0, 10.0)]),
    # innocent: never so long on end
    (f"{P} for 3s", [GOOD, SLOW, SLOW] * 6, "pass", []),
    (f"{P} for 3s", [GOOD] * 4 + [SLOW, SLOW, NOBODY] + [GOOD] * 9, "pass", []),
    (f"{P} for 3s in doors", [GOOD] * 8 + [SLOW] * 4 + [GOOD] * 8, "pass", []),
    (f"{P} for 2s during payments", [SLOW] * 5 + [GOOD] * 4 + [SLOW] * 8, "pass", []),
    (f"{W} for 3s", [GOOD, NOBODY, NOBODY] * 4 + [GOOD], "pass", []),
    (f"{P} within 5s", [GOOD, GOOD, SLOW] * 6, "pass", []),
    ("rate(confirmed) >= 4/s within 4s", [GOOD, GOOD, NOBODY] * 4, "pass", []),
    # doubtful
    (f"{P} for 3s", [GOOD] * 4 + [HANGS] * 3 + [GOOD] * 9, "unknown", []),
    (f"{P} for 3s", [GOOD] * 4 + [SLOW, HANGS, SLOW] + [GOOD] * 9, "unknown", []),
    (f"{P} within 3s", [GOOD] * 4 + [HANGS] * 3 + [GOOD] * 9, "unknown", []),
    (f"{P} for 3s", [NOBODY] * 20, "unknown", []),
    (f"{P} within 3s", [NOBODY] * 20, "unknown", []),
    (f"{P} for 4s during payments", [SLOW] * 20, "unknown", []),
    (f"{P} for 30s", [SLOW] * 20, "unknown", []),
    (f"{P} for 3s in tail", [SLOW] * 20, "unknown", []),
    (f"{P} for 3s during database", [SLOW] * 20, "unknown", []),
    ("p50(nothing) < 3s for 3s", [SLOW] * 20, "unknown", []),
    ("count(nothing) <= 3 within 3s", [SLOW] * 20, "unknown", []),
    ("goodput(confirmed) >= 3/s of ghost for 3s", [SLOW] * 20, "unknown", []),
    ("amplification(payments) <= 2 for 3s", [SLOW] * 20, "unknown", []),
]


@pytest.mark.parametrize("text, seconds, verdict, broken", TABLE)
def test_windows(text: str, seconds: list[list[object]], verdict: str, broken: list[tuple[float, float]]) -> None:
    """Each window has its verdict, and says from when to when the demand was broken."""
    result = said(text, seconds)
    assert (result.verdict, list(result.broken)) == (verdict, broken), result.text


def test_it_says_how_bad_it_was() -> None:
    """The worst second is named, with its number and its time."""
    result = said(f"{P} for 3s", [GOOD] * 4 + [SLOW] * 3 + [GOOD] * 13)
    assert result.text == "broken for 3s, 4s to 7s; worst second 5s at 4s"
    assert result.observed == 5 * S
    assert "never broken for 3s" in said(f"{P} for 3s", [GOOD] * 20).text


def test_a_demand_on_no_number_is_unknown() -> None:
    """Without a window too: nothing measured, or something that has no name here, is never a pass."""
    for text in (
        "p99(confirm) < 3s after payments",
        "p99(nothing) < 3s",
        "count(nothing) <= 9",
        "rate(sent) < 1/s of x",
    ):
        assert said(text, [NOBODY] * 20).verdict == "unknown", text

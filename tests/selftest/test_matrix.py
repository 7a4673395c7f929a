"""Rehearsals side by side: counted, printed, and turned into an exit code."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from surgectl.cli.selftest import exit_code
from surgectl.selftest import tables
from surgectl.selftest.cell import Cell
from surgectl.selftest.matrix import Matrix, Row, matrix
from surgectl.selftest.seen import Played
from surgectl.selftest.verdict import Verdict, Word


def row(word: Word, seed: int = 1, defect: str | None = None, brownout: str | None = "slow", **more: object) -> Row:
    cell = Cell(
        scene="lost-replies",
        seed=seed,
        defect=defect,
        brownout=None if defect else brownout,
        disguised=seed % 2 == 0,
    )
    verdict = Verdict(
        word=word, caught_by=("DUPCHARGE",) if word == "caught" else (), why="so it is" * (word != "caught")
    )
    return Row(cell=cell, verdict=verdict, played=Played(exit_code=0, seconds=6.0), **more)  # type: ignore[arg-type]


def of(*rows: Row, stopped: bool = False) -> Matrix:
    return matrix(rows, seconds=12.34, stopped=stopped)


CAUGHT = [row("caught", seed, "double-charge") for seed in (1, 2)]
INNOCENT = [row("innocent", seed) for seed in (1, 2)]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (of(*CAUGHT, row("missed", 3, "double-charge"), *INNOCENT), 11),
        (of(*CAUGHT, row("accused")), 11),
        (of(*CAUGHT, row("hiding")), 11),
        (of(*CAUGHT, row("accused"), stopped=True), 11),
        (of(*CAUGHT, *INNOCENT), 0),
        (of(*CAUGHT, row("not-exercised", 3, "double-charge")), 12),
        (of(*[row("caught", n, "x") for n in range(9)], row("not-exercised", 9, "x")), 0),
        (of(*CAUGHT, row("inconclusive")), 12),
        (of(*CAUGHT, row("not-exercised")), 12),
        (of(*CAUGHT, stopped=True), 12),
    ],
)
def test_the_exit_code(found: Matrix, code: int) -> None:
    """11 where the audit is wrong, 12 where nobody can say, 0 only where all was caught and acquitted."""
    assert exit_code(found) == code


def test_a_signal_is_told_to_the_shell() -> None:
    """Stopped by SIGINT is 130; but what was proved to be wrong before it stays wrong."""
    assert exit_code(of(*CAUGHT, stopped=True), 2) == 130
    assert exit_code(of(row("missed", 1, "x"), stopped=True), 2) == 11


def test_nothing_played_is_no_pass() -> None:
    """A matrix without a single rehearsal proves nothing."""
    assert exit_code(of()) == 12


def test_the_json_of_it() -> None:
    """The lists name the rehearsals, `caught` the defects; every rehearsal is a row of `cells`."""
    doubtful = row("inconclusive", 3, "leak", again=True, first_why="the shop ended", kept="/somewhere")
    rows = [*CAUGHT, row("missed", 1, "leak"), row("not-exercised", 2, "leak"), doubtful, *INNOCENT, row("accused", 3)]
    told = msgspec.json.decode(msgspec.json.encode(of(*rows, row("hiding", 4))))
    assert {key: value for key, value in told.items() if key != "cells"} == {
        "schema": "surgectl.selftest/1",
        "defects": 2,
        "caught": ["double-charge"],
        "missed": ["leak seed 1 plain"],
        "accused": ["correct shop, slow seed 3 plain"],
        "innocent_runs": 2,
        "not_exercised": ["leak seed 2 disguised"],
        "hiding": ["correct shop, slow seed 4 disguised"],
        "inconclusive": ["leak seed 3 plain"],
        "exercised": {"double-charge": 1.0, "leak": 1 / 3},
        "stopped": False,
        "seconds": 12.3,
    }
    assert len(told["cells"]) == 9
    cell = told["cells"][4]
    assert (cell["verdict"], cell["played_again"], cell["first_why"], cell["kept"]) == (
        "inconclusive",
        True,
        "the shop ended",
        "/somewhere",
    )


def test_it_is_printed() -> None:
    """A line for each defect and brownout with its counts, then what ended wrongly with its recording."""
    said = io.StringIO()
    found = of(*CAUGHT, row("missed", 1, "leak", kept="/somewhere"), *INNOCENT, row("accused", 3))
    tables.show(found, Console(file=said, width=200))
    lines = [" ".join(line.split()) for line in said.getvalue().splitlines()]
    assert "double-charge ✓✓ DUPCHARGE 100%" in lines
    assert "slow 1 innocent, 1 accused 1 innocent 6.0" in lines
    assert "missed leak seed 1 plain (6.0 s): so it is" in lines
    assert "recording: /somewhere" in lines
    assert lines[-1].startswith("2 defects, 1 caught, 1 missed; 2 correct shops acquitted, 1 accused")
    assert "\x1b" not in said.getvalue()

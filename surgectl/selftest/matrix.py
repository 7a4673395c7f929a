"""All rehearsals side by side: who was caught, who was missed, and what build servers make of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from surgectl.selftest.cell import Cell
from surgectl.selftest.seen import Played
from surgectl.selftest.verdict import WRONG, Verdict, Word

EXERCISED_AT_LEAST = 0.9
"""Share of a defect's rehearsals that must have given it its chance."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rehearsal and what it showed; `kept` is where its recording lies, if it ended wrongly."""

    cell: Cell
    verdict: Verdict
    played: Played
    again: bool = False
    """It was played a second time, alone: the first was inconclusive."""
    first_why: str = ""
    """Why the first was."""
    kept: str = ""

    @property
    def word(self) -> Word:
        return self.verdict.word


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A row as `--json` prints it."""

    name: str
    scene: str
    defect: str | None
    brownout: str | None
    seed: int
    disguised: bool
    verdict: Word
    caught_by: tuple[str, ...]
    also_failed: tuple[str, ...]
    why: str
    unknown: dict[str, str]
    coverage: dict[str, str]
    exit_code: int
    seconds: float
    played_again: bool
    first_why: str
    kept: str


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. The lists hold names of cells, but `caught` holds defects."""

    schema: str = "surgectl.selftest/1"
    defects: int
    """How many were played."""
    caught: list[str]
    """Defects that were caught wherever they had their chance, and somewhere had it."""
    missed: list[str]
    accused: list[str]
    innocent_runs: int
    """Rehearsals of the correct shop that ended in its acquittal."""
    not_exercised: list[str]
    hiding: list[str]
    inconclusive: list[str]
    exercised: dict[str, float]
    """Defect → share of its rehearsals in which it had its chance."""
    stopped: bool = False
    """Somebody stopped it before its end."""
    seconds: float
    cells: list[Told]

    @property
    def wrong(self) -> bool:
        """The audit is not to be believed."""
        return bool(self.missed or self.accused or self.hiding)

    @property
    def complete(self) -> bool:
        """Everything was put to the test, as far as it was asked for."""
        return (
            bool(self.cells)
            and not self.stopped
            and not self.inconclusive
            and all(share >= EXERCISED_AT_LEAST for share in self.exercised.values())
            and not any(told.verdict == "not-exercised" and told.defect is None for told in self.cells)
        )


def matrix(rows: Iterable[Row], *, seconds: float, stopped: bool = False) -> Matrix:
    """The rows, counted."""
    rows = list(rows)
    by_defect: dict[str, list[Row]] = {}
    for row in rows:
        if row.cell.defect is not None:
            by_defect.setdefault(row.cell.defect, []).append(row)
    words = {defect: [row.word for row in mine] for defect, mine in by_defect.items()}
    return Matrix(
        defects=len(by_defect),
        caught=[defect for defect, said in words.items() if "caught" in said and "missed" not in said],
        missed=_named(rows, "missed"),
        accused=_named(rows, "accused"),
        innocent_runs=sum(row.word == "innocent" for row in rows),
        not_exercised=_named(rows, "not-exercised"),
        hiding=_named(rows, "hiding"),
        inconclusive=_named(rows, "inconclusive"),
        exercised={defect: exercised(mine) for defect, mine in by_defect.items()},
        stopped=stopped,
        seconds=round(seconds, 1),
        cells=[told_of(row) for row in rows],
    )


def exercised(rows: Sequence[Row]) -> float:
    """The share that gave the defect its chance; what ended inconclusively did not."""
    return sum(row.word in ("caught", "missed") for row in rows) / len(rows)


def is_wrong(row: Row) -> bool:
    """Its recording is worth keeping."""
    return row.word in WRONG or row.word == "inconclusive"


def _named(rows: list[Row], word: Word) -> list[str]:
    return [row.cell.name for row in rows if row.word == word]


def told_of(row: Row) -> Told:
    """A row for people and programs."""
    cell, verdict, played = row.cell, row.verdict, row.played
    return Told(
        name=cell.name,
        scene=cell.scene,
        defect=cell.defect,
        brownout=cell.brownout,
        seed=cell.seed,
        disguised=cell.disguised,
        verdict=verdict.word,
        caught_by=verdict.caught_by,
        also_failed=verdict.also,
        why=verdict.why,
        unknown=played.unknown,
        coverage=played.coverage,
        exit_code=played.exit_code,
        seconds=round(played.seconds, 1),
        played_again=row.again,
        first_why=row.first_why,
        kept=row.kept,
    )

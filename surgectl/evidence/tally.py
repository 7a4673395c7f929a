"""Hold the numbers that a shop reports of itself against its rows, counted one by one.

A row can be pointed to, a counter cannot (Vendure's said one after twenty sales). So where a counter says less than was
counted, the counter is wrong, and with it the shop's stock, which is made of such counters. Where it says more, the
list may lack rows. Either way the difference is shown, and what would lean on the doubtful side is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.evidence import values
from surgectl.evidence.look import compile_column
from surgectl.evidence.reading import Found, Raw, ReadError, Reading, also
from surgectl.profile.source import Column, Counter
from surgectl.text import one_line


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """One counter beside its rows."""

    kind: str
    name: str
    counted: int
    says: int | None
    """None: it could not be read."""
    problem: str = ""
    """Why the two do not agree, or were not compared; empty where they agree."""
    source: str = ""

    @property
    def called(self) -> str:
        """What it is called beside the kinds: `orders.shown`."""
        return f"{self.kind}.{self.name}"


Count = Callable[[Found], int]
_NOTHING: Mapping[str, str | Column | int | None] = {}
_NAMED = 12
"""So many columns of a row that lacks the right one are named."""


def compile_counter(
    counter: Counter, where: str, named: Mapping[str, str | Column | int | None] = _NOTHING
) -> tuple[Callable[[list[Raw]], int], Count]:
    """How the shop's number is read out of what came, and how ours is counted. Raises UsageError.

    `named` is the `row:` of the kind that it shares its rows with (`same:`): a column by our name for it is that one.
    """
    known = named.get(counter.value, counter.value)
    if known is None or isinstance(known, int):
        said = "left out" if known is None else f"always {known}"
        raise UsageError(f'"{counter.value}" is {said} there: the shop says no such number', where=f"{where}.value")
    path = known.from_ if isinstance(known, Column) else known
    look = compile_column(path, f"{where}.value")

    def says(rows: list[Raw]) -> int:
        if not rows:
            raise ReadError("there is no number in an empty list")
        total = 0
        for row in rows:
            value = look(row)
            if value is None:
                there = ", ".join(one_line(str(name)) for name in list(row)[:_NAMED]) or "nothing"
                raise ReadError(f"{path}: is not there (what is there: {there})")
            try:
                total += values.whole(value)
            except (ValueError, ArithmeticError) as error:
                raise ReadError(f"{path}: {error}") from error
        return total

    states = frozenset(counter.states)

    def counted(found: Found) -> int:
        rows = [row for row in found.rows if not states or getattr(row, "state", None) in states]
        if counter.sum is None:
            return len(rows)
        numbers = [getattr(row, counter.sum) for row in rows]
        if None in numbers:
            raise ReadError(f"{numbers.count(None)} of the counted rows do not say their {counter.sum}")
        return sum(numbers)

    return says, counted


def check_counter(counter: Counter, columns: tuple[str, ...], where: str) -> None:
    """UsageError where what is to be summed up is no number of these rows."""
    if counter.sum is not None and counter.sum not in columns:
        hint = did_you_mean(counter.sum, columns) or f"one of {', '.join(columns)}"
        raise UsageError(f'there is no number "{counter.sum}" to sum up', where=f"{where}.sum", hint=hint)


def compare(
    kind: str,
    name: str,
    counter: tuple[Callable[[list[Raw]], int], Count],
    reading: Reading,
    found: Found,
    source: str,
) -> Tally:
    """A counter beside its rows."""
    says, count = counter
    said: int | None = None
    counted = 0
    try:
        if reading.problem:
            raise ReadError(reading.problem)
        said = says(reading.rows)
        counted = count(found)
        problem = "" if said == counted else f"the shop's counter says {said:,}, its rows are {counted:,}"
        if found.problem:
            problem = also(problem, f"{kind} were not read whole")
    except ReadError as error:
        problem = f"cannot be compared: {error}"
    return Tally(kind=kind, name=name, counted=counted, says=said, problem=problem, source=source)


def doubts(tallies: list[Tally]) -> dict[str, str]:
    """Kind → why it is not to be believed, for what the counters and the rows say of each other."""
    found: dict[str, str] = {}
    for tally in tallies:
        if not tally.problem:
            continue
        low = tally.says is not None and tally.says < tally.counted
        doubted = "stock" if low else tally.kind
        found[doubted] = also(found.get(doubted, ""), f"{tally.called}: {tally.problem}")
    return found


def doubted(found: Mapping[str, Found], tallies: list[Tally]) -> dict[str, Found]:
    """The readings, with what the counters say against them."""
    against = doubts(tallies)
    return {
        kind: msgspec.structs.replace(reading, problem=also(reading.problem, against[kind]))
        if kind in against
        else reading
        for kind, reading in found.items()
    }

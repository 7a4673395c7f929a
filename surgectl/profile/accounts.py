"""People that a shop knows already, out of a table of its customers: the fan with number f is row f.

A million rows are held as one text and the places where its cells end: a cell takes its own bytes and four more.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

from surgectl.errors import UsageError, did_you_mean
from surgectl.profile.check_target import COLUMN, SECRET
from surgectl.profile.substitute import SHORTEST_SECRET
from surgectl.profile.table import MARK_BYTES, Laid, TableError, read_table
from surgectl.profile.target import FanData

ACCOUNT = "account"
"""What a fan's row is called among its variables: `{account.email}`."""
_MOST_BYTES = 2**32 - 1


class Accounts:
    """The rows of one shard, or of all. `of(fan)` is the same whoever asks, and however the fans are shared out."""

    __slots__ = ("_columns", "_ends", "_every", "_first", "_text", "link", "reuse", "secret")

    def __init__(
        self,
        columns: tuple[str, ...],
        text: bytes,
        ends: array[int],
        *,
        link: tuple[str, ...] = (),
        secret: tuple[str, ...] = (),
        reuse: bool = False,
        first: int = 0,
        every: int = 1,
    ) -> None:
        """`text`: all cells in UTF-8, row by row; `ends`: where each ends. Held are rows `first`, `first + every` …"""
        self._columns = columns
        self._text = text
        self._ends = ends
        self.link = link
        """Columns that a ledger's row is known by."""
        self.secret = secret
        self.reuse = reuse
        self._first = first
        self._every = every

    def __repr__(self) -> str:
        return f"<Accounts: {len(self)} rows of {', '.join(self._columns)}>"

    def __len__(self) -> int:
        return len(self._ends) // len(self._columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """What `{account.…}` may name."""
        return self._columns

    def of(self, fan: int) -> dict[str, str]:
        """The row of a fan. IndexError where there is none: `check_enough` comes first."""
        row = fan % len(self) if self.reuse else (fan - self._first) // self._every
        if row < 0:
            raise IndexError(f"no row for fan {fan}")
        width = len(self._columns)
        cells = range(row * width, row * width + width)
        return {name: self._cell(cell) for name, cell in zip(self._columns, cells, strict=True)}

    def links_of(self, row: dict[str, str]) -> dict[str, str]:
        """What a ledger's row may name this fan by, as the recording has it."""
        return {f"{ACCOUNT}.{name}": row[name] for name in self.link}

    def shard(self, shard: int, of: int) -> Accounts:
        """What one of several workers needs: the rows of its own fans."""
        if self.reuse or of == 1:
            return self
        width, ends, text = len(self._columns), array("I"), bytearray()
        for row in range(shard, len(self), of):
            for cell in range(row * width, row * width + width):
                text += self._text[self._start(cell) : self._ends[cell]]
                ends.append(len(text))
        return Accounts(self._columns, bytes(text), ends, link=self.link, secret=self.secret, first=shard, every=of)

    def first_rows(self, fans: int) -> Accounts:
        """Without the rows that nobody would ever be."""
        if fans >= len(self):
            return self
        ends = self._ends[: fans * len(self._columns)]
        text = self._text[: ends[-1] if ends else 0]
        return Accounts(self._columns, text, ends, link=self.link, secret=self.secret, reuse=self.reuse)

    def secrets(self) -> Iterator[str]:
        """Every cell that must stand nowhere."""
        for name in self.secret:
            yield from self.cells(name)

    def cells(self, name: str) -> Iterator[str]:
        """A column from top to bottom."""
        for cell in range(self._columns.index(name), len(self._ends), len(self._columns)):
            yield self._cell(cell)

    def _cell(self, cell: int) -> str:
        return self._text[self._start(cell) : self._ends[cell]].decode()

    def _start(self, cell: int) -> int:
        return self._ends[cell - 1] if cell else 0


def read_accounts(data: FanData, folder: Path, where: str) -> Accounts:
    """All rows of the file. UsageError at `where` + the key, or at the file's line, where it cannot be meant."""
    file = folder / data.csv
    text, ends, lines = bytearray(), array("I"), array("L")
    columns: list[str] = []

    def begun(headings: list[str]) -> Laid:
        columns.extend(_names(data, headings, where))

        def laid(line: int, cells: list[str]) -> None:
            for cell in cells:
                text.extend(cell.encode())
                ends.append(len(text))
            lines.append(line)
            if len(text) > _MOST_BYTES - 2**28:
                raise TableError(f"{file.name}:{line}: more than 4 GB")

        return laid

    try:
        with file.open("rb") as start:
            head = start.read(MARK_BYTES)
        read_table(lambda encoding: file.open(encoding=encoding, newline=""), head, file.name, data, begun)
    except TableError as error:
        raise UsageError(str(error), where=f"{where}.csv") from error
    except (OSError, UnicodeEncodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "half a character in it"
        hint = None if file.is_file() else "it is looked for in the target's folder"
        raise UsageError(f"{data.csv}: {why}", where=f"{where}.csv", hint=hint) from error
    secret = tuple(name for name in columns if name in data.secret or SECRET.search(name))
    accounts = Accounts(tuple(columns), bytes(text), ends, link=tuple(data.link), secret=secret, reuse=data.reuse)
    if not len(accounts):
        raise UsageError(f"{file.name}: has a heading, and nobody under it", where=f"{where}.csv")
    _check_links(accounts, lines, file.name, where)
    return accounts


def check_enough(accounts: Accounts, fans: int, where: str) -> None:
    """UsageError where some fans would have no account of their own."""
    if fans > len(accounts) and not accounts.reuse:
        raise UsageError(
            f"{fans:,} fans come, and the file has {len(accounts):,} rows",
            where=where,
            hint="fewer fans, more rows, or reuse: true",
        )


def _names(data: FanData, headings: list[str], where: str) -> list[str]:
    """What each column is called among the variables."""
    for name, heading in data.row.items():
        if heading not in headings:
            hint = did_you_mean(heading, headings) or f"there are {', '.join(headings)}"
            raise UsageError(f'no column is headed "{heading}"', where=f"{where}.row.{name}", hint=hint)
    ours = {heading: name for name, heading in data.row.items()}
    names = [ours.get(heading, heading) for heading in headings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f'two columns are called "{twice[0]}"', where=f"{where}.row")
    for key in ("secret", "link"):
        for number, name in enumerate(getattr(data, key)):
            if name not in names:
                known = [name for name in names if COLUMN.fullmatch(name)]
                hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
                raise UsageError(f'there is no column "{name}"', where=f"{where}.{key}[{number}]", hint=hint)
    return names


def _check_links(accounts: Accounts, lines: array[int], file: str, where: str) -> None:
    """What links must tell fans apart, and must be allowed to stand in a recording."""
    for number, name in enumerate(accounts.link):
        at = f"{where}.link[{number}]"
        seen: set[str] = set()
        for line, value in zip(lines, accounts.cells(name), strict=True):
            folded = value.lower() if "@" in value else value  # as recording/links.py compares them
            if not folded.strip():
                raise UsageError(f"{file}:{line}: has no {name}, and {name} is to link its fan", where=at)
            if folded in seen:
                first = next(
                    line
                    for line, other in zip(lines, accounts.cells(name), strict=True)
                    if (other.lower() if "@" in other else other) == folded
                )
                what = f"{file}:{line}: the {name} of line {first} again, and {name} is to tell fans apart"
                raise UsageError(what, where=at, hint="one row for each account, or leave it out of link")
            seen.add(folded)
        for secret in accounts.secret:
            pairs = zip(lines, accounts.cells(name), accounts.cells(secret), strict=True)
            for line, value, hidden in pairs:
                if len(hidden) >= SHORTEST_SECRET and hidden in value:
                    what = f"{file}:{line}: its {secret} stands in its {name}, which the recording must show"
                    raise UsageError(what, where=at, hint=f"another {secret} for that account")

"""Where one sits: anywhere on the floor, or on a numbered seat in a row of a block."""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from surgectl.stage.boxoffice.options import Options

SEATS_IN_A_ROW = 20
_LABEL = re.compile(r"([A-Z]{1,3})-(\d{1,3})-(\d{2})")


class Seating(Protocol):
    """Turns the number of a seat in the books (from 1) into what stands on the ticket, and back."""

    def label(self, n: int) -> str: ...

    def number(self, label: str) -> int | None:
        """None: there is no such seat here."""
        ...


def seating_of(options: Options) -> GeneralAdmission | SeatMap:
    """What is put up in the hall of this sale."""
    return SeatMap(options.capacity, options.rows) if options.seating == "map" else GeneralAdmission(options.sku)


class GeneralAdmission:
    """One floor, no places: the label only counts."""

    def __init__(self, sku: str) -> None:
        self._sku = sku

    def label(self, n: int) -> str:
        """floor-00042"""
        return f"{self._sku}-{n:05d}"

    def number(self, label: str) -> int | None:
        """Nobody chooses a place on the floor."""
        return None


class Block(msgspec.Struct, frozen=True):
    """Some rows of the hall: seats `first` to `last` of the books, `SEATS_IN_A_ROW` to a row."""

    name: str
    first: int
    last: int


class SeatMap:
    """A hall of `capacity` numbered seats in blocks A, B, C … of `rows` rows; only the very last row may be short."""

    def __init__(self, capacity: int, rows: int) -> None:
        self._in_a_block = rows * SEATS_IN_A_ROW
        self.capacity = capacity
        self.blocks = tuple(
            Block(_letters(index), first, min(capacity, first + self._in_a_block - 1))
            for index, first in enumerate(range(1, capacity + 1, self._in_a_block))
        )
        self._by_name = {block.name: block for block in self.blocks}

    def block(self, name: str) -> Block | None:
        return self._by_name.get(name)

    def label(self, n: int) -> str:
        """A-1-07: block, row, seat."""
        index, within = divmod(n - 1, self._in_a_block)
        row, seat = divmod(within, SEATS_IN_A_ROW)
        return f"{self.blocks[index].name}-{row + 1}-{seat + 1:02d}"

    def number(self, label: str) -> int | None:
        found = _LABEL.fullmatch(label)
        block = self._by_name.get(found[1]) if found else None
        if found is None or block is None:
            return None
        row, seat = int(found[2]), int(found[3])
        n = block.first + (row - 1) * SEATS_IN_A_ROW + seat - 1
        # Read back: seat 21 of row 1 must not become seat 1 of row 2, nor may a zero before the row pass.
        return n if block.first <= n <= block.last and self.label(n) == label else None

    def rows(self, block: Block) -> list[range]:
        """The numbers of each row's seats, from row 1."""
        return [
            range(first, min(block.last, first + SEATS_IN_A_ROW - 1) + 1)
            for first in range(block.first, block.last + 1, SEATS_IN_A_ROW)
        ]


def _letters(index: int) -> str:
    """A, B … Z, AA, AB …: as columns of a table are named."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(ord("A") + letter) + name
    return name

"""What came of asking an authority for its rows: the rows, and whatever speaks against believing that they are all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from surgectl.errors import SurgectlError
from surgectl.recording.evidence_rows import _Row as EvidenceRow

Raw = dict[str, Any]
"""A row as the authority wrote it."""

MOST_ROWS = 2_000_000
MOST_PAGES = 20_000
"""Bounds on one source: a shop that pages for ever must not hold up the audit for ever."""


class ReadError(SurgectlError):
    """A source could not be read. Never ends a run: its kind becomes incomplete, and the text says why."""

    exit_code = 12


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The raw rows of one source."""

    rows: list[Raw] = []
    declared: int | None = None
    """How many rows the source itself says there are."""
    cut_at: int | None = None
    """Their number, where it is one that lists are cut off at, and the source does not say how many there are."""
    problem: str = ""
    """Why these are not all of them; empty where they are."""
    lines: list[int] = []
    """Of a file: the line of each row. Empty: a row's place is its number, from 1."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one kind, in the fixed shape. Incomplete where `problem` says anything."""

    kind: str
    rows: list[EvidenceRow] = []
    declared: int | None = None
    cut_at: int | None = None
    problem: str = ""
    source: str = ""
    """Where they were read, for a person: `http /api/orders`."""
    places: list[int] = []
    """Where each row stands there: the line of a file, else the number of the row in the list. One each, or none."""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a reader waits for one answer, and how often it asks again. Reads only: asking twice changes nothing."""

    timeout_ns: int = 30_000_000_000
    tries: int = 4
    backoff_ns: int = 250_000_000
    """Before the second try; doubles each time."""
    whole_ns: int = 300_000_000_000
    """For a whole source, all pages."""


PATIENT = Patience()
LIGHT = Patience(timeout_ns=3_000_000_000, tries=1, whole_ns=10_000_000_000)
"""For looks while the sale is on: one try, and the next look comes anyway."""

Redact = Callable[[str], str]


_CUTS = frozenset({10, 15, 20, 24, 25, 30, 40, 50, 60, 75, 100, 120, 150, 200, 250, 300, 400, 500, 750, 1500, 2500})


SHORTEST_EXPORT = 500
"""Pages end after 20; whoever writes a file cuts it off, if at all, where it has grown long."""


def cut_at(rows: int, *, least: int = 1) -> int | None:
    """The number of rows where lists are often cut off at it: 20, 50, 1,000. Only what is missing speaks of it."""
    return rows if rows >= least and (rows in _CUTS or rows % 1000 == 0) else None


def unredacted(text: str) -> str:
    """For callers without secrets."""
    return text


def also(*problems: str) -> str:
    """Several problems as one line."""
    return "; ".join(problem for problem in problems if problem)

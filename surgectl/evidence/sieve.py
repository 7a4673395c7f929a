"""Which rows of a source are meant: those that a condition holds for, and of several about one thing the last.

A shop that writes down what happens (a new row for every change of an order, a copy before every change) lists an order
more than once, and none of these rows is wrong: the last one is true. A list may also hold what is nobody's purchase:
the parent of a split order, a test, a fee, money that went the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from surgectl.evidence.look import Look, compile_column, compile_path
from surgectl.evidence.reading import Raw, ReadError
from surgectl.recording.evidence_rows import ChargeRow, HoldRow, OrderRow, RefundRow, TicketRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow

Wanted = Callable[[Raw], bool]
Rank = Callable[[Raw], Any]
Ranked = tuple[EvidenceRow, int, Any]
"""A row, its place in the source, and its rank there."""


def compile_where(path: str | None, where: str) -> Wanted:
    """A JMESPath that is true of the rows that are meant (jmespath.org/specification, Or Expressions: what is false).

    Raises UsageError; the closure ReadError where a row defeats it.
    """
    if path is None:
        return lambda raw: True
    look = compile_path(path, where)

    def wanted(raw: Raw) -> bool:
        value = look(raw)
        return not (value is None or value is False or (isinstance(value, str | list | dict) and not value))

    return wanted


def compile_rank(path: str | None, where: str) -> Rank | None:
    """Where a row says which of several about one thing it is: a number, or words that sort. Raises UsageError."""
    if path is None:
        return None
    look: Look = compile_column(path, where)

    def rank(raw: Raw) -> Any:
        value = look(raw)
        if value is None or value == "":
            raise ReadError(f"{path}: is not there to say which row is the last")
        if isinstance(value, str):
            digits = value.strip()
            return Decimal(digits) if digits.isascii() and digits.isdecimal() else value
        if isinstance(value, bool) or isinstance(value, list | dict):
            raise ReadError(f"{path}: {value!r:.60} does not say which row is the last")
        return value

    return rank


def named(row: EvidenceRow) -> str | None:
    """What a row is about; None for rows that stand for themselves."""
    match row:
        case OrderRow(order=name) | ChargeRow(charge=name) | RefundRow(refund=name) | HoldRow(hold=name):
            return name
        case TicketRow():
            return f"{row.ticket} of order {row.order}"
    return None


def last_of_each(rows: Iterable[Ranked]) -> list[Ranked]:
    """Of rows about one thing those of the highest rank, in the order of the source: one, unless two claim to be it.

    ReadError where ranks cannot be compared.
    """
    found = list(rows)
    highest: dict[str, Any] = {}
    try:
        for row, _, rank in found:
            name = named(row)
            if name is not None and (name not in highest or rank > highest[name]):
                highest[name] = rank
    except TypeError as error:
        raise ReadError("the ranks of `latest` are not of one kind: numbers, or instants") from error
    return [each for each in found if (name := named(each[0])) is None or each[2] == highest[name]]

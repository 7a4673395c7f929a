"""Put a stranger's row into our fixed shape, exactly as the target says, or say why it cannot be.

`row:` names where each column comes from; a column of the same name needs no word. `states:` translates states, and a
state that it does not know is an error: to guess would be to convict, or to acquit, by chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import msgspec

from surgectl.errors import UsageError
from surgectl.evidence import values
from surgectl.evidence.look import Look, compile_column
from surgectl.evidence.reading import Raw, ReadError
from surgectl.profile.source import Column, Each, Source
from surgectl.recording.evidence_rows import KINDS
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.recording.sense import nonsense
from surgectl.text import cut

Mapping = Callable[[Raw], list[EvidenceRow]]
"""A raw row → our rows (several with `each:`). MappingError where it cannot be mapped."""

Field = Callable[[Raw], Any]

# The bold columns of the language: a row without one of them says nothing.
_NEEDED = {
    "orders": {"order", "state"},
    "tickets": {"ticket", "order", "state"},
    "holds": {"hold", "state"},
    "stock": {"capacity", "available"},
    "charges": {"charge", "captured_minor", "currency"},
    "refunds": {"refund", "charge", "amount_minor"},
    "webhooks": {"event", "type"},
}
_ID = {"orders": "order", "tickets": "ticket", "holds": "hold", "charges": "charge", "refunds": "refund"}
_OURS = frozenset({"source", "line", "place", "keys", "snapshot"})
_WHOLE = frozenset({"qty", "capacity", "available", "held", "sold", "pending", "status", "number", "delivery"})
_LISTS = frozenset({"payments"})
_REFERENCE = re.compile(r"(.+?)\s*->\s*([\w.]+)\s*")
_MOST_OF_A_REASON = 500
# Kinds whose states mean the same, so that `same: orders` need not repeat them.
SAME_STATES = frozenset({"orders", "tickets"})


_WAY_OUT = "; the source calls a column so: say in `row:` where {column} stands, or `{column}: null`"
"""What to do about a column that nobody mapped, and that cannot be read."""


class MappingError(ValueError):
    """A row that cannot be put into our shape. Its text names the column."""


def compile_mapping(kind: str, source: Source, where: str, *, keys: list[str] | None = None) -> Mapping:
    """The mapping of one source. `keys` stand in where the target gives no `key:`. Raises UsageError."""
    row_type = KINDS[kind]
    needed = _NEEDED.get(kind, set())
    fields: dict[str, Field] = {}
    monies: dict[str, Callable[[Raw], tuple[int, str | None] | None]] = {}
    for field in msgspec.structs.fields(row_type):
        name, column = field.name, _column_of(field.name)
        if name in _OURS:
            continue
        spec, at = source.row.get(column), f"{where}.row.{column}"
        look = _look(name, column, spec, at, unread=spec is None and column in source.row)
        way_out = "" if column in source.row or name in needed else _WAY_OUT.format(column=column)
        if name.endswith("_minor"):
            monies[name] = _money(look, spec, at, column, way_out)
        else:
            fields[name] = _field(column, look, _convert(row_type, name, spec, source, at), way_out)
    read_keys = compile_keys(source.key or keys or [], f"{where}.key")
    items = _each(source.each, _ID.get(kind), f"{where}.each") if source.each else None
    currency = fields.get("currency")
    says_state = "state" in fields and (bool(source.states) or "state" in source.row)

    def make(raw: Raw) -> EvidenceRow:
        cells: dict[str, Any] = {name: read(raw) for name, read in fields.items()}
        named = {code for name, read in monies.items() if (code := _pay(cells, name, read(raw))) is not None}
        if currency is not None:
            if cells["currency"] is not None:
                named.add(cells["currency"])
            if len(named) > 1:
                raise MappingError(f"currency: {' and '.join(sorted(named))} in one row")
            cells["currency"] = min(named, default=None)
        for name in needed:
            if cells[name] is None:
                raise MappingError(f"{_column_of(name)}: is not there")
        if says_state and cells["state"] is None:
            # Silence is not "succeeded": the source has a state, and this row does not say which.
            raise MappingError("state: is not there")
        # What the row does not say keeps the shape's own default.
        kept = {name: value for name, value in cells.items() if value is not None}
        row = row_type(**kept, keys=read_keys(raw))
        if why := nonsense(row):
            raise MappingError(why)
        return row

    def mapping(raw: Raw) -> list[EvidenceRow]:
        try:
            return [make(part) for part in (items(raw) if items else [raw])]
        except (ReadError, ValueError, ArithmeticError, TypeError) as error:
            raise MappingError(cut(str(error), _MOST_OF_A_REASON)) from error

    return mapping


def _column_of(field: str) -> str:
    """A field's name in a target: money without `_minor`, instants without `_s`."""
    return field.removesuffix("_minor").removesuffix("_s")


def _look(name: str, column: str, spec: str | Column | int | None, where: str, *, unread: bool = False) -> Look:
    if unread:
        return lambda raw: None
    if isinstance(spec, int):
        return lambda raw: spec
    if spec is None:
        return lambda raw: raw.get(name) if name in raw else raw.get(column)
    return compile_column(spec.from_ if isinstance(spec, Column) else spec, where)


def _money(
    look: Look, spec: str | Column | int | None, where: str, column: str, way_out: str
) -> Callable[[Raw], tuple[int, str | None] | None]:
    convert = values.compile_money(spec.money, where) if isinstance(spec, Column) and spec.money else None

    def read(raw: Raw) -> tuple[int, str | None] | None:
        value = look(raw)
        if value is None or value == "":
            return None
        try:
            return convert(value, raw) if convert else (values.minor(value), None)
        except (ReadError, ValueError, ArithmeticError) as error:
            raise MappingError(f"{column}: {error}{way_out}") from error

    return read


def _pay(cells: dict[str, Any], name: str, money: tuple[int, str | None] | None) -> str | None:
    """Lay an amount into the row; its currency, where it has one."""
    cells[name], code = money if money else (None, None)
    return code


def _field(column: str, look: Look, convert: Callable[[Any], Any], way_out: str) -> Field:
    def read(raw: Raw) -> Any:
        value = look(raw)
        if value is None or value == "":
            return None
        try:
            return convert(value)
        except (ReadError, ValueError, ArithmeticError) as error:
            raise MappingError(f"{column}: {error}{way_out}") from error

    return read


def _convert(
    row_type: type[EvidenceRow], name: str, spec: str | Column | int | None, source: Source, where: str
) -> Callable[[Any], Any]:
    if isinstance(spec, Column) and spec.money:
        raise UsageError("is not money", where=where)
    if name.endswith("_s"):
        unit = spec.unit if isinstance(spec, Column) else None
        return lambda value: values.instant_s(value, unit)
    if isinstance(spec, Column) and spec.unit:
        raise UsageError("is not an instant, so it has no unit", where=where)
    if name == "state":
        return _states(source.states or {word: [word] for word in get_args(get_type_hints(row_type)[name])})
    if name == "signature":
        return _signature
    if name == "currency":
        return values.code
    if name in _WHOLE:
        return values.whole
    if name in _LISTS:
        return values.words
    return values.word


_SIGNATURES = {"good": "good", "true": "good", "bad": "bad", "false": "bad"}


def _signature(value: Any) -> str:
    """`good` or `bad`, also as true or false. Anything else is an error: nobody is forged by chance."""
    text = values.word(value).lower()
    if text not in _SIGNATURES:
        raise ValueError(f'"{text}" is neither good nor bad')
    return _SIGNATURES[text]


def _states(states: dict[str, list[str]]) -> Callable[[Any], str]:
    ours = {word: state for state, known in states.items() for word in known}

    def read(value: Any) -> str:
        text = values.word(value)
        if text not in ours:
            raise ValueError(f'"{text}" is none of the target\'s states (known: {", ".join(ours)})')
        return ours[text]

    return read


def compile_keys(paths: list[str], where: str) -> Callable[[Raw], list[str]]:
    """`key:` entries → the values they find in a row, in their order, each once.

    `path -> orders.order` finds the id of an order: kept as `orders.order=VALUE`, for the audit to follow.
    """
    looks: list[tuple[str, Look]] = []
    for number, path in enumerate(paths):
        at = f"{where}[{number}]"
        reference = _REFERENCE.fullmatch(path)
        if reference and reference[2] != "orders.order":
            raise UsageError(f'cannot follow "-> {reference[2]}"', where=at, hint="try -> orders.order")
        looks.append(("orders.order=" if reference else "", compile_column(reference[1] if reference else path, at)))

    def read(raw: Raw) -> list[str]:
        found: dict[str, None] = {}
        for prefix, look in looks:
            value = look(raw)
            if value is None or value == "" or isinstance(value, dict):
                continue
            found.update(dict.fromkeys(prefix + text for text in values.words(value)))
        return list(found)

    return read


def _each(each: Each, id_column: str | None, where: str) -> Callable[[Raw], list[Raw]]:
    """One raw row per item. The item's own columns come first; the item itself is `each`, its place `each_at`."""
    look = compile_column(each.from_, f"{where}.from")

    def items(raw: Raw) -> list[Raw]:
        value = look(raw)
        if value is None or value == "":
            return []
        if isinstance(value, str) and each.split is not None:
            value = [part.strip() for part in value.split(each.split) if part.strip()]
        if not isinstance(value, list | tuple):
            raise MappingError(f"{each.from_}: is no list (say split: for text)")
        rows = []
        for at, item in enumerate(value):
            own = item if isinstance(item, dict) else ({id_column: item} if id_column else {})
            rows.append({**raw, **own, "each": item, "each_at": at})
        return rows

    return items

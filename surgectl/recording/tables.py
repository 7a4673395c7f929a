"""Every row of a recording has a place in one of these tables, whether it comes from a file or from a test.

A table is a list of named, typed columns (Arrow types); `file` and `line` always say where the row was written down.
The SQL that joins them stands in links.py and relations.py, the prose in docs/recording.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pyarrow as pa

from surgectl.recording import evidence_rows as evidence
from surgectl.recording import rows

Cells = tuple[Any, ...]

_TEXT = pa.string()
_INT = pa.int64()
_REAL = pa.float64()
_BOOL = pa.bool_()
_TEXTS = pa.list_(pa.string())
_COUNTS = pa.map_(pa.string(), pa.int64())

WHERE = {"file": _TEXT, "line": _INT}
CLAIMS = {
    "order_id": _TEXT,
    "amount_minor": _INT,
    "currency": _TEXT,
    "qty": _INT,
    "seats": _TEXTS,
    "tickets": _TEXTS,
    "position": _INT,
    "wait_s": _REAL,
    "claims": _TEXT,
}
_FOUND = {"keys": _TEXTS, "at_s": _REAL, "source": _TEXT, "place": _INT}

TABLES: dict[str, dict[str, Any]] = {
    "intents": {
        "intent": _TEXT,
        "fan": _INT,
        "profile": _TEXT,
        "phase": _TEXT,
        "qty": _INT,
        "price_minor": _INT,
        "currency": _TEXT,
        "due_ns": _INT,
        "at_ns": _INT,
    },
    "mints": {"intent": _TEXT, "name": _TEXT, "value": _TEXT, "at_ns": _INT},
    "invokes": {
        "attempt": _TEXT,
        "intent": _TEXT,
        "tab": _INT,
        "op": _INT,
        "try": _INT,
        "step": _TEXT,
        "role": _TEXT,
        "poll": _BOOL,
        "double": _BOOL,
        "method": _TEXT,
        "key": _TEXT,
        "body": _TEXT,
        "due_ns": _INT,
        "at_ns": _INT,
    },
    "dones": {
        "attempt": _TEXT,
        "outcome": _TEXT,
        "why": _TEXT,
        "then": _TEXT,
        "sent_ns": _INT,
        "done_ns": _INT,
        "status": _INT,
        "size": _INT,
        "detail": _TEXT,
        **CLAIMS,
    },
    "tolds": {
        "intent": _TEXT,
        "tab": _INT,
        "op": _INT,
        "step": _TEXT,
        "role": _TEXT,
        "outcome": _TEXT,
        "end": _TEXT,
        "at_ns": _INT,
        "status_read": _BOOL,
        **CLAIMS,
    },
    "lefts": {"intent": _TEXT, "tab": _INT, "end": _TEXT, "outcome": _TEXT, "at_ns": _INT},
    "dropped": {"fan": _INT, "due_ns": _INT, "at_ns": _INT, "why": _TEXT},
    "probes": {
        "step": _TEXT,
        "due_ns": _INT,
        "sent_ns": _INT,
        "done_ns": _INT,
        "outcome": _TEXT,
        "status": _INT,
        "why": _TEXT,
    },
    "faults": {
        "fault": _TEXT,
        "event": _TEXT,
        "at_ns": _INT,
        "link": _TEXT,
        "brownout": _TEXT,
        "detail": _TEXT,
        "observed": _COUNTS,
    },
    "notes": {"at_ns": _INT, "kind": _TEXT, "text": _TEXT},
    "vitals": {
        "at_ns": _INT,
        "lag_ns": _INT,
        "cpu": _REAL,
        "machine_cpu": _REAL,
        "fans": _INT,
        "in_flight": _INT,
        "sockets": _INT,
        "rss_bytes": _INT,
        "arrival_lag_ns": _INT,
    },
    "orders": {
        "order_id": _TEXT,
        "state": _TEXT,
        "qty": _INT,
        "amount_minor": _INT,
        "currency": _TEXT,
        "identity": _TEXT,
        "key": _TEXT,
        "payments": _TEXTS,
        "ended_s": _REAL,
        **_FOUND,
    },
    "tickets": {"ticket": _TEXT, "order_id": _TEXT, "state": _TEXT, "seat": _TEXT, **_FOUND},
    "holds": {"hold": _TEXT, "state": _TEXT, "qty": _INT, "expires_s": _REAL, "ended_s": _REAL, **_FOUND},
    "stock": {
        "capacity": _INT,
        "available": _INT,
        "held": _INT,
        "sold": _INT,
        "pending": _INT,
        "snapshot": _INT,
        **_FOUND,
    },
    "charges": {
        "charge": _TEXT,
        "captured_minor": _INT,
        "currency": _TEXT,
        "authorised_minor": _INT,
        "refunded_minor": _INT,
        "voided_minor": _INT,
        "key": _TEXT,
        "state": _TEXT,
        "payment": _TEXT,
        **_FOUND,
    },
    "refunds": {"refund": _TEXT, "charge": _TEXT, "amount_minor": _INT, "state": _TEXT, **_FOUND},
    "requests": {"payment": _TEXT, "key": _TEXT, "status": _INT, "method": _TEXT, "body": _TEXT, **_FOUND},
    "webhooks": {
        "event": _TEXT,
        "type": _TEXT,
        "payment": _TEXT,
        "number": _INT,
        "created_s": _REAL,
        "delivery": _INT,
        "signature": _TEXT,
        "status": _INT,
        **_FOUND,
    },
    "sources": {
        "kind": _TEXT,
        "rows": _INT,
        "complete": _BOOL,
        "stable": _BOOL,
        "declared": _INT,
        "cut_at": _INT,
        "error": _TEXT,
        **_FOUND,
    },
}
TABLES = {name: {**columns, **WHERE} for name, columns in TABLES.items()}


def _intent(row: rows.IntentRow) -> Iterator[tuple[str, Cells]]:
    due_ns, at_ns = row.due_ns, row.at_ns
    yield (
        "intents",
        (row.intent, row.fan, row.profile, row.phase, row.qty, row.price_minor, row.currency, due_ns, at_ns),
    )
    for name, value in row.mint.items():
        yield "mints", (row.intent, name, value, at_ns)


def _mint(row: rows.MintRow) -> Iterator[tuple[str, Cells]]:
    yield "mints", (row.intent, row.name, row.value, row.at_ns)


def _invoke(r: rows.InvokeRow) -> Iterator[tuple[str, Cells]]:
    what = (r.attempt, r.intent, r.tab, r.op, r.try_, r.step, r.role, r.poll, r.double, r.method, r.key, r.body)
    yield "invokes", (*what, r.due_ns, r.at_ns)


def _done(r: rows.DoneRow) -> Iterator[tuple[str, Cells]]:
    seen = (r.attempt, r.outcome, r.why, r.then, r.sent_ns, r.done_ns, r.status, r.size, r.detail)
    yield "dones", seen + claimed(r.claims)


def _told(r: rows.ToldRow) -> Iterator[tuple[str, Cells]]:
    belief = (r.intent, r.tab, r.op, r.step, r.role, r.outcome, r.end, r.at_ns, r.status_read)
    yield "tolds", belief + claimed(r.claims)


def _left(r: rows.LeftRow) -> Iterator[tuple[str, Cells]]:
    yield "lefts", (r.intent, r.tab, r.end, r.outcome, r.at_ns)


def _dropped(r: rows.DroppedRow) -> Iterator[tuple[str, Cells]]:
    yield "dropped", (r.fan, r.due_ns, r.at_ns, r.why)


def _probe(r: rows.ProbeRow) -> Iterator[tuple[str, Cells]]:
    yield "probes", (r.step, r.due_ns, r.sent_ns, r.done_ns, r.outcome, r.status, r.why)


def _fault(r: rows.FaultRow) -> Iterator[tuple[str, Cells]]:
    yield "faults", (r.fault, r.event, r.at_ns, r.link, r.brownout, r.detail, r.observed)


def _note(r: rows.NoteRow) -> Iterator[tuple[str, Cells]]:
    yield "notes", (r.at_ns, r.kind, r.text)


def _by_name(table: str) -> Callable[[Any], Iterator[tuple[str, Cells]]]:
    """For rows whose fields are the columns; `order` is a word of SQL, so that column is `order_id`."""
    fields = ["order" if column == "order_id" else column for column in TABLES[table] if column not in WHERE]

    def cells(row: Any) -> Iterator[tuple[str, Cells]]:
        yield table, tuple([getattr(row, field) for field in fields])

    return cells


_CELLS: dict[type, Callable[[Any], Iterator[tuple[str, Cells]]]] = {
    rows.IntentRow: _intent,
    rows.MintRow: _mint,
    rows.InvokeRow: _invoke,
    rows.DoneRow: _done,
    rows.ToldRow: _told,
    rows.LeftRow: _left,
    rows.DroppedRow: _dropped,
    rows.ProbeRow: _probe,
    rows.FaultRow: _fault,
    rows.NoteRow: _note,
    rows.VitalsRow: _by_name("vitals"),
    **{row_type: _by_name(kind) for kind, row_type in evidence.KINDS.items()},
}

Row = rows.OpRow | rows.ChaosRow | rows.VitalsRow | evidence._Row


def cells_of(row: Row) -> Iterator[tuple[str, Cells]]:
    """The table rows that one recorded row becomes, without `file` and `line`."""
    return _CELLS[type(row)](row)


_NOTHING_CLAIMED: Cells = (None,) * len(CLAIMS)


def claimed(claims: dict[str, Any]) -> Cells:
    """What a shop claimed, in typed columns; a claim of another type stays readable in the `claims` JSON."""
    if not claims:
        return _NOTHING_CLAIMED
    order = claims.get("order")
    return (
        None if order is None else str(order),
        _whole(claims.get("amount_minor")),
        _text(claims.get("currency")),
        _whole(claims.get("qty")),
        _list(claims.get("seats")),
        _list(claims.get("tickets")),
        _whole(claims.get("position")),
        _real(claims.get("wait_s")),
        msgspec.json.encode(claims).decode(),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _whole(value: object) -> int | None:
    """A whole number of 64 bits, also where the shop wrote it as text; anything else is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) < 20 and value.strip().lstrip("-").isdecimal():
        value = int(value)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None


def _real(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _list(value: object) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    return [str(value)]


def schema(table: str) -> Any:
    """The Arrow schema of a table."""
    return pa.schema(list(TABLES[table].items()))


def arrow(table: str, collected: list[Cells]) -> Any:
    """Rows of one table (with `file` and `line` as their last cells) as an Arrow table."""
    columns = TABLES[table]
    if not collected:
        return schema(table).empty_table()
    arrays = [
        pa.array(cells, type=kind) for cells, kind in zip(zip(*collected, strict=True), columns.values(), strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema(table))

"""Five million attempts without writing a line of them: the tables of a recording, made where they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from benchmarks.recorded_sale import FAULT_S, LASTS_S, S, first_page
from surgectl.recording.manifest import Manifest
from surgectl.recording.parquet import DONES, INVOKES
from surgectl.recording.relations import MEMORY, Relations
from surgectl.recording.rows import FaultRow, VitalsRow
from surgectl.recording.tables import TABLES, arrow, cells_of

FANS, EACH = 1_000_000, 5
_STEPS = "['page', 'join', 'join', 'hold', 'pay']"
_ROLES = "['browse', 'join', 'join', 'hold', 'pay']"

# A fan every 0.57 ms; five sends each, half a second apart; one payment in ten of the brownout gets no answer.
_ATTEMPTS = f"""
SELECT f || '.0.' || k AS attempt, 'i' || f AS intent, 0 AS tab, [1, 2, 2, 3, 4][k] AS op, {_STEPS}[k] AS step,
  {_ROLES}[k] AS role, 1 AS "try", k = 3 AS poll, false AS double, 'POST' AS method, NULL::VARCHAR AS key,
  NULL::VARCHAR AS body, due_ns, due_ns + 400_000 AS at_ns, due_ns + 500_000 AS sent_ns,
  due_ns + CASE WHEN lost THEN 3_000_000_000 ELSE 4_000_000 + took * 300_000_000 END::BIGINT AS done_ns,
  CASE WHEN lost THEN 'info' ELSE 'ok' END AS outcome, CASE WHEN lost THEN 'timeout' ELSE 'next' END AS why,
  CASE WHEN k = 2 THEN 'poll' WHEN k = 5 THEN 'end' ELSE 'next' END AS then,
  CASE WHEN lost THEN NULL ELSE 200 END::BIGINT AS status, 200 AS size
FROM (
  SELECT f, k, at_ns + (k - 1) * 500_000_000 AS due_ns, pow((hash(f * 8 + k) % 10_000) / 10_000.0, 4) AS took,
    k = 5 AND f % 10 = 0 AND at_ns BETWEEN {FAULT_S[0] * S} AND {FAULT_S[1] * S} AS lost
  FROM (SELECT range AS f, (range * {LASTS_S * S * 0.95} / {FANS})::BIGINT AS at_ns FROM range({FANS})),
    (SELECT unnest(range(1, {EACH + 1})) AS k)
)"""
_MADE = {
    "attempts": _ATTEMPTS,
    "intents": """SELECT intent, intent[2:]::BIGINT AS fan, ['patient', 'masher', 'sdk'][1 + intent[2:]::BIGINT % 3]
        AS profile, 'on-sale' AS phase, 1 AS qty, 2500 AS price_minor, 'EUR' AS currency, due_ns, at_ns
      FROM attempts WHERE step = 'page'""",
    "tolds": """SELECT intent, 0 AS tab, op, step, role, outcome, CASE WHEN outcome = 'info' THEN 'unknown'
        WHEN step = 'pay' THEN 'confirmed' ELSE 'next' END AS "end", done_ns + 50_000 AS at_ns, false AS status_read,
        CASE WHEN step = 'pay' THEN 1 END AS qty
      FROM attempts WHERE poll OR step IN ('page', 'hold', 'pay')""",
    "lefts": """SELECT intent, 0 AS tab, "end", outcome, at_ns + 10_000 AS at_ns FROM tolds WHERE step = 'pay'""",
}


@contextmanager
def crowd(folder: Path) -> Iterator[tuple[Manifest, Relations]]:
    """The recording of a million fans: its manifest, and its tables. It has no books: the page is what is looked at."""
    connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder / "aside")})
    small = {
        "faults": [cells for row in _faults() for _, cells in cells_of(row)],
        "vitals": [cells for row in _vitals() for _, cells in cells_of(row)],
    }
    for table in TABLES.keys() - _MADE.keys() - {"invokes", "dones"}:
        connection.register(table, arrow(table, [(*cells, table, 1) for cells in small.get(table, [])]))
    for table, query in _MADE.items():
        wanted = TABLES["invokes"] | TABLES["dones"] if table == "attempts" else TABLES[table]
        here = {name for name, *_ in connection.execute(f"DESCRIBE {query}").fetchall()} | {"file", "line"}
        absent = [name for name in wanted if name not in here]
        nothing = "".join(f", NULL::{_sql(name, str(wanted[name]))} AS {name}" for name in absent)
        lines = "1 AS invoke_line, 1 AS done_line" if table == "attempts" else "1 AS line"
        path = folder / f"{table}.parquet"
        connection.execute(f"COPY (SELECT *{nothing}, '{table}' AS file, {lines} FROM ({query})) TO '{path}'")
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")
    views = f"CREATE VIEW invokes AS {INVOKES}; CREATE VIEW dones AS {DONES}"
    with Relations._open(connection, views) as relations:
        yield _manifest(), relations


def _sql(name: str, kind: str) -> str:
    if name in ("seats", "tickets"):
        return "VARCHAR[]"
    return {"int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}.get(kind, "VARCHAR")


def _faults() -> list[FaultRow]:
    times = (("applied", FAULT_S[0]), ("verified", FAULT_S[0] + 1), ("healed", FAULT_S[1]))
    return [
        FaultRow(fault="0", event=event, at_ns=at_s * S, link="payments", brownout="lost-reply")
        for event, at_s in times
    ]


def _vitals() -> list[VitalsRow]:
    return [VitalsRow(at_ns=second * S, lag_ns=1_200_000 + second % 7 * 90_000, cpu=0.6) for second in range(LASTS_S)]


def _manifest() -> Manifest:
    rehearsal = {
        "surgectl": 1,
        "name": "million",
        "sale": {"tickets": FANS, "price": "25.00 EUR"},
        "load": [{"phase": "on-sale", "rate": f"{FANS // LASTS_S}/s", "for": f"{LASTS_S}s"}],
        "fans": {"patient": "34%", "masher": "33%", "sdk": "33%"},
        "expect": {"thresholds": ["p99(confirm) < 3s", "p95(pay) < 1s during payments"]},
    }
    return first_page(rehearsal, run="crowd", tickets=FANS, fans=FANS, toxicity=0.1)

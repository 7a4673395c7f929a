"""What happened in each second of the run: the lines of every chart, and the table under it."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.audit.books import lay, readings
from surgectl.audit.requests import RECEIVED
from surgectl.recording.relations import Relations

MOST_STEPS = 8
"""Steps with a line of their own: those with most attempts."""
_STEP_NS = 1_000_000_000

# When each intent learnt its fate. The first confirmation decides; a no counts only once every tab has left with one,
# for a fan whose first tab is sold out may yet win in the second. What stays open, or what we cut off, has no fate.
_FATES = """
SELECT intent, won_ns IS NOT NULL AS won, coalesce(won_ns, read_ns, CASE WHEN NOT open THEN last_ns END) AS at_ns
FROM (
  SELECT intent, min(won_ns) AS won_ns, min(read_ns) AS read_ns, max(last_ns) AS last_ns,
    bool_or(open) AS open
  FROM (
    SELECT intent, CASE WHEN "end" = 'confirmed' THEN at_ns END AS won_ns, NULL::BIGINT AS read_ns, at_ns AS last_ns,
      outcome = 'info' OR "end" IN ('accepted', 'cut-off', 'script-error') AS open
    FROM lefts
    UNION ALL
    SELECT intent, CASE WHEN "end" = 'confirmed' THEN at_ns END,
      CASE WHEN status_read AND outcome <> 'info' AND "end" <> 'accepted' THEN at_ns END, NULL, false
    FROM tolds WHERE "end" = 'confirmed' OR status_read
  ) GROUP BY intent
) WHERE coalesce(won_ns, read_ns, CASE WHEN NOT open THEN last_ns END) IS NOT NULL
"""


class OverTime(msgspec.Struct, frozen=True, kw_only=True):
    """One value per second since the run's start, all lists of the same length. Latencies in milliseconds."""

    second: list[int]
    due: list[int]
    """Arrivals planned."""
    arrived: list[int]
    sent: list[int]
    """Attempts, without polls."""
    polls: list[int]
    resolved: list[int]
    """Intents that learnt their fate: confirmed, or told no for good."""
    confirmed: list[int]
    in_doubt: list[int]
    """Attempts without a definite reply."""
    shed: list[int]
    open_intents: list[int]
    """Fans on site at the end of the second."""
    pay_p50_ms: list[float | None]
    pay_p95_ms: list[float | None]
    lag_ms: list[float | None]
    """Our own worst lateness."""
    pay_p99_ms: list[float | None] = []
    """From due, like the two above: what the fan felt, by the second in which it was due."""
    pay_sent_p50_ms: list[float | None] = []
    """From sent: what the shop took."""
    pay_sent_p95_ms: list[float | None] = []
    pay_sent_p99_ms: list[float | None] = []
    steps_p95_ms: dict[str, list[float | None]] = {}
    """Step → from due, of the steps with most attempts."""
    operations: list[int] = []
    """Operations begun: holds, payments and whatever else a fan had to try."""
    operation_sends: list[int] = []
    """Attempts of those operations, whenever they were made; polls are none."""
    payments: list[int] = []
    """Payments of which the provider first heard in this second of its own clock; empty = it gives no log of requests,
    or its clock cannot be put on our axis."""
    payment_posts: list[int] = []
    """POSTs for those payments, whenever they came."""
    cpu: list[float | None] = []
    """Share of its core that our busiest worker used."""


def over_time(relations: Relations, *, started_epoch_s: float = 0.0) -> OverTime:
    """Count the recording by second. `started_epoch_s`: the run's zero on the ledgers' clocks; 0 = not known."""
    (last,) = relations.one(
        """SELECT coalesce(max(ns), 0) FROM (SELECT max(at_ns) AS ns FROM lefts
           UNION ALL SELECT max(done_ns) FROM attempts UNION ALL SELECT max(at_ns) FROM intents
           UNION ALL SELECT max(at_ns) FROM tolds)"""
    )
    seconds = list(range(int(last) // _STEP_NS + 1))

    def count(query: str) -> list[int]:
        found = {int(s): int(n) for s, n in relations.rows(query) if s is not None}
        return [found.get(s, 0) for s in seconds]

    def value(query: str, column: int = 1) -> list[float | None]:
        found = {int(row[0]): row[column] for row in relations.rows(query) if row[0] is not None}
        return [None if found.get(s) is None else round(float(found[s]), 3) for s in seconds]

    fates = relations.rows(f"SELECT at_ns // {_STEP_NS}, count(*), count(*) FILTER (won) FROM ({_FATES}) GROUP BY 1")
    resolved, confirmed = {s: n for s, n, _ in fates}, {s: n for s, _, n in fates}
    # One look at the attempts gives every percentile: with five million of them that is what a page costs.
    took = "quantile_cont((done_ns - {}) / 1e6, [0.5, 0.95, 0.99])"
    pay = relations.rows(
        f"""SELECT due_ns // {_STEP_NS}, {took.format("due_ns")}, {took.format("sent_ns")}
              FROM attempts WHERE role = 'pay' AND NOT poll AND done_ns IS NOT NULL AND sent_ns IS NOT NULL
              GROUP BY 1"""
    )
    paid = {int(second): [*from_due, *from_sent] for second, from_due, from_sent in pay if second is not None}

    def percentile(column: int) -> list[float | None]:
        return [None if s not in paid else round(float(paid[s][column]), 3) for s in seconds]

    operations = {
        int(second): (int(begun), int(sends))
        for second, begun, sends in relations.rows(
            f"""SELECT at_ns // {_STEP_NS}, count(*), sum(sends) FROM (
                  SELECT min(at_ns) AS at_ns, count(*) AS sends FROM invokes WHERE NOT poll AND role <> 'status'
                  GROUP BY intent, tab, op) GROUP BY 1"""
        )
    }
    payments = _asked_of_provider(relations, started_epoch_s)
    arrived = count(f"SELECT at_ns // {_STEP_NS}, count(*) FROM intents GROUP BY 1")
    left = count(
        f"""SELECT s, count(*) FROM (SELECT max(at_ns) // {_STEP_NS} AS s FROM lefts GROUP BY intent) GROUP BY 1"""
    )
    open_now, on_site = 0, []
    for came, went in zip(arrived, left, strict=True):
        open_now += came - went
        on_site.append(open_now)
    return OverTime(
        second=seconds,
        due=count(
            f"""SELECT s, count(*) FROM (SELECT due_ns // {_STEP_NS} AS s FROM intents
                UNION ALL SELECT due_ns // {_STEP_NS} FROM dropped WHERE why <> 'paused') GROUP BY 1"""
        ),
        arrived=arrived,
        sent=count(f"SELECT at_ns // {_STEP_NS}, count(*) FROM invokes WHERE NOT poll AND role <> 'status' GROUP BY 1"),
        polls=count(f"SELECT at_ns // {_STEP_NS}, count(*) FROM invokes WHERE poll AND method <> '' GROUP BY 1"),
        resolved=[resolved.get(s, 0) for s in seconds],
        confirmed=[confirmed.get(s, 0) for s in seconds],
        in_doubt=count(
            f"SELECT done_ns // {_STEP_NS}, count(*) FROM attempts WHERE outcome = 'info' AND NOT poll GROUP BY 1"
        ),
        shed=count(f"SELECT done_ns // {_STEP_NS}, count(*) FROM attempts WHERE why = 'shed' GROUP BY 1"),
        open_intents=on_site,
        pay_p50_ms=percentile(0),
        pay_p95_ms=percentile(1),
        pay_p99_ms=percentile(2),
        pay_sent_p50_ms=percentile(3),
        pay_sent_p95_ms=percentile(4),
        pay_sent_p99_ms=percentile(5),
        steps_p95_ms=_steps(relations, seconds),
        operations=[operations.get(s, (0, 0))[0] for s in seconds],
        operation_sends=[operations.get(s, (0, 0))[1] for s in seconds],
        payments=[] if payments is None else [payments.get(s, (0, 0))[0] for s in seconds],
        payment_posts=[] if payments is None else [payments.get(s, (0, 0))[1] for s in seconds],
        cpu=value(f"SELECT at_ns // {_STEP_NS}, max(cpu) FROM vitals GROUP BY 1"),
        lag_ms=value(f"SELECT at_ns // {_STEP_NS}, max(greatest(lag_ns, arrival_lag_ns)) / 1e6 FROM vitals GROUP BY 1"),
    )


def _steps(relations: Relations, seconds: list[int]) -> dict[str, list[float | None]]:
    """Step → its 95th percentile from due, second by second; the journey's order."""
    names = relations.rows(
        f"""SELECT step FROM (SELECT step, count(*) AS sends, min(op) AS first FROM attempts
              WHERE NOT poll AND sent_ns IS NOT NULL GROUP BY step ORDER BY sends DESC, step LIMIT {MOST_STEPS})
            ORDER BY first, step"""
    )
    found: dict[str, dict[int, float]] = {step: {} for (step,) in names}
    for step, second, p95_ms in relations.rows(
        f"""SELECT step, due_ns // {_STEP_NS}, quantile_cont((done_ns - due_ns) / 1e6, 0.95) FROM attempts
            WHERE NOT poll AND done_ns IS NOT NULL AND sent_ns IS NOT NULL AND list_contains(?, step)
            GROUP BY ALL""",
        [list(found)],
    ):
        found[step][int(second)] = round(float(p95_ms), 3)
    return {step: [values.get(s) for s in seconds] for step, values in found.items()}


def _asked_of_provider(relations: Relations, started_epoch_s: float) -> dict[int, tuple[int, int]] | None:
    """Second → payments first asked for in it, POSTs for them; None where nobody can tell."""
    if not started_epoch_s or "requests" not in readings(relations):
        return None
    lay(relations)
    return {
        int(second): (int(begun), int(posts))
        for second, begun, posts in relations.rows(
            f"""{RECEIVED}, each AS (
                  SELECT min(at_s) AS at_s, count(*) AS posts FROM r WHERE upper(method) = 'POST' AND at_s IS NOT NULL
                  GROUP BY subject)
                SELECT floor(at_s - {started_epoch_s!r})::BIGINT, count(*), sum(posts)::BIGINT FROM each GROUP BY 1"""
        )
    }


def coarser(over: OverTime, step: int) -> OverTime:
    """The same run in steps of `step` seconds: counts summed, latencies the worst second's, `open_intents` the last."""
    if step <= 1:
        return over
    cuts = range(0, len(over.second), step)

    def wide(name: str, values: list[Any]) -> list[Any]:
        parts = [values[i : i + step] for i in cuts] if values else []
        if name == "second":
            return [part[0] for part in parts]
        if name == "open_intents":
            return [part[-1] for part in parts]
        if name.endswith("_ms") or name == "cpu":
            return [max((v for v in part if v is not None), default=None) for part in parts]
        return [sum(part) for part in parts]

    fields: dict[str, Any] = {}
    for name in over.__struct_fields__:
        values = getattr(over, name)
        one_each = isinstance(values, dict)
        fields[name] = {key: wide(name, each) for key, each in values.items()} if one_each else wide(name, values)
    return OverTime(**fields)

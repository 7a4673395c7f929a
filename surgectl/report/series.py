"""What happened in each second of the run: the lines of every chart, and the table under it."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.recording.relations import Relations

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


def over_time(relations: Relations) -> OverTime:
    """Count the recording by second."""
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
    pay = f"""SELECT due_ns // {_STEP_NS}, quantile_cont((done_ns - due_ns) / 1e6, 0.5),
              quantile_cont((done_ns - due_ns) / 1e6, 0.95)
              FROM attempts WHERE role = 'pay' AND NOT poll AND done_ns IS NOT NULL AND sent_ns IS NOT NULL
              GROUP BY 1"""
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
        polls=count(f"SELECT at_ns // {_STEP_NS}, count(*) FROM invokes WHERE poll GROUP BY 1"),
        resolved=[resolved.get(s, 0) for s in seconds],
        confirmed=[confirmed.get(s, 0) for s in seconds],
        in_doubt=count(
            f"SELECT done_ns // {_STEP_NS}, count(*) FROM attempts WHERE outcome = 'info' AND NOT poll GROUP BY 1"
        ),
        shed=count(f"SELECT done_ns // {_STEP_NS}, count(*) FROM attempts WHERE why = 'shed' GROUP BY 1"),
        open_intents=on_site,
        pay_p50_ms=value(pay, 1),
        pay_p95_ms=value(pay, 2),
        lag_ms=value(f"SELECT at_ns // {_STEP_NS}, max(greatest(lag_ns, arrival_lag_ns)) / 1e6 FROM vitals GROUP BY 1"),
    )


def coarser(over: OverTime, step: int) -> OverTime:
    """The same run in steps of `step` seconds: counts summed, latencies the worst second's, `open_intents` the last."""
    if step <= 1:
        return over
    cuts = range(0, len(over.second), step)
    fields: dict[str, list[Any]] = {}
    for name in over.__struct_fields__:
        values = getattr(over, name)
        parts = [values[i : i + step] for i in cuts]
        if name == "second":
            fields[name] = [part[0] for part in parts]
        elif name == "open_intents":
            fields[name] = [part[-1] for part in parts]
        elif name.endswith("_ms"):
            fields[name] = [max((v for v in part if v is not None), default=None) for part in parts]
        else:
            fields[name] = [sum(part) for part in parts]
    return OverTime(**fields)

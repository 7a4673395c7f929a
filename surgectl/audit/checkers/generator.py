"""Our own machine kept up, or says that it did not.

Definition: too many arrivals were dropped, arrivals or our timers ran late beyond the budget, a core was never free, a
worker was lost, or rows of the recording are missing. Then latency, availability and rates say nothing about the shop
(rule R12); ledger invariants stand.
Inputs: arrivals with their due times, dropped arrivals, vitals, attempts without an end.
Settling: none.
Severity: major. Its verdict is pass or unknown, never fail: it is not the shop's fault.
"""

from __future__ import annotations

import math
from typing import Any

from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.stats.percentile import percentile_of
from surgectl.units import NS_PER_S, show_duration

_STARVED_CPU = 0.97
"""Of one core: beyond it a process does nothing but run behind."""
_STARVED_SHARE = 0.5
_WHILE_FANS_CAME = "at_ns <= coalesce((SELECT max(at_ns) FROM lefts), at_ns)"
"""SQL: vitals of the storm. Once the last fan has left we read books and may be slow at it: no fan suffers."""


def check(relations: Relations, expectations: Expectations) -> Finding:
    found = numbers(relations, expectations)
    reasons = _reasons(found, expectations)
    healthy = not reasons
    arrived = found["arrived"] + found["dropped"]
    if not arrived:
        reasons, healthy = ["nobody arrived"], False
    lag = found["lag_p99_ms"]
    said = f"{found['arrived']:,} arrivals, {found['dropped']:,} dropped"
    if lag is not None:
        said += f", 99% sent within {show_duration(lag * 1e6)} of when they were due"
    wrong = "a worker of ours was lost" if expectations.lost_workers else "this machine could not keep up"
    return Finding(
        id="GENERATOR",
        kind="harness",
        group="generator",
        verdict="pass" if healthy else "unknown",
        severity="major",
        summary=said if healthy else f"{wrong}: {said}",
        considered=arrived,
        violations=0,
        indeterminate=0 if healthy else 1,
        reason="; ".join(reasons),
        numbers=found,
    )


def _reasons(found: dict[str, Any], expectations: Expectations) -> list[str]:
    reasons = [f"{lost}: see why it ended, and rehearse again" for lost in expectations.lost_workers]
    budget = expectations.budget
    most = budget.lag_p99_at_most_ns / 1e6
    arrived = found["arrived"] + found["dropped"]
    if arrived and found["dropped"] / arrived > budget.dropped_at_most:
        share = found["dropped"] / arrived
        reasons.append(f"{share:.2%} of the arrivals were dropped, {budget.dropped_at_most:.2%} are allowed")
    for name, what in (("lag_p99_ms", "arrivals"), ("loop_lag_p99_ms", "timers")):
        value = found[name]
        if value is not None and value > most:
            reasons.append(
                f"99% of the {what} were up to {value:.0f} ms late, {most:.0f} ms are allowed: use fewer fans"
            )
    if found["starved_share"] is not None and found["starved_share"] > _STARVED_SHARE:
        reasons.append(f"the processor was never free in {found['starved_share']:.0%} of the run: use more workers")
    if found["unended"] and expectations.status == "done":
        reasons.append(f"{found['unended']:,} attempts have no end in the recording")
    if expectations.lost_rows:
        reasons.append(f"{expectations.lost_rows:,} rows of the recording are lost")
    return reasons


def numbers(relations: Relations, expectations: Expectations) -> dict[str, Any]:
    """How the generator did: counts, lateness in ms, processor shares. None where nothing was measured."""
    late = [row[0] for row in relations.rows("SELECT at_ns - due_ns AS late FROM intents ORDER BY late")]
    lags = [row[0] for row in relations.rows(f"SELECT lag_ns FROM vitals WHERE {_WHILE_FANS_CAME} ORDER BY lag_ns")]
    (dropped,) = relations.one("SELECT count(*) FROM dropped")
    (unended,) = relations.one("SELECT count(*) FROM attempts WHERE done_ns IS NULL")
    cpu, cpu_max, machine = relations.one(
        f"SELECT avg(cpu), max(cpu), avg(machine_cpu) FROM vitals WHERE {_WHILE_FANS_CAME}"
    )
    # Each worker writes a file: one that is starved is not helped by another that is not.
    workers, starved = relations.one(
        f"""SELECT count(*), max(share) FROM (
              SELECT avg((cpu > ?)::INT) AS share FROM vitals WHERE {_WHILE_FANS_CAME} GROUP BY file)""",
        [_STARVED_CPU],
    )
    fans, in_flight, sockets, rss = relations.one(
        f"""SELECT max(fans), max(in_flight), max(sockets), max(rss) FROM (
              SELECT sum(fans) AS fans, sum(in_flight) AS in_flight, sum(sockets) AS sockets, sum(rss) AS rss FROM (
                SELECT at_ns // {NS_PER_S} AS second, max(fans) AS fans, max(in_flight) AS in_flight,
                  max(sockets) AS sockets, max(rss_bytes) AS rss
                FROM vitals WHERE {_WHILE_FANS_CAME} GROUP BY file, second) GROUP BY second)"""
    )
    return {
        "arrived": len(late),
        "dropped": int(dropped),
        "lag_p50_ms": _ms(percentile_of(late, 50)),
        "lag_p99_ms": _ms(percentile_of(late, 99)),
        "lag_max_ms": _ms(float(late[-1]) if late else math.nan),
        "loop_lag_p99_ms": _ms(percentile_of(lags, 99)),
        "cpu": _round(cpu),
        "cpu_max": _round(cpu_max),
        "machine_cpu": _round(machine),
        "starved_share": _round(starved),
        "workers": workers,
        "lost_workers": len(expectations.lost_workers),
        "fans_max": fans,
        "in_flight_max": in_flight,
        "sockets_max": sockets,
        "rss_max_bytes": rss,
        "unended": int(unended),
        "lost_rows": expectations.lost_rows,
    }


def _ms(value_ns: float) -> float | None:
    return None if math.isnan(value_ns) else round(value_ns / 1e6, 3)


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)

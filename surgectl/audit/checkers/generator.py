"""Our own machine kept up, or says that it did not.

Definition: too many arrivals came later than `generator.late_at_most` (dropped, or let loose all the same, as
`generator.behind` says), arrivals or our timers ran late beyond the budget, a worker's core was never free, a worker
was lost, requests never left because we had no port or no file for their connection, more fans than may be dropped
could not go on for an error of the target, half of the fans or more ended at a refusal (4xx) that no rule of the target
names, or rows of the recording are missing. Then latency, availability and rates
say nothing about the shop (rule R12); ledger invariants stand. Fans who did not come because somebody paused the
arrivals by hand are counted and told, and held against nobody.
Inputs: arrivals with their due times, dropped arrivals, vitals of each worker, attempts without an end.
Settling: none.
Severity: major. Its verdict is pass or unknown, never fail: it is not the shop's fault.
"""

from __future__ import annotations

import errno
import math
import os
from typing import Any

import numpy as np

from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.unnamed import LOST
from surgectl.recording.relations import Relations
from surgectl.stats.percentile import percentile_of
from surgectl.units import show_duration

_STARVED_CPU = 0.97
"""Of one core: beyond it a process does nothing but run behind."""
_STARVED_SHARE = 0.5
_BUSY_MACHINE = 0.9
"""Of all cores: beyond it one more worker finds no core to run on."""
_WHILE_FANS_CAME = "at_ns <= coalesce((SELECT max(at_ns) FROM lefts), at_ns)"
"""SQL: vitals of the storm. Once the last fan has left we read books and may be slow at it: no fan suffers."""
NOT_PAUSED = "why <> 'paused'"
"""SQL: of what is in `dropped`, what we could not send; the rest was paused by hand, which is nobody's failure."""
_NO_WAY_OUT = {
    "port": (errno.EADDRNOTAVAIL, errno.EADDRINUSE),
    "file": (errno.EMFILE, errno.ENFILE, errno.ENOBUFS),
}
"""What the system says to one who connects and has nothing left to connect with: our want, never the shop's refusal."""
_WORKER = r"coalesce(try_cast(regexp_extract(file, 'vitals-(\d+)', 1) AS INT), 0)"
"""SQL: whose vitals these are, by the name of their file."""


def check(relations: Relations, expectations: Expectations) -> Finding:
    found = numbers(relations, expectations)
    arrived = found["arrived"] + found["dropped"]
    reasons = [] if arrived else ["nobody arrived" + (": arrivals were paused by hand" if found["paused"] else "")]
    reasons += _holes(found, expectations)
    stuck = _stuck(relations, found, expectations) + _misread(relations, found)
    if slow := _slow(found, expectations):
        found["advice"] = _advice(found, expectations)
        reasons += [*slow, *filter(None, [expectations.slow_calls]), f"try {found['advice']}"]
    said = _said(found)
    if expectations.slow_calls:
        said += f"; {expectations.slow_calls}"
    wrong = "a worker of ours was lost" if expectations.lost_workers else "this machine could not keep up"
    if stuck and not reasons:
        wrong = "not everybody could do as the target says"
    reasons += stuck
    return Finding(
        id="GENERATOR",
        kind="harness",
        group="generator",
        verdict="unknown" if reasons else "pass",
        severity="major",
        summary=f"{wrong}: {said}" if reasons else said,
        considered=arrived,
        violations=0,
        indeterminate=1 if reasons else 0,
        reason="; ".join(reasons),
        numbers=found,
    )


def _said(found: dict[str, Any]) -> str:
    said = f"{found['arrived']:,} arrivals, {found['dropped']:,} dropped"
    if found["late"] or found["behind"] == "late":
        said += f", {found['late']:,} late"
    if found["paused"]:
        said += f"; {found['paused']:,} fans never came because arrivals were paused by hand"
    if found["lag_max_ms"] is not None:
        p50, p99, most = (show_duration(found[f"lag_{name}_ms"] * 1e6) for name in ("p50", "p99", "max"))
        said += f"; behind their due time by {p50} (p50), {p99} (p99), {most} (max)"
    return said


def _slow(found: dict[str, Any], expectations: Expectations) -> list[str]:
    """What says that this machine had too much to do."""
    budget = expectations.budget
    most = budget.lag_p99_at_most_ns / 1e6
    reasons = []
    arrived = found["arrived"] + found["dropped"]
    beyond = found["dropped"] + found["late"]
    if arrived and beyond / arrived > budget.dropped_at_most:
        fate = "dropped" if not found["late"] else "late" if not found["dropped"] else "dropped or late"
        reasons.append(
            f"{beyond / arrived:.2%} of the arrivals were {fate} (more than {show_duration(budget.late_at_most_ns)} "
            f"behind), {budget.dropped_at_most:.2%} are allowed"
        )
    for name, what in (("sent_lag_p99_ms", "arrivals"), ("loop_lag_p99_ms", "timers")):
        value = found[name]
        if value is not None and value > most:
            reasons.append(f"99% of the {what} were up to {value:.0f} ms late, {most:.0f} ms are allowed")
    for worker in found["by_worker"]:
        if worker["starved_share"] > _STARVED_SHARE:
            whose = f" (worker {worker['worker']})" if found["workers"] > 1 else ""
            reasons.append(f"the processor was never free in {worker['starved_share']:.0%} of the run{whose}")
    for what, count in found["no_way_out"].items():
        if count:
            reasons.append(f"{count:,} requests never left because this machine had no {what} left for a connection")
    return reasons


def _stuck(relations: Relations, found: dict[str, Any], expectations: Expectations) -> list[str]:
    """Fans who could not go on because the target is wrong: beyond what may be dropped it was another crowd."""
    (stuck,) = relations.one("SELECT count(DISTINCT intent) FROM lefts WHERE \"end\" = 'target-error'")
    if not stuck or stuck / max(found["arrived"], 1) <= expectations.budget.dropped_at_most:
        return []
    why = f": {expectations.stuck}" if expectations.stuck else ""
    return [f"{stuck:,} of {found['arrived']:,} fans could not go on for an error of the target{why}"]


def _misread(relations: Relations, found: dict[str, Any]) -> list[str]:
    """Most fans were told that they had asked wrongly, in words that the target does not know: that was no storm.

    A 4xx says that the client erred (RFC 9110 15.5); what a shop in trouble says (5xx) may well have no rule.
    """
    rows = relations.rows(
        f"""SELECT step, status, count(*), sum(count(*)) OVER () FROM ({LOST}) WHERE status BETWEEN 400 AND 499
            GROUP BY step, status ORDER BY count(*) DESC, step, status LIMIT 1"""
    )
    if not rows or 2 * rows[0][3] < found["arrived"]:
        return []
    step, status, _, lost = rows[0]
    return [
        f"{lost:,} of {found['arrived']:,} fans ended at a refusal that no rule of the target names, most of them at"
        f" {step} (HTTP {status}): say in its `outcomes` what that means"
    ]


def _holes(found: dict[str, Any], expectations: Expectations) -> list[str]:
    """What is missing in the recording."""
    reasons = [f"{lost}: see why it ended, and rehearse again" for lost in expectations.lost_workers]
    if found["unended"] and expectations.status == "done":
        reasons.append(f"{found['unended']:,} attempts have no end in the recording")
    if expectations.lost_rows:
        reasons.append(f"{expectations.lost_rows:,} rows of the recording are lost")
    return reasons


def _advice(found: dict[str, Any], expectations: Expectations) -> str:
    """What to change, so that the next run can be believed."""
    if found["no_way_out"]["port"]:
        return "several addresses to come from (the target's bind: […]), or fewer fans at once"
    if found["no_way_out"]["file"]:
        return "a higher limit of open files (ulimit -n), or fewer fans at once"
    if (found["machine_cpu"] or 0.0) > _BUSY_MACHINE:
        wanted = ["a machine with more cores (all of this one's were busy)"]
    else:
        wanted = [f"more workers (--workers {max(found['workers'], 1) + 1})"]
    if expectations.slow_calls:
        wanted.append("a faster step in Python")
    wanted.append("fewer fans")
    if found["dropped"] + found["late"]:
        wanted.append(f"a generator.late_at_most above {show_duration(expectations.budget.late_at_most_ns)}")
    return ", or ".join((", ".join(wanted[:-1]), wanted[-1]))


def numbers(relations: Relations, expectations: Expectations) -> dict[str, Any]:
    """How the generator did: counts, lateness in ms, processor shares. None where nothing was measured.

    `lag_…` is of every arrival, also of those that were dropped for it; `sent_lag_p99_ms` of those let loose alone, for
    what may be dropped has a budget of its own. Shares of a core are a worker's; with several, `cpu` is their mean.
    """
    budget = expectations.budget
    (sent,) = relations.arrays("SELECT at_ns - due_ns AS late FROM intents")
    (dropped,) = relations.arrays(f"SELECT at_ns - due_ns AS late FROM dropped WHERE {NOT_PAUSED}")
    (paused,) = relations.one(f"SELECT count(*) FROM dropped WHERE NOT ({NOT_PAUSED})")
    let_loose = np.sort(sent).tolist()
    every = np.sort(np.concatenate((sent, dropped))).tolist()
    lags = [row[0] for row in relations.rows(f"SELECT lag_ns FROM vitals WHERE {_WHILE_FANS_CAME} ORDER BY lag_ns")]
    (unended,) = relations.one("SELECT count(*) FROM attempts WHERE done_ns IS NULL")
    cpu, cpu_max, machine = relations.one(
        f"SELECT avg(cpu), max(cpu), avg(machine_cpu) FROM vitals WHERE {_WHILE_FANS_CAME}"
    )
    # Workers write their rows at about the same time: what they held together is the sum of a second's.
    fans, in_flight, sockets, rss = relations.one(
        f"""SELECT max(fans)::BIGINT, max(in_flight)::BIGINT, max(sockets)::BIGINT, max(rss)::BIGINT FROM (
              SELECT second, sum(fans) AS fans, sum(in_flight) AS in_flight, sum(sockets) AS sockets, sum(rss) AS rss
              FROM (SELECT file, at_ns // 1000000000 AS second, max(fans) AS fans, max(in_flight) AS in_flight,
                      max(sockets) AS sockets, max(rss_bytes) AS rss
                    FROM vitals WHERE {_WHILE_FANS_CAME} GROUP BY ALL)
              GROUP BY second)"""
    )
    workers = _workers(relations)
    no_way_out = {what: _never_left(relations, errors) for what, errors in _NO_WAY_OUT.items()}
    return {
        "arrived": len(let_loose),
        "dropped": len(dropped),
        "paused": int(paused),
        "late": int((sent > budget.late_at_most_ns).sum()),
        "behind": budget.behind,
        "lag_p50_ms": _ms(percentile_of(every, 50)),
        "lag_p99_ms": _ms(percentile_of(every, 99)),
        "lag_max_ms": _ms(float(every[-1]) if every else math.nan),
        "sent_lag_p99_ms": _ms(percentile_of(let_loose, 99)),
        "loop_lag_p99_ms": _ms(percentile_of(lags, 99)),
        "cpu": _round(cpu),
        "cpu_max": _round(cpu_max),
        "machine_cpu": _round(machine),
        "starved_share": max((worker["starved_share"] for worker in workers), default=None),
        "workers": len(workers),
        "by_worker": workers,
        "lost_workers": len(expectations.lost_workers),
        "fans_max": fans,
        "in_flight_max": in_flight,
        "sockets_max": sockets,
        "rss_max_bytes": rss,
        "no_way_out": no_way_out,
        "unended": int(unended),
        "lost_rows": expectations.lost_rows,
    }


def _never_left(relations: Relations, errors: tuple[int, ...]) -> int:
    """Requests of which no byte left, for one of these reasons (the drivers write down the system's own words)."""
    any_of = " OR ".join("contains(detail, ?)" for _ in errors)
    (count,) = relations.one(
        f"SELECT count(*) FROM attempts WHERE why = 'not-sent' AND ({any_of})",
        [os.strerror(number) for number in errors],
    )
    return int(count)


def _workers(relations: Relations) -> list[dict[str, Any]]:
    """Each worker by itself: one at the end of its core is starved, however idle the others are."""
    found = relations.rows(
        f"""SELECT {_WORKER} AS worker, avg(cpu), max(cpu), avg((cpu > ?)::INT), max(lag_ns), max(rss_bytes)
            FROM vitals WHERE {_WHILE_FANS_CAME} GROUP BY ALL ORDER BY worker""",
        [_STARVED_CPU],
    )
    return [
        {
            "worker": worker,
            "cpu": _round(cpu),
            "cpu_max": _round(cpu_max),
            "starved_share": _round(starved),
            "loop_lag_max_ms": _ms(float(lag)),
            "rss_max_bytes": rss,
        }
        for worker, cpu, cpu_max, starved, lag, rss in found
    ]


def _ms(value_ns: float) -> float | None:
    return None if math.isnan(value_ns) else round(value_ns / 1e6, 3)


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)

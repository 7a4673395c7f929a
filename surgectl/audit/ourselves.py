"""How late our own machine was, second by second: what it was late by cannot be held against the shop."""

from __future__ import annotations

from surgectl.units import NS_PER_S

OUR_LAG = f"""ours AS (
  SELECT second, max(lag_ns) AS lag_ns FROM (
    SELECT at_ns // {NS_PER_S} AS second, lag_ns FROM vitals
    UNION ALL SELECT at_ns // {NS_PER_S} - 1, lag_ns FROM vitals) GROUP BY second
)"""
"""SQL, to stand after WITH: the worst delay of our own timers in each second of the run."""


def spared(table: str) -> str:
    """SQL: a `FROM` of `table` with `took_ns`, from due to done, and `least_ns`, the same less what we may have added.

    Needs OUR_LAG. An instant counts as late as the worst of its second, where it began and where it ended.
    """
    took = "greatest(x.done_ns - x.due_ns, 0)"
    return f"""(SELECT x.*, {took} AS took_ns,
      greatest({took} - greatest(coalesce(b.lag_ns, 0), coalesce(e.lag_ns, 0)), 0) AS least_ns
    FROM {table} x LEFT JOIN ours b ON b.second = x.due_ns // {NS_PER_S}
      LEFT JOIN ours e ON e.second = x.done_ns // {NS_PER_S} WHERE x.done_ns IS NOT NULL)"""

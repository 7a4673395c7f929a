"""How long the shop needed to be itself again once the fault was gone.

The share of holds and payments that were answered truthfully in time, by the second in which each was due, smoothed
(EWMA, weight 0.3): recovered is the first second after the fault from which it stays at 90 % for fifteen seconds
(docs/invariants.md, RECOVERY). "All are in others' baskets, come back" is an answer, as "sold out" is: a sale that
ends is no shop that does not recover. "Too busy" is none. A second in which nobody wanted anything says nothing.
"""

from __future__ import annotations

import math

from surgectl.recording.relations import Relations
from surgectl.stats.series import ewma
from surgectl.thresholds.evaluate import Number, Unmeasured
from surgectl.units import NS_PER_S

_GOOD = 0.9
_HOLD_S = 15
_IN_TIME_NS = 10 * NS_PER_S
_WEIGHT = 0.3

_OPERATIONS = """
SELECT first_ns // 1000000000 AS second, count(*) AS offered,
  count(*) FILTER (told_ns IS NOT NULL AND told_ns - first_ns <= ?) AS resolved
FROM (
  SELECT a.intent, a.tab, a.op, min(a.due_ns) AS first_ns,
    least(any_value(t.at_ns), min(a.done_ns) FILTER (a."then" = 'again' AND a.outcome = 'fail')) AS told_ns
  FROM attempts a LEFT JOIN tolds t ON t.intent = a.intent AND t.tab = a.tab AND t.op = a.op AND NOT t.status_read
    AND t.outcome <> 'info'
  WHERE a.role IN ('hold', 'pay') AND NOT a.poll GROUP BY a.intent, a.tab, a.op)
GROUP BY second ORDER BY second"""


def recovery_ns(relations: Relations, healed_ns: int) -> Number | Unmeasured:
    """Nanoseconds from the heal to recovery; `at_least` where it never came while we watched."""
    seconds = [(int(s), int(offered), int(good)) for s, offered, good in relations.rows(_OPERATIONS, [_IN_TIME_NS])]
    first_s = math.ceil(healed_ns / NS_PER_S)
    offered_after = sum(offered for second, offered, _ in seconds if second >= first_s)
    if not offered_after:
        return Unmeasured(why="nobody wanted anything after the fault: let the load outlive it")
    smooth = ewma([good / offered for _, offered, good in seconds], _WEIGHT)
    last_s = seconds[-1][0]
    since: int | None = None
    for (second, _, _), value in zip(seconds, smooth, strict=True):
        if second < first_s:
            continue
        if value < _GOOD:
            since = None
        elif since is None:
            since = second
        if since is not None and second - since + 1 >= _HOLD_S:
            break
    watched_ns = (last_s + 1) * NS_PER_S - healed_ns
    # Good to the end but not for fifteen seconds: it may be recovering, and nobody watched long enough to say.
    if since is None or last_s - since + 1 < _HOLD_S:
        if since is not None:
            return Unmeasured(why=f"good for {last_s - since + 1} s when the load ended, {_HOLD_S} s are needed")
        return Number(value=float(watched_ns), samples=offered_after, at_least=True)
    return Number(value=float(max(0, since * NS_PER_S - healed_ns)), samples=offered_after)

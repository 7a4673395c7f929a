"""How often a crowd asks for one and the same thing.

Definition: requests that left, polls too (a message that the shop pushed is none), for each step that a fan wanted
done; and the herd: requests in the busiest second against the mean second. Both are the crowd's doing, load and not
blame, so they are told, and judged only where the profile sets a `factor` for the first.
Inputs: what was sent, from the recording alone.
Settling: none.
Severity: info.
"""

from __future__ import annotations

from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.statistic import Statistic, conclude, turned_off
from surgectl.profile.statistics import FanAmplification
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S

_SENT = f"""
WITH sent AS (
  SELECT intent, step, poll, sent_ns FROM attempts
  WHERE sent_ns IS NOT NULL AND role NOT IN ('status', 'login') AND method <> ''
),
wanted AS (SELECT count(*) AS sends, count(*) FILTER (poll) AS polls FROM sent),
steps AS (SELECT count(*) AS steps FROM (SELECT DISTINCT intent, step FROM sent)),
seconds AS (SELECT sent_ns // {NS_PER_S} AS second, count(*) AS sends FROM sent GROUP BY second)
SELECT any_value(w.sends), any_value(w.polls), any_value(p.steps), coalesce(max(s.sends), 0),
  coalesce(max(s.second) - min(s.second) + 1, 0), arg_max(s.second, s.sends)
FROM wanted w CROSS JOIN steps p LEFT JOIN seconds s ON true"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("AMP_FAN", FanAmplification())
    if limits is None:
        return turned_off("AMP_FAN")
    sends, polls, wanted, busiest, seconds, at_s = relations.one(_SENT)
    factor = sends / wanted if wanted else 0.0
    herd = busiest * seconds / sends if sends else 0.0
    breaches = []
    if limits.factor is not None and factor > limits.factor:
        breaches.append(f"{factor:.2f} requests for each thing wanted, {limits.factor:g} are allowed")
    return conclude(
        Statistic(
            id="AMP_FAN",
            severity="info",
            considered=wanted,
            said=(
                f"{sends:,} requests for {wanted:,} things wanted, {factor:.2f} each; {busiest:,} of them in the"
                f" busiest second, {herd:.1f} times the mean"
            ),
            breaches=tuple(breaches),
            unjudged=""
            if limits.factor is not None or not wanted
            else "no limit is set: `statistics: {AMP_FAN: {factor: 10}}` judges it",
            numbers={
                "requests": sends,
                "polls": polls,
                "wanted": wanted,
                "factor": round(factor, 4),
                "busiest_second": busiest,
                "busiest_second_s": at_s,
                "herd": round(herd, 4),
            },
        ),
        expectations,
    )

"""More tabs are no more luck.

Definition: fans with more tabs are confirmed more than 1.1 times as often as fans with the fewest, at the lower end
of the 95 % interval of the ratio (log-ratio interval of Katz; over several profiles after Mantel and Haenszel). Like
is compared with like: fans of one retry profile, who differ in nothing but their tabs (the fewest are one, or what
that profile begins with), and who came as far as the place where tabs are opened before anybody was told that all is
sold. Where no profile has different numbers of tabs they are told and judged by nobody: how patient people are would
be taken for what their tabs did. A tab that was opened counts, whether it ever sent anything or not.
Inputs: who opened how many tabs, when, and was confirmed, from the recording alone.
Settling: none.
Severity: minor.
"""

from __future__ import annotations

from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.profile.statistics import TabAdvantage
from surgectl.recording.relations import Relations
from surgectl.stats.intervals import Ratio, TwoShares, ratio_of_shares

_FANS_AT_LEAST = 30
"""With more tabs, and with the fewest: fewer say nothing, whatever came of them."""

_GROUPS = """
WITH sold_out AS (
  SELECT coalesce(min(at_ns), 9223372036854775807) AS at_ns FROM tolds WHERE "end" = 'sold-out' AND NOT status_read
), opened AS (
  SELECT intent, max(tab) + 1 AS tabs FROM (
    SELECT intent, tab FROM attempts UNION ALL SELECT intent, tab FROM lefts) GROUP BY intent
), lines AS (SELECT count(*) > 0 AS any_line FROM attempts WHERE role = 'join'),
came AS (
  -- Tabs are opened at the line: who was turned away before it never had the choice.
  SELECT a.intent, min(a.at_ns) AS at_ns FROM attempts a CROSS JOIN lines l
  WHERE a.tab = 0 AND (a.role = 'join' OR NOT l.any_line) GROUP BY a.intent
), won AS (
  SELECT DISTINCT intent FROM tolds WHERE "end" = 'confirmed' AND outcome = 'ok' AND NOT status_read
), fans AS (
  SELECT i.profile, o.tabs, w.intent IS NOT NULL AS won, min(o.tabs) OVER (PARTITION BY i.profile) AS fewest
  FROM came c JOIN opened o USING (intent) JOIN intents i USING (intent) LEFT JOIN won w USING (intent)
    CROSS JOIN sold_out s
  WHERE c.at_ns < s.at_ns
)
SELECT count(*) FILTER (tabs > fewest), count(*) FILTER (tabs > fewest AND won),
  count(*) FILTER (tabs = fewest), count(*) FILTER (tabs = fewest AND won), max(tabs), max(fewest)
FROM fans GROUP BY profile ORDER BY profile"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("TAB_ADV", TabAdvantage())
    if limits is None:
        return turned_off("TAB_ADV")
    found = relations.rows(_GROUPS)
    if not any(most > 1 for *_, most, _ in found):
        return does_not_apply(
            "TAB_ADV", "minor", "nobody had several tabs: add fans who do, e.g. `multitab`", expectations
        )
    likes = [
        TwoShares(with_it=won_more, of=more, without_it=won_fewest, of_likes=fewest)
        for more, won_more, fewest, won_fewest, _, _ in found
        if more
    ]
    ratio, whole = ratio_of_shares(likes), _all(likes)
    breaches, doubts, unjudged = [], [], ""
    if not likes:
        unjudged = (
            "no retry profile has fans with different numbers of tabs, and the profiles differ in more than that: give"
            " one of them `tabs: {open: 1-3, from: join}`"
        )
    elif min(whole.of, whole.of_likes) < _FANS_AT_LEAST or ratio is None:
        doubts.append(f"too few to compare: {_FANS_AT_LEAST} fans of each kind are needed, and some of them who bought")
    elif ratio.low > limits.factor:
        breaches.append(
            f"more tabs win {ratio.value:.2f} times as often, at least {ratio.low:.2f} times; {limits.factor:g} is"
            " allowed"
        )
    elif ratio.value > limits.factor:
        doubts.append(
            f"more tabs won {ratio.value:.2f} times as often, which may be chance (from {ratio.low:.2f} to"
            f" {ratio.high:.2f}): let more fans come"
        )
    return conclude(
        Statistic(
            id="TAB_ADV",
            severity="minor",
            considered=whole.of,
            said=_said(whole, ratio),
            breaches=tuple(breaches),
            doubts=tuple(doubts),
            unjudged=unjudged,
            numbers={
                "more_tabs": whole.of,
                "more_tabs_confirmed": whole.with_it,
                "fewest_tabs": whole.of_likes,
                "fewest_tabs_confirmed": whole.without_it,
                "profiles": len(likes),
                "most": max(most for *_, most, _ in found),
                "ratio": None if ratio is None else round(ratio.value, 4),
                "ratio_low": None if ratio is None else round(ratio.low, 4),
                "ratio_high": None if ratio is None else round(ratio.high, 4),
            },
        ),
        expectations,
    )


def _all(groups: list[TwoShares]) -> TwoShares:
    return TwoShares(
        with_it=sum(group.with_it for group in groups),
        of=sum(group.of for group in groups),
        without_it=sum(group.without_it for group in groups),
        of_likes=sum(group.of_likes for group in groups),
    )


def _said(whole: TwoShares, ratio: Ratio | None) -> str:
    of_more = f"{whole.with_it:,} of {whole.of:,} fans with more tabs were confirmed"
    of_fewest = f"{whole.without_it:,} of {whole.of_likes:,} of their like with the fewest"
    return f"{of_more}, {of_fewest}" + (f": {ratio.value:.2f} times as often" if ratio is not None else "")

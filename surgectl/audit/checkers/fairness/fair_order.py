"""Who came first is let in first.

Definition: x joined before y for certain, and y was let in before x for certain (a definite inversion): fails where
one fan was overtaken by more than k others, or where inversions are more than 0.1 % of the pairs whose joining has an
order (and more than k, so that a handful in a short line convicts nobody). k is set, or twice the greatest batch: the
most fans whose being let in may have been one instant. Jitter makes no inversion: every instant is an interval, from
the last byte that left to the last byte that came. Who gave up was overtaken until their last "not yet" and not
beyond. Where the sale is a lottery, or the shop shows no numbers before a draw and the early ones were not let in by
order of coming, those who came before the draw must be let in in an order that has nothing to do with when they came
(score test of Cox, at 0.1 %: of a thousand honest draws one is called bent; of fifty fans or more). In a lottery
nothing else is judged, elsewhere those who came after the draw stand behind, first come first served.
Inputs: joins and what their polls said, from the recording alone.
Settling: none.
Severity: major.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surgectl.audit.case import Violation, examples
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.profile.statistics import FairOrder
from surgectl.recording.relations import Relations

if TYPE_CHECKING:
    from surgectl.audit.line import Line
    from surgectl.stats.order import Overtaking
    from surgectl.stats.trend import Trend

_EPSILON_NS = 5_000_000
"""All fans share one monotonic clock; a shop of several machines may be forgiven this much."""
_CHANCE = 0.001
"""An honest draw looks this bent once in a thousand sales, and not once in twenty."""
_DRAWN_AT_LEAST = 50


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("FAIR_ORDER", FairOrder())
    if limits is None:
        return turned_off("FAIR_ORDER")
    from surgectl.audit.line import line

    found = line(relations)
    if not len(found):
        return does_not_apply(
            "FAIR_ORDER", "major", "nobody joined a line: give the step that joins it `role: join`", expectations
        )
    if not found.waited.any():
        return does_not_apply(
            "FAIR_ORDER",
            "major",
            "nobody had to wait in line: let more fans come than the shop lets in at once",
            expectations,
        )
    if expectations.order == "lottery":
        return _lottery(found, expectations)
    return _first_come(found, limits, relations, expectations)


def _first_come(found: Line, limits: FairOrder, relations: Relations, expectations: Expectations) -> Finding:
    from surgectl.stats.order import most_at_once

    let_in = found.let_in
    batch = most_at_once(found.let_in_from[let_in], found.let_in_to[let_in])
    k = 2 * batch if limits.overtaken is None else limits.overtaken
    whole = _order(found)
    breaches, drawn = _breaches(whole, k, limits), None
    early = found.unnumbered & found.numbered
    if breaches and early.any():
        # Those who came before a draw may be let in by lot; who came later stands behind them, first come first served.
        drawn = _draw(found, early)
        whole = _order(found, overtakes=~early)
        breaches = [*_breaches(whole, k, limits), *_bent(drawn)]
    worst = int(whole.overtaken.argmax())
    numbers = _numbers(found, whole, k, batch, limits) | _drawn_numbers(drawn)
    doubts = []
    if drawn is None and whole.told_apart * float(limits.inversions) < 1:
        doubts.append(
            f"of {whole.pairs:,} pairs only {whole.told_apart:,} were let in at instants that can be told apart: let"
            " more fans wait, or have them ask more often"
        )
    if drawn is not None:
        doubts += _too_few(drawn)
    by = "" if limits.overtaken is not None else f" (twice the greatest batch, {batch:,})"
    return conclude(
        Statistic(
            id="FAIR_ORDER",
            severity="major",
            considered=int(found.waited.sum()),
            said=(
                f"of {whole.pairs:,} pairs {whole.inversions:,} were let in the wrong way round, nobody overtaken by"
                f" more than {int(whole.overtaken[worst]):,}; {k:,} are allowed{by}"
            ),
            breaches=tuple(breaches),
            doubts=tuple(doubts),
            numbers=numbers,
            examples=_overtaken(found, whole, k, relations, expectations) if breaches else [],
        ),
        expectations,
    )


def _order(found: Line, overtakes: Any = None) -> Overtaking:
    from surgectl.stats.order import overtaking

    return overtaking(
        found.came_from,
        found.came_to,
        found.let_in_from,
        found.let_in_to,
        epsilon_ns=_EPSILON_NS,
        overtakes=overtakes,
    )


def _breaches(order: Overtaking, k: int, limits: FairOrder) -> list[str]:
    breaches = []
    if (most := int(order.overtaken.max())) > k:
        breaches.append(f"one fan was overtaken by {most:,} who came later, {k:,} are allowed")
    if order.share > limits.inversions and order.inversions > k:
        breaches.append(f"{order.share:.2%} of the pairs were let in the wrong way round, {limits.inversions} may be")
    return breaches


def _numbers(found: Line, order: Overtaking, k: int, batch: int, limits: FairOrder) -> dict[str, Any]:
    import numpy as np

    let_in = found.let_in
    return {
        "fans": len(found),
        "let_in": int(let_in.sum()),
        "pairs": order.pairs,
        "inversions": order.inversions,
        "inversions_share": round(order.share, 6),
        "tau": round(order.tau, 6),
        "told_apart": order.told_apart,
        "overtaken_max": int(order.overtaken.max()),
        "overtaken_p99": int(np.quantile(order.overtaken, 0.99, method="inverted_cdf")),
        "overtaken_allowed": k,
        "batch": batch,
        "starved": int(((order.overtaken > k) & ~let_in).sum()),
    }


def _overtaken(found: Line, order: Overtaking, k: int, relations: Relations, expectations: Expectations) -> list[Any]:
    """The stories of those who were overtaken most."""
    import numpy as np

    worst = np.argsort(-order.overtaken, kind="stable")[: expectations.examples_at_most]
    told = [
        Violation(
            what=f"overtaken by {int(order.overtaken[at]):,} who came later, {k:,} are allowed"
            + ("" if found.let_in[at] else ", and never let in"),
            intent=found.intents[at],
        )
        for at in worst
        if order.overtaken[at]
    ]
    return examples(tuple(told), relations, expectations)


# -- by lot


def _lottery(found: Line, expectations: Expectations) -> Finding:
    early = found.unnumbered
    if not found.numbered:  # a shop without numbers: those who came before anybody was let in
        early = found.came_to < found.let_in_to.min()
    drawn = _draw(found, early)
    return conclude(
        Statistic(
            id="FAIR_ORDER",
            severity="major",
            considered=drawn.count,
            said=(
                f"{int(early.sum()):,} came before the draw and {drawn.count:,} of them were let in; to come early"
                f" made {'no' if drawn.p >= _CHANCE else 'a'} difference (tau {drawn.tau:+.2f}, p {drawn.p:.2g})"
            ),
            breaches=tuple(_bent(drawn)),
            doubts=tuple(_too_few(drawn)),
            numbers={"fans": len(found), "early": int(early.sum())} | _drawn_numbers(drawn),
        ),
        expectations,
    )


def _draw(found: Line, early: Any) -> Trend:
    import numpy as np

    from surgectl.stats.trend import trend

    let_in = found.let_in[early]
    until = np.where(let_in, found.let_in_to[early], found.let_in_from[early])
    return trend(found.came_from[early], until, let_in)


def _bent(drawn: Trend) -> list[str]:
    if drawn.count < _DRAWN_AT_LEAST or drawn.p >= _CHANCE:
        return []
    who = "earlier" if drawn.z > 0 else "later"
    return [f"of those who came before the draw, who came {who} was let in earlier (p {drawn.p:.2g}): that is no lot"]


def _too_few(drawn: Trend) -> list[str]:
    if drawn.count >= _DRAWN_AT_LEAST:
        return []
    return [f"{drawn.count:,} fans of the draw were let in: whether it was fair can be told of {_DRAWN_AT_LEAST}"]


def _drawn_numbers(drawn: Trend | None) -> dict[str, Any]:
    if drawn is None:
        return {}
    tau = None if drawn.tau != drawn.tau else round(drawn.tau, 6)
    return {"drawn": drawn.count, "drawn_tau": tau, "drawn_z": round(drawn.z, 4), "drawn_p": round(drawn.p, 6)}

"""Whether a demand was broken for too long: `for 10s`, `within 30s`, as grammar.py defines them.

Each step of time is judged by itself; what is in doubt there is in doubt here, and a stretch that may have been broken
long enough, but not for certain, is `unknown`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

from surgectl.thresholds.measure import Measure, Unmeasured
from surgectl.thresholds.samples import Samples, Step
from surgectl.thresholds.threshold import Span, Threshold
from surgectl.thresholds.weighing import Result, Verdict, unknown, weigh
from surgectl.units import NS_PER_S, show_duration


class _Judged(msgspec.Struct, frozen=True):
    """One step, or some together. `verdict` None: not a single sample."""

    from_ns: int
    to_ns: int
    verdict: Verdict | None
    result: Result | None


def judge(threshold: Threshold, span: Span, samples: Samples, *, since_ns: int = 0) -> Result:
    """Judge a demand with a window. `since_ns`: nothing before it is looked at any more (the guard did, earlier)."""
    found = samples.steps(threshold.kind, threshold.metric, threshold.scope, threshold.of)
    if isinstance(found, Unmeasured):
        return unknown(threshold, found.why)
    if samples.step_ns != NS_PER_S and (span.how == "for" or span.lasting_ns % samples.step_ns):
        return unknown(threshold, _too_coarse(samples))
    needed = -(-span.lasting_ns // samples.step_ns)
    stretches = [[step for step in steps if step.from_ns >= since_ns] for steps in found]
    if not any(len(steps) >= needed for steps in stretches):
        longest = max((len(steps) for steps in stretches), default=0) * samples.step_ns
        short = f"no {show_duration(span.lasting_ns)} on end to look at: {show_duration(longest)} whole at most"
        return unknown(threshold, short)

    def ask(first: Step, last: Step) -> Measure | None:
        return samples.within(threshold.kind, threshold.metric, threshold.of, first, last)

    if ask(stretches[0][0], stretches[0][0]) is None if stretches[0] else False:
        return unknown(threshold, f"nothing is called {threshold.metric!r} here")
    if span.how == "for":
        judged = [[_judged(threshold, step, step, ask) for step in steps] for steps in stretches]
        broken = _merged([s for row in judged for s in _stretches(row, span.lasting_ns, certain=True)])
        doubtful = any(_stretches(row, span.lasting_ns, certain=False) for row in judged)
    else:
        judged = [
            [_judged(threshold, steps[i], steps[i + needed - 1], ask) for i in range(len(steps) - needed + 1)]
            for steps in stretches
        ]
        broken = _merged([(j.from_ns, j.to_ns) for row in judged for j in row if j.verdict == "fail"])
        doubtful = any(j.verdict == "unknown" for row in judged for j in row)
    result = _said(threshold, span, [j for row in judged for j in row], broken, doubtful)
    if samples.step_ns != NS_PER_S and result.verdict == "pass":  # those that begin in between were not looked at
        return unknown(threshold, _too_coarse(samples))
    return result


def _too_coarse(samples: Samples) -> str:
    return f"this report keeps steps of {show_duration(samples.step_ns)}, not seconds: judge its recording"


def _judged(threshold: Threshold, first: Step, last: Step, ask: Callable[[Step, Step], Measure | None]) -> _Judged:
    result = weigh(threshold, ask(first, last))
    empty = result.verdict == "unknown" and not result.samples and not result.doubtful
    return _Judged(first.from_ns, last.to_ns, None if empty else result.verdict, result)


def _stretches(row: Sequence[_Judged], lasting_ns: int, *, certain: bool) -> list[tuple[int, int]]:
    """Where the demand is broken (or, not `certain`, may be) in every step for so long."""
    bad = ("fail",) if certain else ("fail", "unknown")
    found: list[tuple[int, int]] = []
    begun: int | None = None
    until = 0
    for step in [*row, _Judged(0, 0, "pass", None)]:
        if step.verdict in bad:
            begun = step.from_ns if begun is None else begun
            until = step.to_ns
        elif step.verdict is not None and begun is not None:
            if until - begun >= lasting_ns:
                found.append((begun, until))
            begun = None
    return found


def _merged(stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(stretches):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _said(
    threshold: Threshold, span: Span, judged: Sequence[_Judged], broken: Sequence[tuple[int, int]], doubtful: bool
) -> Result:
    seen = [j for j in judged if j.verdict is not None and j.result is not None]
    if not seen:
        return unknown(threshold, "no samples")
    worst = _worst(threshold, [j for j in seen if not broken or any(b <= j.from_ns < e for b, e in broken)] or seen)
    assert worst.result is not None
    each = "second" if span.how == "for" else show_duration(span.lasting_ns)
    at = f"worst {each} {worst.result.shown} at {_clock(worst.from_ns)}"
    samples = sum(j.result.samples for j in seen if j.result is not None)
    if threshold.kind in ("count", "rate", "goodput") or span.how == "within":
        samples = max(j.result.samples for j in seen if j.result is not None)
    if broken:
        lasted = sum(end - begin for begin, end in broken)
        where = ", ".join(f"{_clock(begin)} to {_clock(end)}" for begin, end in broken[:3])
        more = f" and {len(broken) - 3} more times" if len(broken) > 3 else ""
        text = f"broken for {show_duration(lasted)}, {where}{more}; {at}"
    elif doubtful:
        text = f"unknown: it may have been broken that long; {at}"
    else:
        text = f"never broken {span}; {at}"
    return Result(
        expression=threshold.text,
        verdict="fail" if broken else "unknown" if doubtful else "pass",
        observed=worst.result.observed,
        text=text,
        shown=worst.result.shown,
        unit=threshold.unit,
        samples=samples,
        broken=tuple((begin / NS_PER_S, end / NS_PER_S) for begin, end in broken),
    )


def _worst(threshold: Threshold, seen: Sequence[_Judged]) -> _Judged:
    """The step farthest on the wrong side; one without a number counts as the worst."""
    at_most = threshold.comparison in ("<", "<=")

    def badness(step: _Judged) -> float:
        observed = step.result.observed if step.result is not None else None
        if observed is None:
            return math.inf if step.verdict == "fail" else -math.inf
        return observed if at_most else -observed

    return max(seen, key=badness)


def _clock(at_ns: int) -> str:
    return f"{at_ns / NS_PER_S:g}s"

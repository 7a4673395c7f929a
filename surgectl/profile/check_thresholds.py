"""Can these demands be measured in this rehearsal at all? What nobody could see is said before the doors open."""

from __future__ import annotations

from surgectl.errors import did_you_mean
from surgectl.profile.rehearsal import Fault, Rehearsal
from surgectl.profile.target import Target
from surgectl.thresholds.grammar import ThresholdError, parse
from surgectl.thresholds.threshold import Threshold
from surgectl.units import show_duration

_CLOCKS = ("confirm", "shed")
_ALL = ("fans", "payments", "provider")


def understood(text: str, rehearsal: Rehearsal) -> Threshold:
    """A demand on this rehearsal. ThresholdError: it cannot be meant, or names a phase or fans that never come."""
    threshold = parse(text)
    phases = [phase.phase for phase in rehearsal.load]
    scope = threshold.scope
    if scope is not None and scope.when == "in" and scope.name not in phases:
        hint = did_you_mean(scope.name, phases) or f"there are {', '.join(phases)}"
        raise ThresholdError(f'no phase is called "{scope.name}"', text=text, at=threshold.at["scope"], hint=hint)
    if threshold.of and threshold.of not in rehearsal.fans:
        hint = did_you_mean(threshold.of, rehearsal.fans) or f"fans: has {', '.join(rehearsal.fans)}"
        raise ThresholdError(f'no fans called "{threshold.of}" come', text=text, at=threshold.at["of"], hint=hint)
    return threshold


def remarks(rehearsal: Rehearsal, target: Target | None) -> list[str]:
    """What a careful colleague would say: which demands stop the run, and which nothing will answer."""
    said = []
    for text in rehearsal.expect.thresholds:
        threshold = parse(text)
        if threshold.abort:
            said.append(f"{text}: stops the run once it is broken (exit 14)")
        if why := _unanswered(threshold, rehearsal, target):
            said.append(f"{text}: {why}")
    return said


def _unanswered(threshold: Threshold, rehearsal: Rehearsal, target: Target | None) -> str:
    scope, probe, metric = threshold.scope, rehearsal.probe, threshold.metric
    fault = metric if threshold.kind in ("recovery", "drain") else ""
    if scope is not None and scope.when != "in":
        fault = scope.name
    if fault and not _meant(fault, rehearsal):
        return f"no planned fault is called {fault!r}, so it is unknown unless one is injected by hand"
    if threshold.kind == "availability" and (probe is None or probe.step != metric):
        return f"{metric!r} is not probed, so it is unknown: add `probe: {{step: {metric}, rate: 20/s}}`"
    if target is not None and threshold.kind in ("latency", "error_rate", "amplification"):
        steps = {step.step for steps in (target.journey, *target.flows.values()) for step in steps}
        known = {*steps, *target.probes}
        known |= set(_CLOCKS if threshold.kind == "latency" else _ALL if threshold.kind == "amplification" else ())
        if metric not in known:
            hint = did_you_mean(metric, known) or f"there are {', '.join(sorted(steps))}"
            return f"the target has no step {metric!r}, so it is unknown ({hint})"
    return _too_short(threshold, rehearsal)


def _too_short(threshold: Threshold, rehearsal: Rehearsal) -> str:
    """A window that is longer than all it looks at can never be broken."""
    span, scope = threshold.span, threshold.scope
    if span is None or scope is None or scope.when not in ("in", "during"):
        return ""
    if scope.when == "in":
        lasting = [int(phase.for_) for phase in rehearsal.load if phase.phase == scope.name and phase.for_ is not None]
    else:
        lasting = [int(fault.for_) for fault in _meant(scope.name, rehearsal)]
    if not lasting or max(lasting) >= span.lasting_ns:
        return ""
    return f"{scope} there are only {show_duration(max(lasting))}, so it can never be broken {span}, and is unknown"


def _meant(name: str, rehearsal: Rehearsal) -> list[Fault]:
    named = []
    for number, fault in enumerate(rehearsal.chaos):
        kind = "toxics" if fault.toxics else "exec" if fault.exec else fault.brownout
        command = fault.exec.run if fault.exec else []
        if name in ("fault", str(number), fault.link, kind, fault.brownout, *command):
            named.append(fault)
    return named

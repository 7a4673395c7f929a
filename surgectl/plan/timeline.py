"""When things break: the profile's faults as windows on the run's clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.plan.model import PlannedFault, PlannedPhase
from surgectl.profile.check_rehearsal import parse_at
from surgectl.profile.rehearsal import Fault, Toxic


def timeline(faults: Iterable[Fault], phases: Sequence[PlannedPhase]) -> tuple[PlannedFault, ...]:
    """Faults in the order they begin, numbered so. Raises UsageError for an instant before the run.

    Optional ones are among them: which can be played, `playable` says.
    """
    starts = {phase.name: phase.start_ns for phase in phases}
    placed: list[tuple[int, Fault]] = []
    for number, fault in enumerate(faults):
        where = f"chaos[{number}].at"
        try:
            phase, offset_ns = parse_at(fault.at)
        except ValueError as error:
            raise UsageError(str(error), where=where) from error
        if phase is not None and phase not in starts:
            raise UsageError(f'no phase is called "{phase}"', where=where, hint=did_you_mean(phase, starts))
        from_ns = offset_ns + (starts[phase] if phase is not None else 0)
        if from_ns < 0:
            raise UsageError(f'"{fault.at}" lies before the run begins', where=where)
        placed.append((from_ns, fault))
    placed.sort(key=lambda pair: (pair[0], pair[1].link or "", pair[1].brownout or ""))
    return tuple(_planned(str(number), from_ns, fault) for number, (from_ns, fault) in enumerate(placed))


def playable(
    faults: Sequence[PlannedFault], links: Collection[str]
) -> tuple[tuple[PlannedFault, ...], tuple[PlannedFault, ...]]:
    """Faults that can be played on these links, and those that are left out: optional, and no such link.

    UsageError where a fault that is not optional names a link that is not there.
    """
    out = [fault for fault in faults if fault.link and fault.link not in links]
    for fault in out:
        if not fault.optional:
            hint = did_you_mean(fault.link, links) or "optional: true leaves it out where there is none"
            raise UsageError(f'the target has no link "{fault.link}"', where=f"chaos: {fault.brownout}", hint=hint)
    return tuple(fault for fault in faults if fault not in out), tuple(out)


def _planned(number: str, from_ns: int, fault: Fault) -> PlannedFault:
    kind = "exec" if fault.exec else fault.brownout or "toxics"
    planned = PlannedFault(
        fault=number,
        from_ns=from_ns,
        to_ns=from_ns + int(fault.for_),
        link=fault.link or "",
        brownout=kind,
        optional=fault.optional,
    )
    if fault.exec:
        return msgspec.structs.replace(
            planned,
            run=tuple(fault.exec.run),
            heal=tuple(fault.exec.heal),
            check=tuple(fault.exec.check),
            exec_timeout_ns=int(fault.exec.timeout),
        )
    if fault.brownout:
        return msgspec.structs.replace(planned, toxicity=None if fault.toxicity is None else float(fault.toxicity))
    return msgspec.structs.replace(planned, toxics=tuple(_spelled(toxic) for toxic in fault.toxics))


def _spelled(toxic: Toxic) -> dict[str, object]:
    """As Toxiproxy's API spells it."""
    return {
        "type": toxic.type,
        "stream": toxic.stream,
        "toxicity": float(toxic.toxicity),
        "attributes": dict(toxic.attributes),
    }

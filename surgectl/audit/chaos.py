"""Was the shop really hurt as planned, and is it healed: what each fault came to, planned or by hand."""

from __future__ import annotations

from typing import Literal

import msgspec

from surgectl.audit.expectations import Expectations
from surgectl.recording.manifest import FaultNote
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S

By = Literal["plan", "hand"]


class ChaosResult(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `applied` is the proxy's read-back, `verified` means that traffic was seen to suffer."""

    fault: str
    link: str
    brownout: str
    planned_from_s: float
    planned_to_s: float
    """Of a fault by hand: as long as it was on."""
    applied: bool
    verified: bool
    healed: bool
    applied_at_s: float | None = None
    healed_at_s: float | None = None
    lingers: bool = False
    """It was on, and no canary came through unhurt after it: the fault, or what it did to the link, stayed."""
    observed: dict[str, int] = {}
    detail: str = ""
    by: By = "plan"
    """One by hand was asked for by nobody beforehand: that it did not bite makes nothing inconclusive."""


def chaos(relations: Relations, expectations: Expectations) -> list[ChaosResult]:
    """The planned faults in order, then those by hand. `healed` of a fault that was never applied is true: nothing is
    left of it."""
    planned = [_result(relations, plan, "plan") for plan in expectations.faults]
    return planned + [_result(relations, note, "hand") for note in _by_hand(relations, expectations)]


def _by_hand(relations: Relations, expectations: Expectations) -> list[FaultNote]:
    """Those that the manifest tells of, and those that the recording alone knows: its run was killed."""
    told = {fault.fault: fault for fault in (*expectations.faults, *expectations.by_hand)}
    seen = relations.rows(
        "SELECT fault, max(link), max(brownout), min(at_ns), max(at_ns) FROM faults GROUP BY fault ORDER BY min(at_ns)"
    )
    more = [
        FaultNote(fault=fault, from_ns=from_ns, to_ns=to_ns, link=link or "", brownout=brownout or "")
        for fault, link, brownout, from_ns, to_ns in seen
        if fault not in told
    ]
    return [*expectations.by_hand, *more]


def _result(relations: Relations, plan: FaultNote, by: By) -> ChaosResult:
    rows = relations.dicts(
        "SELECT event, at_ns, detail, observed FROM faults WHERE fault = ? ORDER BY at_ns, file, line", [plan.fault]
    )
    at = {row["event"]: row["at_ns"] for row in rows}
    observed: dict[str, int] = {}
    for row in rows:
        for name, count in dict(row["observed"] or {}).items():
            observed[name] = max(observed.get(name, 0), int(count))
    applied = "applied" in at
    # Nobody said beforehand how long one by hand was to be: it was meant for as long as it was on.
    over_ns = max((at[event] for event in ("healed", "cleared") if event in at), default=plan.to_ns)
    return ChaosResult(
        fault=plan.fault,
        link=plan.link,
        brownout=plan.brownout,
        planned_from_s=plan.from_ns / NS_PER_S,
        planned_to_s=(over_ns if by == "hand" else plan.to_ns) / NS_PER_S,
        applied=applied,
        verified="verified" in at,
        healed="healed" in at or "cleared" in at or (not applied and not {"failed", "begun"} & at.keys()),
        lingers=applied and "healed" not in at,
        applied_at_s=at["applied"] / NS_PER_S if applied else None,
        healed_at_s=at["healed"] / NS_PER_S if "healed" in at else None,
        observed=dict(sorted(observed.items())),
        detail="; ".join(dict.fromkeys(row["detail"] for row in rows if row["detail"])),
        by=by,
    )

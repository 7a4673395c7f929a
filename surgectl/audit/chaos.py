"""Was the shop really hurt as planned, and is it healed: what each planned fault came to."""

from __future__ import annotations

import msgspec

from surgectl.audit.expectations import Expectations
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S


class ChaosResult(msgspec.Struct, frozen=True, kw_only=True):
    """One planned fault. `applied` is the proxy's read-back, `verified` means that traffic was seen to suffer."""

    fault: str
    link: str
    brownout: str
    planned_from_s: float
    planned_to_s: float
    applied: bool
    verified: bool
    healed: bool
    applied_at_s: float | None = None
    healed_at_s: float | None = None
    lingers: bool = False
    """It was on, and no canary came through unhurt after it: the fault, or what it did to the link, stayed."""
    observed: dict[str, int] = {}
    detail: str = ""


def chaos(relations: Relations, expectations: Expectations) -> list[ChaosResult]:
    """The planned faults in order. `healed` of a fault that was never applied is true: nothing is left of it."""
    results = []
    for plan in expectations.faults:
        rows = relations.dicts(
            "SELECT event, at_ns, detail, observed FROM faults WHERE fault = ? ORDER BY at_ns, file, line", [plan.fault]
        )
        at = {row["event"]: row["at_ns"] for row in rows}
        observed: dict[str, int] = {}
        for row in rows:
            for name, count in dict(row["observed"] or {}).items():
                observed[name] = max(observed.get(name, 0), int(count))
        applied = "applied" in at
        results.append(
            ChaosResult(
                fault=plan.fault,
                link=plan.link,
                brownout=plan.brownout,
                planned_from_s=plan.from_ns / NS_PER_S,
                planned_to_s=plan.to_ns / NS_PER_S,
                applied=applied,
                verified="verified" in at,
                healed="healed" in at or "cleared" in at or (not applied and not {"failed", "begun"} & at.keys()),
                lingers=applied and "healed" not in at,
                applied_at_s=at["applied"] / NS_PER_S if applied else None,
                healed_at_s=at["healed"] / NS_PER_S if "healed" in at else None,
                observed=dict(sorted(observed.items())),
                detail="; ".join(dict.fromkeys(row["detail"] for row in rows if row["detail"])),
            )
        )
    return results

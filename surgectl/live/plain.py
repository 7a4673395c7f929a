"""One line every few seconds, for logs, pipes and CI."""

from __future__ import annotations

from surgectl.live.health import in_plain_words
from surgectl.live.snapshot import Snapshot
from surgectl.text import one_line
from surgectl.units import NS_PER_S

EVERY_S = 5.0


def line(snap: Snapshot) -> str:
    """`  12s storm  arrived 812/3000  on site 64  held 402  confirmed 371  in doubt 4  FAULT slow applied  | …`"""
    on = [f"{f.planned.brownout} {f.state}" for f in snap.faults if f.state in ("applied", "verified", "cleared")]
    _, health = in_plain_words(snap.vitals, snap.dropped, snap.lost, snap.workers, snap.late)
    parts = [
        f"{max(0, snap.now_ns) // NS_PER_S:4d}s {one_line(snap.doing, 60):<9}",
        f"arrived {snap.funnel.get('arrived', 0)}/{snap.planned}",
        f"on site {snap.active}",
        *(f"{stage} {snap.funnel[stage]}" for stage in ("held", "confirmed") if stage in snap.funnel),
        f"in doubt {snap.open_info}",
    ]
    if snap.paused or snap.pausing:
        parts.append(f"{'PAUSED, ' if snap.pausing else ''}{snap.paused} never came")
    if on:
        parts.append(f"FAULT {one_line(', '.join(on), 200)}")
    return "  ".join(parts) + f"  | {health}"


def events(snap: Snapshot, told: int) -> list[str]:
    """What was said after the first `told` events, a line each; of very many the newest."""
    fresh = snap.log[-(snap.said - told) :] if snap.said > told else []
    return [f"{max(0.0, at_ns / NS_PER_S):4.0f}s * {said}" for at_ns, said in fresh]

"""One line every few seconds, for logs, pipes and CI."""

from __future__ import annotations

from surgectl.live.health import in_plain_words
from surgectl.live.snapshot import Snapshot
from surgectl.units import NS_PER_S

EVERY_S = 5.0


def line(snap: Snapshot) -> str:
    """`  12s storm  arrived 812/3000  held 402 confirmed 371 in doubt 4 | fault: lost-reply | on time …`"""
    faults = ", ".join(f"{f.planned.brownout} {f.state}" for f in snap.faults if f.state in ("applied", "verified"))
    _, health = in_plain_words(snap.vitals, snap.dropped, snap.lost)
    parts = [
        f"{max(0, snap.now_ns) // NS_PER_S:4d}s {snap.doing:<9}",
        f"arrived {snap.funnel['arrived']}/{snap.planned}",
        f"on site {snap.active}",
        f"held {snap.funnel['held']}",
        f"confirmed {snap.funnel['confirmed']}",
        f"in doubt {snap.open_info}",
    ]
    if faults:
        parts.append(f"FAULT {faults}")
    return "  ".join(parts) + f"  | {health}"

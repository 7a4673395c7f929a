"""How the load generator itself is doing, in words that need no explanation."""

from __future__ import annotations

from surgectl.recording.rows import VitalsRow
from surgectl.units import show_duration

LAGGING_NS = 100_000_000
STARVED_CPU = 0.9


def in_plain_words(
    vitals: VitalsRow | None, dropped: int, lost: int, workers: int = 1, late: int = 0
) -> tuple[bool, str]:
    """(healthy?, one sentence). Of several workers the busiest one's share of a core is told."""
    missed = ", ".join(f"{n:,} {what}" for n, what in ((dropped, "arrivals dropped"), (late, "arrivals late")) if n)
    if vitals is None:
        return (False, f"behind: {missed}") if missed else (True, "warming up")
    busy = f"{vitals.cpu:.0%} of a core" if workers == 1 else f"{workers} workers, the busiest at {vitals.cpu:.0%}"
    where = f"{busy}, {vitals.sockets:,} sockets, {vitals.rss_bytes // 2**20} MiB"
    if missed:
        return False, f"behind: {missed}; {where}"
    if vitals.lag_ns > LAGGING_NS or vitals.arrival_lag_ns > LAGGING_NS:
        worst = max(vitals.lag_ns, vitals.arrival_lag_ns)
        return False, f"late by up to {show_duration(worst)}; {where}"
    if vitals.cpu > STARVED_CPU:
        return False, f"nearly out of CPU; {where}"
    note = f"; {lost:,} rows not shown here" if lost else ""
    return True, f"on time (worst {show_duration(vitals.lag_ns)}); {where}{note}"

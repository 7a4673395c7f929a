"""What the meters show, as thresholds can be asked: a run as far as it is known, and never more than is sure."""

from __future__ import annotations

from collections.abc import Sequence

from surgectl.live.reading import Reading
from surgectl.stats.rough import Counts, add
from surgectl.thresholds.samples import CONFIRM, GOODPUT, Cell, Samples, Stretch, Ticks, Track, cuts_of, waited
from surgectl.thresholds.threshold import FATES
from surgectl.units import NS_PER_S

SLACK_NS = NS_PER_S
"""Rows of one shard come in the order of time but for those that waited to be written: never so long."""


def samples_of(
    reading: Reading,
    phases: Sequence[Stretch],
    faults: Sequence[Stretch],
    *,
    profiles: Sequence[str] = (),
    probes_per_s: float = 0.0,
    since_ns: int = 0,
) -> Samples:
    """The run as it is known now. `faults`: those that were applied; one that is still on ends with our knowledge.

    `profiles`: the retry profiles that the meters kept apart. `since_ns`: what was before is left out.
    """
    end_ns = reading.seen_ns - SLACK_NS
    cuts, edges = cuts_of(NS_PER_S, end_ns, ())
    tracks: dict[tuple[str, str], Track] = {}
    ticks: dict[tuple[str, str], Ticks] = {}
    arrivals = 0
    seconds = end_ns // NS_PER_S  # the last cell is not whole, and what lies behind it not known
    for metered in reading.cells:
        if metered.second > seconds or (metered.second + 1) * NS_PER_S <= since_ns:
            continue
        for of in _whose(metered.profile):
            track = tracks.get((metered.step, of))
            if track is None:
                track = tracks[metered.step, of] = Track(metered.step, of, False, {})
            cell = track.cells.setdefault(metered.second, Cell())
            add(cell.ended, metered.ended)
            cell.ended_ns += metered.ended_ns
            add(cell.open, metered.open)
            # Of a row that was lost nobody knows whether it was the end of one of these.
            lasted_ns = 0 if reading.lost else reading.seen_ns - (metered.second + 1) * NS_PER_S
            still = cell.open if metered.step == CONFIRM else cell.waiting
            waited(still, max(0, lasted_ns), metered.waiting)
            waited(cell.open, 0, metered.vague)
            ours = metered.unsent if metered.step.startswith("=") else 0  # a probe that came late: our own fault
            cell.total += metered.begun - ours
            cell.bad += metered.bad
            cell.undecided += metered.begun - metered.done
            cell.sends += metered.done - metered.unsent
            cell.wanted += metered.begun
            cell.first += metered.first
    for tick in reading.ticks:
        if tick.event in ("arrived", "dropped"):
            arrivals += tick.count
        if tick.second > seconds or (tick.second + 1) * NS_PER_S <= since_ns:
            continue
        for of in _whose(tick.profile):
            for event in _events(tick.event):
                kept = ticks.get((event, of))
                if kept is None:
                    kept = ticks[event, of] = Ticks(event, of, False, {})
                counts: Counts = kept.counts
                counts[tick.second] = counts.get(tick.second, 0) + tick.count
    for of in ("", *profiles):  # of whom nothing was seen yet, nothing was seen: that is no reason not to know them
        for step in {step for step, _ in tracks} | {CONFIRM}:
            tracks.setdefault((step, of), Track(step, of, False, {}))
        for event in {event for event, _ in ticks} | {GOODPUT + fate for fate in ("resolved", *FATES)}:
            ticks.setdefault((event, of), Ticks(event, of, False, {}))
    return Samples(
        step_ns=NS_PER_S,
        end_ns=end_ns,
        cuts=cuts,
        edges=edges,
        phases=tuple(phases),
        faults=tuple(faults),
        arrivals=arrivals,
        tracks=tuple(tracks.values()),
        ticks=tuple(ticks.values()),
        live=True,
        lost=reading.lost,
        probes_per_step=probes_per_s,
    )


def _whose(profile: str) -> tuple[str, ...]:
    """Everybody, and the retry profile where it is kept by itself."""
    return ("", profile) if profile else ("",)


def _events(event: str) -> tuple[str, ...]:
    return (event, GOODPUT + "resolved") if event.startswith(GOODPUT) else (event,)

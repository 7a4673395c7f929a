"""A recording as it was seen while it happened: its rows in the order of time, folded up to an instant.

Each worker's rows are counted by themselves and added up, as while they ran; what broke and was said belongs to all.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path

from surgectl.live.snapshot import Snapshot
from surgectl.live.view import LiveView
from surgectl.plan.model import PlannedFault, PlannedPhase
from surgectl.recording.folder import Folder
from surgectl.recording.manifest import Manifest
from surgectl.recording.rows import DoneRow, ProbeRow
from surgectl.recording.tail import Row, Tail
from surgectl.units import NS_PER_S


def when_ns(row: Row) -> int:
    """When a row was written down, on the run's clock."""
    return row.done_ns if isinstance(row, DoneRow | ProbeRow) else row.at_ns


class Replay:
    """Shows one recording. `follow` takes what is there; `play_until` no more than had happened by an instant."""

    def __init__(self, folder: Path, manifest: Manifest, late_at_most_ns: int | None = None) -> None:
        phases = tuple(
            PlannedPhase(
                name=p.name,
                start_ns=p.start_ns,
                end_ns=p.end_ns,
                first_fan=p.first_fan,
                fans=p.fans,
                peak_rate_per_s=p.peak_rate_per_s,
            )
            for p in manifest.phases
        )
        faults = tuple(
            PlannedFault(fault=f.fault, from_ns=f.from_ns, to_ns=f.to_ns, link=f.link, brownout=f.brownout)
            for f in manifest.faults
        )
        self.ends_ns = max((phase.end_ns for phase in phases), default=0)
        """When the load was to end."""
        self.last_ns = 0
        """When the last row that was played had been written."""
        fans = sum(phase.fans for phase in phases)
        place = Folder(folder)
        self._whole = LiveView(phases, faults, fans, self.ends_ns)
        self._whole.links = tuple(link.name for link in manifest.links)
        shards = range(max(1, manifest.workers))
        self._shards = [LiveView((), (), fans, self.ends_ns, late_at_most_ns=late_at_most_ns) for _ in shards]
        self._files: list[tuple[LiveView, Tail]] = [(self._whole, Tail(place.chaos))]
        for shard, view in enumerate(self._shards):
            self._files += [(view, Tail(place.ops_file(shard))), (view, Tail(place.vitals_file(shard)))]
        self._played: Iterator[tuple[int, int, LiveView, Row]] | None = None
        self._next: tuple[int, int, LiveView, Row] | None = None

    def __repr__(self) -> str:
        return f"<Replay of {len(self._shards)} shards>"

    def follow(self) -> int:
        """Count what has come since the last time, some thousand rows at most → how many there were."""
        found = 0
        for view, tail in self._files:
            rows = tail.more()
            view.fold_all(rows)
            found += len(rows)
        return found

    def play_until(self, now_ns: int) -> bool:
        """Count what had happened by then; False once everything has. Not to be mixed with `follow`."""
        if self._played is None:
            self._played = heapq.merge(*(_timed(n, *file) for n, file in enumerate(self._files)))
            self._next = next(self._played, None)
        while self._next is not None and self._next[0] <= now_ns:
            self.last_ns = self._next[0]
            self._next[2].fold(self._next[3])
            self._next = next(self._played, None)
        return self._next is not None

    def snapshot(self, now_ns: int, manifest: Manifest) -> Snapshot:
        """How it looked then. What was done at the time is told by the manifest, as far as it knows."""
        for shard, view in enumerate(self._shards):
            self._whole.hear(shard, view.portion())
        self._whole.doing = doing(now_ns, self.ends_ns, manifest)
        return self._whole.snapshot(now_ns)


def doing(now_ns: int, load_ends_ns: int, manifest: Manifest) -> str:
    """The rehearsal's step at an instant, in a word or two."""
    if manifest.status != "running" and now_ns >= manifest.duration_s * NS_PER_S:
        return {"done": "over", "aborted": "over: aborted", "failed": "over: failed"}[manifest.status]
    if now_ns < load_ends_ns and (manifest.last_fan_ns is None or now_ns < manifest.last_fan_ns):
        return "storm" if now_ns >= 0 else "getting ready"
    return "draining" if manifest.last_fan_ns is None or now_ns < manifest.last_fan_ns else "settling"


def _timed(number: int, view: LiveView, tail: Tail) -> Iterator[tuple[int, int, LiveView, Row]]:
    """A file's rows with their times; one that was written late never turns time back."""
    last = -1 << 62
    count = 0
    while rows := tail.more():
        for row in rows:
            last = max(last, when_ns(row))
            count += 1
            yield last, number << 40 | count, view, row

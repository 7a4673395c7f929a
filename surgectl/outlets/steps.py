"""What came of each step's attempts so far, kept up from the meter: only seconds that changed are looked at again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import msgspec

from surgectl.live.reading import Cell, Reading
from surgectl.outlets.measured import BOUNDS_S, Buckets, StepSeen
from surgectl.stats.rough import EDGES, low_of
from surgectl.thresholds.samples import CONFIRM, PROBED
from surgectl.units import NS_PER_S

_LONGEST = len(BOUNDS_S)
_BUCKETS = tuple(
    bisect_left(BOUNDS_S, EDGES[counter + 1] / NS_PER_S) if counter + 1 < len(EDGES) else _LONGEST
    for counter in range(len(EDGES))
)
"""The meter's counter → our bucket. Every bound is an edge of the meter's, so none is split."""


class _Sums(msgspec.Struct):
    """Of one step."""

    done: int = 0
    unsent: int = 0
    bad: int = 0
    ended: list[int] = msgspec.field(default_factory=lambda: [0] * (_LONGEST + 1))
    ended_ns: float = 0
    waited: list[int] = msgspec.field(default_factory=lambda: [0] * (_LONGEST + 1))
    waited_ns: float = 0

    def take(self, cell: Cell, sign: int) -> None:
        """Add what a second holds, or take it away again."""
        self.done += sign * cell.done
        self.unsent += sign * cell.unsent
        self.bad += sign * cell.bad
        self.ended_ns += sign * cell.ended_ns
        for counter, n in cell.ended.items():
            self.ended[_BUCKETS[counter]] += sign * n
        for counter, n in cell.open.items():
            self.waited[_BUCKETS[counter]] += sign * n
            self.waited_ns += sign * n * low_of(counter)


class Steps:
    """`steps.seen(reading)` as often as you like: counts only grow."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sums] = {}
        self._known: dict[tuple[str, str, int], Cell] = {}

    def __repr__(self) -> str:
        return f"<Steps {', '.join(self._sums)}>"

    def seen(self, reading: Reading | None) -> tuple[StepSeen, ...]:
        """Every step, the payment's clock (`CONFIRM`) and each probe (`PROBED` before its name), by name."""
        self._catch_up(reading.cells if reading is not None else ())
        return tuple(_seen(step, sums) for step, sums in sorted(self._sums.items()))

    def _catch_up(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            if cell.step.startswith("=") and cell.step != CONFIRM and not cell.step.startswith(PROBED):
                continue
            key = (cell.step, cell.profile, cell.second)
            known = self._known.get(key)
            if known is not None and known.done == cell.done:
                continue
            sums = self._sums.setdefault(cell.step, _Sums())
            if known is not None:
                sums.take(known, -1)
            # The meter's own cell goes on growing.
            copy = self._known[key] = msgspec.structs.replace(cell, ended=dict(cell.ended), open=dict(cell.open))
            sums.take(copy, 1)


def _seen(step: str, sums: _Sums) -> StepSeen:
    ends: Mapping[str, int] = {
        "answered": sums.done - sums.bad,
        "doubtful": sums.bad - sums.unsent,
        "unsent": sums.unsent,
    }
    latencies = {
        "answered": Buckets(tuple(sums.ended), sums.ended_ns / NS_PER_S),
        "doubtful": Buckets(tuple(sums.waited), sums.waited_ns / NS_PER_S),
    }
    return StepSeen(step=step, ends=ends, latencies={name: took for name, took in latencies.items() if took.count})

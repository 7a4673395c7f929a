"""The meters of all shards, kept together while the run lasts: whoever looks sees them as one."""

from __future__ import annotations

from surgectl.live.reading import Cell, Reading, Tick, together


class Meters:
    """What each shard's meter last said: here, and in other processes by what they sent."""

    def __init__(self) -> None:
        self._cells: dict[int, dict[tuple[str, str, int], Cell]] = {}
        self._ticks: dict[int, dict[tuple[str, str, int], Tick]] = {}
        self._latest: dict[int, Reading] = {}

    def hear(self, shard: int, news: Reading) -> None:
        """What changed in a shard's meter."""
        cells, ticks = self._cells.setdefault(shard, {}), self._ticks.setdefault(shard, {})
        for cell in news.cells:
            cells[cell.step, cell.profile, cell.second] = cell
        for tick in news.ticks:
            ticks[tick.event, tick.profile, tick.second] = tick
        self._latest[shard] = news

    def reading(self, of: int) -> Reading:
        """All of it, as if one meter had seen all rows; what one of the `of` shards has not told yet is not known."""
        silent = [Reading()] * (of - len(self._latest))
        return together(
            silent
            + [
                Reading(
                    cells=tuple(self._cells[shard].values()),
                    ticks=tuple(self._ticks[shard].values()),
                    seen_ns=latest.seen_ns,
                    lost=latest.lost,
                )
                for shard, latest in self._latest.items()
            ]
        )

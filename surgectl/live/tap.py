"""What a watcher may see of a run without ever slowing it down: the newest rows, and how many were missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from surgectl.recording.rows import ChaosRow, OpRow, VitalsRow

Row = OpRow | ChaosRow | VitalsRow


class Tap:
    """A bounded queue between the run and its watcher. Lossy on purpose: it informs, the recording judges."""

    def __init__(self, most: int = 50_000) -> None:
        self.lost = 0
        """Rows that were thrown away because nobody drained in time: the oldest go first."""
        self._rows: deque[Row] = deque(maxlen=most)

    def __repr__(self) -> str:
        return f"<Tap rows={len(self._rows)} lost={self.lost}>"

    def publish(self, row: Row) -> None:
        """Offer a row; never blocks."""
        if len(self._rows) == self._rows.maxlen:
            self.lost += 1
        self._rows.append(row)

    def publish_all(self, rows: Sequence[Row]) -> None:
        """Offer several, oldest first; never blocks."""
        self.lost += max(0, len(self._rows) + len(rows) - (self._rows.maxlen or 0))
        self._rows.extend(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def drain(self, most: int | None = None) -> list[Row]:
        """What was offered since the last call, oldest first; `most`: no more of it than so many."""
        take = len(self._rows) if most is None else min(most, len(self._rows))
        return [self._rows.popleft() for _ in range(take)]

"""A line in which somebody else's turn comes before yours: what shops share that do not let in who came first."""

from __future__ import annotations

from surgectl.stage.boxoffice.rows import Place
from surgectl.stage.boxoffice.waiting_room import WaitingRoom


class UnfairRoom(WaitingRoom):
    """Knows who is in by name, since no number says it any more. Positions are shown as if all were well."""

    def __init__(self, per_s: float, inside_limit: int, idle_ns: int, **how: object) -> None:
        super().__init__(per_s, inside_limit, idle_ns, **how)  # type: ignore[arg-type]
        self._in: set[int] = set()

    def turn(self, place: Place) -> tuple[int, int]:
        """Who has the lowest is let in next."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        return len(self) - len(self._in)

    def restore(self, places: list[Place], head: int) -> None:
        super().restore(places, head)
        self._in = {place.seq for place in places if super(UnfairRoom, self).position(place.seq) == 0}

    def position(self, seq: int) -> int:
        return 0 if seq in self._in else max(1, self._number.get(seq, seq) - len(self._in))

    def _next(self, count: int) -> list[Place]:
        outside = [place for place in self._places if place is not None and place.seq not in self._in]
        return sorted(outside, key=self.turn)[: max(0, count)]

    def let_in(self, admitted: list[Place], now_ns: int) -> None:
        super().let_in(admitted, now_ns)
        self._in.update(place.seq for place in admitted)

"""Shows a guess for a position, and guesses anew each time: who waits is told now and then that they fell back."""

from __future__ import annotations

from surgectl import chance
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.waiting_room import WaitingRoom

_LEAST, _MOST = 0.6, 1.6


class Guesses(WaitingRoom):
    """Whose turn it is stays true; only the number on the page is not."""

    def shown(self, seq: int, now_ns: int) -> int:
        position = self.position(seq)
        return round(position * chance.between(_LEAST, _MOST, seq, "position-jumps", now_ns)) + 1 if position else 0


CONDUCT = Conduct(room=Guesses)

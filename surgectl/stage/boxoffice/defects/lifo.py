"""Lets in whoever came last: those who have waited longest wait on."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.unfair_room import UnfairRoom
from surgectl.stage.boxoffice.rows import Place


class Stack(UnfairRoom):
    """A list that was emptied from the wrong end."""

    def turn(self, place: Place) -> tuple[int, int]:
        return 0, -place.seq


CONDUCT = Conduct(room=Stack)

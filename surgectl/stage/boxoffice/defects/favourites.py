"""Has favourites: one fan in eight is always let in before everybody else, whenever they came."""

from __future__ import annotations

import hashlib

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.unfair_room import UnfairRoom
from surgectl.stage.boxoffice.rows import Place

_ONE_IN = 8


class SideDoor(UnfairRoom):
    """Some addresses have a priority that nobody ever took back."""

    def turn(self, place: Place) -> tuple[int, int]:
        # A checksum would not do: addresses that differ in one digit would be favourites all, or none.
        favourite = hashlib.blake2b(place.email.casefold().encode(), digest_size=1).digest()[0] % _ONE_IN == 0
        return 0 if favourite else 1, place.seq


CONDUCT = Conduct(room=SideDoor)

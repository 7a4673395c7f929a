"""Joining the line and asking how far it has come."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.replies import Reply, read_body
from surgectl.stage.boxoffice.rows import Place
from surgectl.stage.boxoffice.shop import Shop, write_place
from surgectl.stage.boxoffice.signing import Signer

PLACES = "/api/queue/"
"""Before the id of a place, in URLs."""


class Join(msgspec.Struct):
    email: str


_join = msgspec.json.Decoder(Join)


class Line:
    """The waiting room, as a fan meets it."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def join(self, request: Asked) -> Reply:
        shop = self._shop
        want = read_body(_join, await request.read())
        if "@" not in want.email:
            raise Refused(400, "BAD_REQUEST", "email must be an e-mail address")
        if shop.sold_out:
            raise Refused(410, "SOLD_OUT", "every seat is sold")
        intent = request.headers.get("X-Surge-Intent")
        place, _ = shop.room.join(want.email, intent, shop.counter.now_ns())
        await shop.counter.writer.run(lambda books: write_place(books, place))
        return 202, self._told(place, shop.signer.sign("place", place.seq))

    def look_up(self, place_id: str) -> Reply:
        seq = self._shop.signer.read("place", place_id)
        place = self._shop.room.find(seq) if seq is not None else None
        if place is None:
            raise Refused(404, "NO_PLACE", "there is no such place in line")
        if self._shop.sold_out and place.seq not in self._shop.served:
            raise Refused(410, "SOLD_OUT", "every seat is sold")
        return 200, self._told(place, place_id)

    def _told(self, place: Place, place_id: str) -> dict[str, object]:
        room, signer, now_ns = self._shop.room, self._shop.signer, self._shop.counter.now_ns()
        ask_ms = room.poll_after_ms(place.seq, now_ns)
        if (draw_in_ms := room.draw_in_ms(place.seq, now_ns)) is not None:
            return {
                "id": place_id,
                "state": "prequeue",
                "position": None,
                "poll_after_ms": ask_ms,
                "draw_in_ms": draw_in_ms,
            }
        position, shown = room.position(place.seq), room.shown(place.seq, now_ns)
        return told_in_line(signer, place.seq, place_id, position, shown, room.wait_s(place.seq), ask_ms)


def told_in_line(
    signer: Signer, seq: int, place_id: str, position: int, shown: int, wait_s: float, poll_after_ms: int
) -> dict[str, object]:
    """What a fan with a number is told; whoever is in has the pass with it."""
    told: dict[str, object] = {
        "id": place_id,
        "state": "waiting" if position else "admitted",
        "position": shown,
        "poll_after_ms": poll_after_ms,
        "wait_s": round(wait_s, 3),
    }
    if not position:
        told["pass"] = signer.sign("pass", seq)
    return told

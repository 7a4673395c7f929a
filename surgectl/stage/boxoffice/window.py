"""The shop window: what anybody may look at, a hundred times for every ticket that is sold."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.cache import View
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.replies import Reply, read_number
from surgectl.stage.boxoffice.rows import FREE, Hall
from surgectl.stage.boxoffice.seating import Block, SeatMap
from surgectl.stage.boxoffice.shop import Shop

ANYWHERE = "any"
"""In place of a block: whatever is left, where no block has enough for the asker's party."""

_FEW = 0.1  # of the capacity: below it the event page says that few are left
_LOOK_AGAIN_MS = 1000  # twice as long as a look may be old: sooner there is nothing new to see
_encode = msgspec.json.Encoder().encode


class Window:
    """The event page and the seat map, each as of one look at the books.

    Whether the sale is over is never read from a look, which may be old or another's: it is known for certain here.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        on_map = isinstance(shop.seating, SeatMap)
        key = f"{shop.options.cache_prefix}:{shop.signer.sign('sale', 0)}:hall"
        self._hall = View(
            key, Hall, lambda: shop.reader.hall(shop.counter.now_ns(), on_map), shop.counter.now_ns, shop.cache
        )
        shop.closing.append(self._hall.close)
        self._drawn: dict[tuple[str, int], bytes] = {}  # replies about the look of `_drawn_ns`, as they leave
        self._drawn_ns = 0

    async def event(self, request: Asked) -> Reply:
        """GET /api/events/{sku}"""
        shop, options = self._shop, self._shop.options
        hall = await self._look()
        free, sold_out = hall.stock.available, shop.sold_out
        few = free < options.capacity * _FEW
        return 200, {
            "sku": options.sku,
            "name": options.title,
            "price": options.price_minor,
            "currency": options.currency,
            "limit": options.limit,
            "seating": options.seating,
            "availability": "sold-out" if sold_out else "held" if not free else "few" if few else "many",
            "available": 0 if sold_out else free,
            "sold_out": sold_out,
            "as_of": hall.as_of_ns / 1e9,
            "look_again_ms": _LOOK_AGAIN_MS,
        }

    async def seats(self, request: Asked) -> Reply:
        """GET /api/seats?qty=: the blocks of the hall. GET /api/seats?block=: the seats of one."""
        seating = self._shop.seating
        if not isinstance(seating, SeatMap):
            raise Refused(404, "NO_MAP", "this sale has no seat map: POST /api/holds with a qty")
        qty = max(1, read_number(request, "qty", 1))
        name = request.query.get("block", "")
        block = seating.block(name)
        if name and block is None and name != ANYWHERE:
            raise Refused(404, "NO_BLOCK", "there is no such block; GET /api/seats names them")
        hall = await self._look()
        if self._drawn_ns != hall.as_of_ns:
            self._drawn_ns, self._drawn = hall.as_of_ns, {}
        if self._shop.sold_out:
            return 200, {"state": "sold-out", "sold_out": True, "open": [], "free": [], "as_of": hall.as_of_ns / 1e9}
        # A party is no larger than the limit, so the replies to one look stay few.
        wish = (name, 0 if name else min(qty, self._shop.options.limit + 1))
        told = self._drawn.get(wish)
        if told is None:
            whole = self._overview(hall, seating, wish[1]) if not name else self._seats_of(hall, seating, block)
            told = self._drawn[wish] = _encode(whole)
        return 200, told

    async def _look(self) -> Hall:
        hall = await self._hall.read()
        if hall is None:
            raise self._shop.shedding.busy("the window cannot be dressed now")
        return hall

    def _overview(self, hall: Hall, seating: SeatMap, qty: int) -> dict[str, object]:
        options, stock = self._shop.options, hall.stock
        free = {block.name: _free_in(hall, block) for block in seating.blocks}
        open_ = [name for name, count in free.items() if count >= qty]
        if not open_ and stock.available >= qty:
            open_ = [ANYWHERE]
        enough = stock.capacity - stock.sold >= qty  # sold seats stay sold: an old look never says "no" too early
        return {
            "state": "open" if open_ else "held" if enough else "not-enough",
            "sold_out": False,
            "open": open_,
            "available": stock.available,
            "price": options.price_minor,
            "currency": options.currency,
            "blocks": [
                {
                    "block": block.name,
                    "price": options.price_minor,
                    "rows": len(seating.rows(block)),
                    "seats": block.last - block.first + 1,
                    "free": free[block.name],
                }
                for block in seating.blocks
            ],
            "as_of": hall.as_of_ns / 1e9,
            "poll_after_ms": _LOOK_AGAIN_MS,
        }

    def _seats_of(self, hall: Hall, seating: SeatMap, block: Block | None) -> dict[str, object]:
        blocks = (block,) if block is not None else seating.blocks
        told: dict[str, object] = {
            "state": "open",
            "sold_out": False,
            "price": self._shop.options.price_minor,
            "currency": self._shop.options.currency,
            "free": [seating.label(n) for b in blocks for n in range(b.first, b.last + 1) if _is_free(hall, n)],
            "as_of": hall.as_of_ns / 1e9,
            "poll_after_ms": _LOOK_AGAIN_MS,
        }
        if block is not None:
            told["block"] = block.name
            told["rows"] = [
                {"row": at, "seats": [{"seat": seating.label(n), "state": _state(hall, n)} for n in row]}
                for at, row in enumerate(seating.rows(block), start=1)
            ]
        return told


def _is_free(hall: Hall, n: int) -> bool:
    return hall.states[n - 1] == FREE


def _state(hall: Hall, n: int) -> str:
    return "free" if _is_free(hall, n) else "taken"


def _free_in(hall: Hall, block: Block) -> int:
    return hall.states.count(FREE, block.first - 1, block.last)

"""The box office as its own rooms see it: ask for a place, seats, an order; be told, or be refused.

Each is the request of the JSON API that docs/stage.md describes, so a room adds words of its own and nothing else.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import web

from surgectl.stage.boxoffice.asked import Tell, Written
from surgectl.stage.boxoffice.refusals import Refused


class EventTold(msgspec.Struct, frozen=True):
    """What is sold. `availability` is many, few, held (all in baskets) or sold-out; money in minor units."""

    sku: str
    name: str
    price: int
    currency: str
    limit: int
    seating: str
    availability: str
    available: int
    sold_out: bool


class BlockTold(msgspec.Struct, frozen=True):
    """A block of the seat map in the overview: how many of its seats are free."""

    block: str
    seats: int
    free: int


class SeatTold(msgspec.Struct, frozen=True):
    seat: str
    state: str


class RowTold(msgspec.Struct, frozen=True):
    row: int
    seats: tuple[SeatTold, ...]


class MapTold(msgspec.Struct, frozen=True):
    """The seat map: all blocks, or the rows of one."""

    state: str
    blocks: tuple[BlockTold, ...] = ()
    block: str = ""
    rows: tuple[RowTold, ...] = ()


class PlaceTold(msgspec.Struct, frozen=True):
    """A place in line: `state` is waiting or admitted, or before the draw something else with `draw_in_ms`."""

    id: str
    state: str
    position: int | None = None
    wait_s: float | None = None
    poll_after_ms: int = 500
    draw_in_ms: int | None = None
    pass_: str | None = msgspec.field(name="pass", default=None)


class HoldTold(msgspec.Struct, frozen=True):
    """Seats put aside. Money in minor units, `expires_at` in epoch seconds."""

    id: str
    qty: int
    seats: tuple[str, ...]
    total: int
    currency: str
    expires_at: float
    expires_in_ms: int


class OrderTold(msgspec.Struct, frozen=True):
    """An order as it stands. Money in minor units."""

    order: str
    state: str
    qty: int
    total: int
    currency: str
    seats: tuple[str, ...]
    tickets: tuple[str, ...]
    code: str | None = None
    poll_after_ms: int = 500


class StockTold(msgspec.Struct, frozen=True):
    """Where the seats are."""

    capacity: int
    available: int
    held: int
    pending: int
    sold: int


class _No(msgspec.Struct):
    code: str
    message: str = ""
    retry_after_ms: int | None = None


T = TypeVar("T")
_no = msgspec.json.Decoder(_No)


class Desk:
    """One method for each thing that can be asked. Refused carries the shop's code; 500 UNKNOWN is an open question."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def event(self, sku: str) -> EventTold:
        return await self._ask(Written("GET", f"/api/events/{_part(sku)}"), EventTold)

    async def seats(self, block: str = "") -> MapTold:
        """The overview, or one block."""
        return await self._ask(Written("GET", "/api/seats" + (f"?block={_part(block)}" if block else "")), MapTold)

    async def join(self, email: str, intent: str | None = None) -> PlaceTold:
        return await self._ask(Written("POST", "/api/queue", {"email": email}, _tagged(intent)), PlaceTold)

    async def place(self, place: str) -> PlaceTold:
        return await self._ask(Written("GET", f"/api/queue/{_part(place)}"), PlaceTold)

    async def hold(
        self, pass_: str, sku: str, qty: int, intent: str | None = None, seats: tuple[str, ...] = ()
    ) -> HoldTold:
        """Any `qty` seats, or exactly the `seats` of these labels."""
        body = {"sku": sku, "qty": qty, **({"seats": seats} if seats else {})}
        wish = Written("POST", "/api/holds", body, {"X-Pass": pass_, **_tagged(intent)})
        return await self._ask(wish, HoldTold)

    async def order(self, hold: str, card: str, email: str, key: str, intent: str | None = None) -> OrderTold:
        body = {"hold": hold, "payment_token": card, "email": email}
        wish = Written("POST", "/api/orders", body, {"Idempotency-Key": key, **_tagged(intent)})
        return await self._ask(wish, OrderTold)

    async def look(self, order: str) -> OrderTold:
        return await self._ask(Written("GET", f"/api/orders/{_part(order)}"), OrderTold)

    async def stock(self) -> StockTold:
        return await self._ask(Written("GET", "/api/admin/stock"), StockTold)

    async def books(self, kind: str, limit: int, offset: int, page: type[T]) -> T:
        """A page of one of the shop's books."""
        return await self._ask(Written("GET", f"/api/admin/{kind}?limit={limit}&offset={offset}"), page)

    async def _ask(self, wish: Written, told: type[T]) -> T:
        answer = await self._tell(wish)
        body = _body(answer)
        if answer.status < 300:
            return msgspec.json.decode(body, type=told)
        no = _no.decode(body)
        wait_s = None if no.retry_after_ms is None else -(-no.retry_after_ms // 1000)
        raise Refused(answer.status, no.code, no.message, retry_after_s=wait_s)


def _part(text: str) -> str:
    """One part of an address, whatever somebody typed: it stays that part."""
    return quote(text, safe="")


def _tagged(intent: str | None) -> dict[str, str]:
    return {} if intent is None else {"X-Surge-Intent": intent}


def _body(answer: web.Response) -> bytes:
    body = answer.body
    assert isinstance(body, bytes), "the shop answers in one piece"
    return body

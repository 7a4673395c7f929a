"""What fans ask over HTTP, and what they are answered."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from surgectl.stage.boxoffice import admin, holds, orders, stock
from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.request_log import Seen
from surgectl.stage.boxoffice.rows import Hold, Order, Place, seat_label
from surgectl.stage.boxoffice.shop import Shop, write_place

log = logging.getLogger("surgectl.stage.boxoffice")
_encode = msgspec.json.Encoder().encode
_WRITES_AT_MOST = 1000  # waiting write jobs; beyond it a new one would only wait longer than fans do
_ABOUT = b"<!doctype html><title>The box office</title><h1>The box office</h1><p>Doors, parking, lost property.</p>"

T = TypeVar("T")
Reply = tuple[int, object]


class Join(msgspec.Struct):
    email: str


class WantHold(msgspec.Struct):
    sku: str
    qty: int


class WantOrder(msgspec.Struct):
    hold: str
    payment_token: str
    email: str | None = None


_join = msgspec.json.Decoder(Join)
_want_hold = msgspec.json.Decoder(WantHold)
_want_order = msgspec.json.Decoder(WantOrder)


class Api:
    """One callable for aiohttp's low-level server: routing is two look-ups, and the log is never skipped."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._sale_now = 0
        self._posts: dict[str, Callable[[Asked], Awaitable[Reply]]] = {
            "/api/queue": self._join,
            "/api/holds": self._hold,
            "/api/orders": self._order,
        }

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        return self.log(request, await self.tell(request))

    async def tell(self, request: Asked) -> web.Response:
        """The answer to one wish, from the street or from a room that has translated it. Nothing is logged here."""
        path = request.path
        if not path.startswith("/api/"):
            # Bulkhead: pages outside the sale touch neither books nor limits, so the storm cannot shut them.
            return self._page(request.method, path)
        if path.startswith("/api/admin/"):
            return await self._answer(self._admin(request))
        if self._sale_now >= self._shop.options.in_flight:
            return _refusal(self._shop.shedding.busy("too many at the counters"))
        self._sale_now += 1
        try:
            return await self._answer(self._sale(request))
        finally:
            self._sale_now -= 1

    def _page(self, method: str, path: str) -> web.Response:
        if method in ("GET", "HEAD") and path in ("/", "/about"):
            return web.Response(body=_ABOUT, content_type="text/html", charset="utf-8")
        if method in ("GET", "HEAD") and path == "/healthz":
            return _json(200, {"ok": True, "waiting": self._shop.room.waiting})
        return _json(404, {"code": "NOT_FOUND", "message": "there is no such page"})

    async def _answer(self, work: Awaitable[Reply]) -> web.Response:
        try:
            status, body = await work
            return _json(status, body)
        except Refused as refused:
            return _refusal(refused)
        except sqlite3.Error:
            log.exception("the books could not be written or read")
            return _json(500, {"code": "UNKNOWN", "message": "ask again: this may or may not have been done"})

    def log(self, request: Asked, response: web.Response) -> web.Response:
        """Write a tagged request down before its answer leaves."""
        attempt = request.headers.get("X-Surge-Attempt")
        if attempt is not None:
            at = self._shop.counter.now_ns() / 1e9
            intent = request.headers.get("X-Surge-Intent")
            self._shop.log.append(Seen(attempt, intent, request.method, request.path, response.status, at))
        return response

    async def _sale(self, request: Asked) -> Reply:
        method, path = request.method, request.path
        if method == "POST" and (post := self._posts.get(path)) is not None:
            if self._shop.counter.writer.waiting > _WRITES_AT_MOST:
                raise self._shop.shedding.busy("the clerk is behind")
            return await post(request)
        if method == "GET" and path.startswith("/api/queue/"):
            return self._look_up_place(path.removeprefix("/api/queue/"))
        if method == "GET" and path.startswith("/api/orders/"):
            return self._look_up_order(path.removeprefix("/api/orders/"))
        raise Refused(404, "NOT_FOUND", "there is no such thing here")

    # -- the line ------------------------------------------------------------------------------------------

    async def _join(self, request: Asked) -> Reply:
        shop = self._shop
        want = _body(_join, await request.read())
        if "@" not in want.email:
            raise Refused(400, "BAD_REQUEST", "email must be an e-mail address")
        if shop.sold_out:
            raise Refused(410, "SOLD_OUT", "every seat is sold")
        intent = request.headers.get("X-Surge-Intent")
        place, _ = shop.room.join(want.email, intent, shop.counter.now_ns())
        await shop.counter.writer.run(lambda books: write_place(books, place))
        return 202, self._place(place)

    def _look_up_place(self, place_id: str) -> Reply:
        seq = self._shop.signer.read("place", place_id)
        place = self._shop.room.find(seq) if seq is not None else None
        if place is None:
            raise Refused(404, "NO_PLACE", "there is no such place in line")
        if self._shop.sold_out and place.seq not in self._shop.served:
            raise Refused(410, "SOLD_OUT", "every seat is sold")
        return 200, self._place(place)

    def _place(self, place: Place) -> dict[str, object]:
        room, signer, now_ns = self._shop.room, self._shop.signer, self._shop.counter.now_ns()
        poll_after_ms = room.poll_after_ms(place.seq, now_ns)
        if (draw_in_ms := room.draw_in_ms(place.seq, now_ns)) is not None:
            return {
                "id": signer.sign("place", place.seq),
                "state": "prequeue",
                "position": None,
                "draw_in_ms": draw_in_ms,
                "poll_after_ms": poll_after_ms,
            }
        position = room.position(place.seq)
        told: dict[str, object] = {
            "id": signer.sign("place", place.seq),
            "state": "waiting" if position else "admitted",
            "position": position,
            "wait_s": round(room.wait_s(place.seq), 3),
            "poll_after_ms": poll_after_ms,
        }
        if not position:
            told["pass"] = signer.sign("pass", place.seq)
        return told

    # -- the counters --------------------------------------------------------------------------------------

    async def _hold(self, request: Asked) -> Reply:
        shop, options = self._shop, self._shop.options
        want = _body(_want_hold, await request.read())
        seq = shop.signer.read("pass", request.headers.get("X-Pass", ""))
        place = shop.room.find(seq) if seq is not None else None
        if place is None:
            raise Refused(403, "NO_PASS", "X-Pass must be the pass you were admitted with")
        if want.sku != options.sku:
            raise Refused(404, "NO_SKU", f"only {options.sku} is sold here")
        if want.qty < 1:
            raise Refused(400, "BAD_REQUEST", "qty must be at least 1")
        now_ns = shop.counter.now_ns()
        shop.room.seen(place.seq, now_ns)
        if want.qty > options.limit:
            raise Refused(409, "LIMIT", f"{options.limit} tickets per person", limit=options.limit)
        known = shop.counter.stock
        if known is not None and place.seq not in shop.served and (no := stock.refusal(known, want.qty)) is not None:
            self._leave_if_final(place, no)
            raise no  # from memory, at most a sweep old: a storm of refusals costs the books nothing
        wish = holds.Wish(
            place=place.seq,
            email=place.email,
            intent=request.headers.get("X-Surge-Intent") or place.intent,
            sku=want.sku,
            qty=want.qty,
            price_minor=options.price_minor,
            limit=options.limit,
            now_ns=now_ns,
            expires_ns=now_ns + options.hold_ttl_ns,
        )
        try:
            hold = await shop.conduct.take(shop.counter.writer, wish, shop.signer, shop.counter.clock)
        except Refused as no:
            self._leave_if_final(place, no)
            raise
        shop.served.add(place.seq)
        shop.baskets[hold.id] = place.seq
        return 201, self._hold_told(hold)

    def _leave_if_final(self, place: Place, no: Refused) -> None:
        if no.code in ("SOLD_OUT", "NOT_ENOUGH", "LIMIT"):
            self._shop.room.leave(place.seq)

    def _hold_told(self, hold: Hold) -> dict[str, object]:
        options = self._shop.options
        return {
            "id": hold.id,
            "qty": hold.qty,
            "seats": [seat_label(options.sku, n) for n in hold.seats],
            "price": options.price_minor,
            "total": hold.total_minor,
            "currency": options.currency,
            "expires_at": hold.expires_ns / 1e9,
            "expires_in_ms": max(0, (hold.expires_ns - self._shop.counter.now_ns()) // 1_000_000),
        }

    async def _order(self, request: Asked) -> Reply:
        shop, options = self._shop, self._shop.options
        body = await request.read()
        want = _body(_want_order, body)
        key = request.headers.get("Idempotency-Key", "")
        if not 0 < len(key) <= 255:
            raise Refused(400, "KEY_MISSING", "send an Idempotency-Key of 1 to 255 characters")
        meaning = "\n".join((want.hold, want.payment_token, want.email or ""))
        purchase = orders.Purchase(
            key=key,
            fingerprint=hashlib.blake2b(meaning.encode(), digest_size=16).hexdigest(),
            hold=want.hold,
            token=want.payment_token,
            email=want.email,
            intent=request.headers.get("X-Surge-Intent"),
            currency=options.currency,
            now_ns=shop.counter.now_ns(),
        )
        # Accepting and handing over to the cashier must both happen, even where the fan hangs up in between.
        return 202, self._order_told(await asyncio.shield(self._accept(purchase)))

    async def _accept(self, purchase: orders.Purchase) -> Order:
        shop = self._shop
        queue, shedding = shop.options.payment_queue, shop.shedding
        found = await shop.counter.writer.run(lambda books: orders.place(books, purchase, shop.signer, queue, shedding))
        order = shop.counter.orders.get(found.id)
        if order is None:
            order = shop.counter.orders[found.id] = found
            shop.cashier.submit(order)
            # Paying is the cashier's work: whoever has ordered stands in nobody's way at the counters.
            shop.room.leave(shop.baskets.pop(found.hold, 0))
        return order

    def _look_up_order(self, order_id: str) -> Reply:
        order = self._shop.counter.orders.get(order_id)
        if order is None:
            raise Refused(404, "NO_ORDER", "there is no such order")
        return 200, self._order_told(order)

    def _order_told(self, order: Order) -> dict[str, object]:
        told: dict[str, object] = {
            "order": order.id,
            "state": order.state,
            "qty": order.qty,
            "total": order.amount_minor,
            "currency": self._shop.options.currency,
            "seats": [seat_label(self._shop.options.sku, n) for n in order.seats],
            "tickets": order.tickets,
        }
        if order.state == "pending":
            least_ms = min(1000, max(100, self._shop.options.reconcile_every_ns // 2_000_000))
            told["poll_after_ms"] = least_ms
        if order.code is not None:
            told["code"] = order.code
        return told

    # -- the books -----------------------------------------------------------------------------------------

    async def _admin(self, request: Asked) -> Reply:
        kind = request.path.removeprefix("/api/admin/")
        if request.method != "GET" or kind not in (*admin.KINDS, "stock"):
            raise Refused(404, "NOT_FOUND", f"the books are {', '.join((*admin.KINDS, 'stock'))}")
        if kind == "stock":
            return 200, await self._shop.reader.stock()
        limit = _number(request, "limit", 100)
        offset = _number(request, "offset", 0)
        return 200, await self._shop.reader.page(kind, min(limit, admin.LIMIT_AT_MOST), offset)


def _number(request: Asked, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if text and not text.isdecimal():
        raise Refused(400, "BAD_REQUEST", f"{name} must be a whole number")
    return int(text) if text else default


def _body(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise Refused(400, "BAD_REQUEST", str(error)) from error


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=_encode(body), status=status, content_type="application/json", headers=headers)


def _refusal(refused: Refused) -> web.Response:
    body: dict[str, Any] = {"code": refused.code, "message": refused.say, **refused.extra}
    if refused.retry_after_s is None:
        return _json(refused.status, body)
    body["retry_after_ms"] = refused.retry_after_s * 1000
    return _json(refused.status, body, {"Retry-After": str(refused.retry_after_s)})

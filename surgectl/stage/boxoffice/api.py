"""What fans ask over HTTP, and who answers it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from surgectl.stage.boxoffice import admin, replies
from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.books.trouble import BooksAway, BooksUnknown, Unwritable
from surgectl.stage.boxoffice.checkout import Checkout
from surgectl.stage.boxoffice.gate import Gate, Rank
from surgectl.stage.boxoffice.line import PLACES, Line
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.replies import Reply
from surgectl.stage.boxoffice.request_log import seen
from surgectl.stage.boxoffice.shop import Shop
from surgectl.stage.boxoffice.window import Window

log = logging.getLogger("surgectl.stage.boxoffice")
ABOUT = b"<!doctype html><title>The box office</title><h1>The box office</h1><p>Doors, parking, lost property.</p>"


class Api:
    """One callable for aiohttp's low-level server: routing is a few look-ups, and the log is never skipped."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._serve = shop.conduct.serve(shop)
        self._gate = Gate(shop.options.in_flight, shop.shedding)
        self._line, self._checkout, self._window = Line(shop), Checkout(shop), Window(shop)
        self._ranked: dict[tuple[str, str], tuple[Rank, Callable[[Asked], Awaitable[Reply]]]] = {
            ("GET", f"/api/events/{shop.options.sku}"): (Rank.LOOK, self._window.event),
            ("GET", "/api/seats"): (Rank.LOOK, self._window.seats),
            ("POST", "/api/queue"): (Rank.LOOK, self._line.join),
            ("POST", "/api/holds"): (Rank.CHOOSE, self._checkout.hold),
            ("POST", "/api/orders"): (Rank.PAY, self._checkout.order),
        }

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        return self.log(request, await self.tell(request))

    async def tell(self, request: Asked) -> web.Response:
        """The answer to one wish, from the street or from a room that has translated it. Nothing is logged here."""
        return await self._serve(request, self._tell(request))

    async def _tell(self, request: Asked) -> web.Response:
        method, path = request.method, request.path
        if not path.startswith("/api/"):
            # Bulkhead: pages outside the sale touch neither books nor limits, so the storm cannot shut them.
            return self._page(method, path)
        if path.startswith("/api/admin/"):
            return await self._answer(self._admin(request))
        found = self._ranked.get((method, path))
        if found is None:
            return await self._answer(self._look_up(method, path))
        rank, answer = found
        if (no := self._gate.refuses(rank, self._shop.counter.writer.waiting)) is not None:
            return replies.refusal(await self._shop.conduct.turn_away(no, self._shop.counter.clock))
        self._gate.inside += 1
        try:
            return await self._answer(answer(request))
        finally:
            self._gate.inside -= 1

    def _page(self, method: str, path: str) -> web.Response:
        if method in ("GET", "HEAD") and path in ("/", "/about"):
            return web.Response(body=ABOUT, content_type="text/html", charset="utf-8")
        if method in ("GET", "HEAD") and path == "/healthz":
            return replies.json(200, {"ok": True, "waiting": self._shop.room.waiting, "payments": self._payments()})
        return replies.json(404, {"code": "NOT_FOUND", "message": "there is no such page"})

    def _payments(self) -> str:
        """The state of the breaker before the provider, or that others take the money."""
        till = self._shop.till
        return "elsewhere" if till is None else till.told().payments.breaker

    async def _answer(self, work: Awaitable[Reply]) -> web.Response:
        try:
            status, body = await work
            return replies.json(status, body)
        except Refused as refused:
            if refused.retry_after_s is not None:
                refused = await self._shop.conduct.turn_away(refused, self._shop.counter.clock)
            return replies.refusal(refused)
        except BooksAway as why:
            log.debug("refused: %s", why)
            return replies.refusal(self._shop.shedding.busy("the books cannot be written now; nothing was done"))
        except Unwritable as why:
            return replies.refusal(Refused(400, "BAD_REQUEST", str(why)))
        except BooksUnknown as why:
            log.warning("the commit of a request was never answered: %s", why)
            return replies.json(500, {"code": "UNKNOWN", "message": "ask again: this may or may not have been done"})

    def log(self, request: Asked, response: web.Response) -> web.Response:
        """Write a tagged request down before its answer leaves."""
        self.note(request, response.status)
        return response

    def note(self, request: Asked, status: int) -> None:
        if (row := seen(request, status, self._shop.counter.now_ns() / 1e9)) is not None:
            self._shop.log.append(row)

    async def place(self, place_id: str) -> web.Response:
        """Where somebody stands: what the line says of itself, whoever asks and however."""
        return await self._answer(self._look_up("GET", PLACES + place_id))

    async def _look_up(self, method: str, path: str) -> Reply:
        """From memory, however full the shop is: whoever has a place or an order learns what became of it."""
        if method == "GET" and path.startswith(PLACES):
            return self._line.look_up(path.removeprefix(PLACES))
        if method == "GET" and path.startswith("/api/orders/"):
            return self._checkout.look_up(path.removeprefix("/api/orders/"))
        raise Refused(404, "NOT_FOUND", "there is no such thing here")

    async def _admin(self, request: Asked) -> Reply:
        """The books, for whoever audits them."""
        kind = request.path.removeprefix("/api/admin/")
        if request.method != "GET" or kind not in (*admin.KINDS, "stock", "till"):
            raise Refused(404, "NOT_FOUND", f"the books are {', '.join((*admin.KINDS, 'stock', 'till'))}")
        if kind == "till":
            if self._shop.till is None:
                raise Refused(404, "ELSEWHERE", "the money is taken in other processes: surgectl stage worker")
            return 200, self._shop.till.told()
        if kind == "stock":
            return 200, await self._shop.reader.stock()
        limit, offset = replies.read_number(request, "limit", 100), replies.read_number(request, "offset", 0)
        return 200, await self._shop.reader.page(kind, min(limit, admin.LIMIT_AT_MOST), offset)

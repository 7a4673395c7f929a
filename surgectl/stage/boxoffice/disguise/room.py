"""The same shop in a stranger's clothes: other paths, words, money and books, and no ear for our headers."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from surgectl.stage.boxoffice.asked import Asked, Tell, Written
from surgectl.stage.boxoffice.desk import Desk, EventTold, HoldTold, OrderTold, PlaceTold
from surgectl.stage.boxoffice.disguise import books
from surgectl.stage.boxoffice.disguise.words import PHASES, decimal, instant, reason, state
from surgectl.stage.boxoffice.refusals import Refused

_SALE, _OFFICE = "/sale/v2/", "/office/v2/"
_NOTICE = b"<!doctype html><title>The other house</title><h1>The other house</h1><p>Cloakroom, trams, programme.</p>"

T = TypeVar("T")
Told = dict[str, object]


class _LineUp(msgspec.Struct):
    buyer: str


class _Reserve(msgspec.Struct):
    admission: str
    article: str
    count: int


class _Buy(msgspec.Struct):
    reservation: str
    means: str
    buyer: str
    request_id: str


class Disguise:
    """Answers for the whole house. A refusal comes with status 200 and `ok: false`, as GraphQL shops have it.

    What is asked reaches the shop without any header of the fan's: no intent, no attempt; the e-mail address and
    the name of the request are all that links.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._desk = Desk(tell)

    async def __call__(self, request: Asked) -> web.Response:
        if request.method in ("GET", "HEAD") and request.path in ("/", "/notice-board"):
            # The same bulkhead as that of the plain shop's page, which needs neither books nor limits.
            page = await self._tell(Written("GET", "/about"))
            return page if page.status != 200 else _notice()
        try:
            return _json({"ok": True, **await self._told(request)})
        except Refused as no:
            said: Told = {"ok": False, "error": reason(no.code), "text": no.say}
            return _json(said if no.retry_after_s is None else {**said, "wait": no.retry_after_s})

    async def _told(self, request: Asked) -> Told:
        method, path = request.method, request.path
        if method == "GET" and path.startswith(_OFFICE):
            return await books.read(self._desk, path.removeprefix(_OFFICE), request.query.get("from", ""))
        if path.startswith(_SALE):
            what, _, id_ = path.removeprefix(_SALE).partition("/")
            if method == "POST" and not id_:
                return await self._wish(what, await request.read())
            if method == "GET" and what == "shows":
                return _show(await self._desk.event(id_))
            if method == "GET" and what == "turns":
                return _turn(await self._desk.place(id_))
            if method == "GET" and what == "purchases":
                return _purchase(await self._desk.look(id_))
        raise Refused(404, "NOT_FOUND", "there is no such thing in this house")

    async def _wish(self, what: str, body: bytes) -> Told:
        desk = self._desk
        if what == "turns":
            return _turn(await desk.join(_read(body, _LineUp).buyer))
        if what == "reservations":
            wish = _read(body, _Reserve)
            return _reservation(await desk.hold(wish.admission, wish.article, wish.count))
        if what == "purchases":
            buy = _read(body, _Buy)
            return _purchase(await desk.order(buy.reservation, buy.means, buy.buyer, buy.request_id))
        raise Refused(404, "NOT_FOUND", "there is no such thing in this house")


def _notice() -> web.Response:
    return web.Response(body=_NOTICE, content_type="text/html", charset="utf-8")


def _show(event: EventTold) -> Told:
    due = {"sum": decimal(event.price, event.currency), "coin": event.currency}
    told = {"article": event.sku, "called": event.name, "each": due, "open": event.available}
    return {"show": {**told, "all_gone": event.sold_out}}


def _turn(place: PlaceTold) -> Told:
    turn: Told = {"ref": place.id, "phase": PHASES.get(place.state, "DOORS_SHUT")}
    if place.position is not None:
        turn["before_you"] = place.position
    if place.wait_s is not None:
        turn["about"] = f"{place.wait_s:.1f}"
    turn["ask_in"] = f"{place.poll_after_ms / 1000:.3f}"
    if place.pass_ is not None:
        turn["admission"] = place.pass_
    return {"turn": turn}


def _reservation(hold: HoldTold) -> Told:
    due = {"sum": decimal(hold.total, hold.currency), "coin": hold.currency}
    told = {"ref": hold.id, "count": hold.qty, "spots": hold.seats, "due": due, "good_until": instant(hold.expires_at)}
    return {"reservation": told}


def _purchase(order: OrderTold) -> Told:
    told: Told = {
        "ref": order.order,
        "status": state(order.state),
        "count": order.qty,
        "due": {"sum": decimal(order.total, order.currency), "coin": order.currency},
        "spots": order.seats,
        "entries": order.tickets,
    }
    if order.code is not None:
        told["reason"] = reason(order.code)
    if order.state == "pending":
        told["ask_in"] = f"{order.poll_after_ms / 1000:.3f}"
    return {"purchase": told}


def _read(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.MsgspecError as error:
        raise Refused(400, "BAD_REQUEST", str(error)) from error


def _json(body: Told) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")

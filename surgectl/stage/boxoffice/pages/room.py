"""Sells a ticket to a person with a browser: pages and forms, no JavaScript, the same counters as everybody's."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from surgectl.stage.boxoffice.asked import Tell
from surgectl.stage.boxoffice.desk import Desk, PlaceTold
from surgectl.stage.boxoffice.pages.cards import CARDS
from surgectl.stage.boxoffice.pages.show import NOES, Shown, show
from surgectl.stage.boxoffice.pages.visit import COOKIE, Seals, Visit
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.shop import Shop

_PATHS = frozenset({"/", "/line", "/tickets", "/basket", "/checkout"})
_ORDERS = "/order/"
_FIELDS_AT_MOST = 300  # a block of the seat map has some two hundred seats to tick
_REFRESH_MOST_S = 10


class Form(msgspec.Struct, frozen=True):
    """What a browser sent: the fields, and of those that may be ticked several times the seats."""

    fields: Mapping[str, str] = {}
    seats: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


class _Went(msgspec.Struct, frozen=True):
    """Where the browser is sent after a form (303), and what it carries from then on."""

    to: str
    visit: Visit


class Pages:
    """Every page is told from what the shop says at that moment; the browser carries only its own way (`Visit`).

    A form's answer is always a redirect, so a reload repeats a look and never a purchase. A refused form comes back
    with its fields, so that sending it again means the same wish under the same key.
    """

    def __init__(self, shop: Shop, tell: Tell) -> None:
        self._shop = shop
        self._desk = Desk(tell)
        self._seals = Seals(shop.signer)
        self._gets: dict[str, Callable[[Visit], Awaitable[Shown | _Went]]] = {
            "/": self._event,
            "/line": self._line,
            "/basket": self._basket,
            "/checkout": self._checkout,
        }
        self._posts: dict[str, Callable[[Visit, Form, str | None], Awaitable[_Went]]] = {
            "/line": self._join,
            "/tickets": self._hold,
            "/checkout": self._order,
        }

    def serves(self, path: str) -> bool:
        return path in _PATHS or path.startswith(_ORDERS)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        known = self._seals.read(request.cookies.get(COOKIE))
        visit = known or self._seals.begin()
        form = Form()
        found: Shown | _Went
        try:
            if request.method == "POST":
                form = _fields(await request.read())
                found = await self._post(request, known, form)
            else:
                found = await self._get(request, visit)
        except Refused as no:
            return self._refused(request, visit, no, form)
        if isinstance(found, _Went):
            return self._seal(web.Response(status=303, headers={"Location": found.to}), found.visit)
        answer = self._page(found, visit)
        return answer if known else self._seal(answer, visit)

    async def _get(self, request: web.BaseRequest, visit: Visit) -> Shown | _Went:
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "NOT_FOUND", "a page is looked at, a form is sent")
        if request.path.startswith(_ORDERS):
            return await self._look(request.path.removeprefix(_ORDERS))
        if request.path == "/tickets":
            return await self._tickets(visit, request.query.get("block", ""))
        return await self._gets[request.path](visit)

    async def _post(self, request: web.BaseRequest, visit: Visit | None, form: Form) -> _Went:
        post = self._posts.get(request.path)
        if post is None:
            raise Refused(405, "NOT_FOUND", "there is no such form")
        if visit is None or not self._seals.is_token(visit, form["token"]):
            raise Refused(403, "NOT_YOUR_FORM", "this form was not given out to this browser")
        return await post(visit, form, request.headers.get("X-Surge-Intent"))

    # -- what is looked at ---------------------------------------------------------------------------------

    async def _event(self, visit: Visit) -> Shown:
        event = await self._desk.event(self._shop.options.sku)
        if event.sold_out:
            return Shown("sold_out.html", {})
        return Shown("event.html", {"event": event, "email": visit.email})

    async def _line(self, visit: Visit) -> Shown | _Went:
        if not visit.place:
            return _Went("/", visit)
        place = await self._desk.place(visit.place)
        if place.pass_ is not None:
            return _Went("/tickets", visit)
        page = "line.html" if place.draw_in_ms is None else "prequeue.html"
        return Shown(page, {"place": place, "email": visit.email}, refresh_s=_refresh_s(place.poll_after_ms))

    async def _tickets(self, visit: Visit, block: str) -> Shown | _Went:
        if not visit.place:
            return _Went("/", visit)
        place = await self._desk.place(visit.place)
        if place.pass_ is None:
            return _Went("/line", visit)
        on_map = self._shop.options.seating == "map"
        seats = await self._desk.seats(block) if on_map else None
        return Shown("tickets.html", {"basket": self._standing(visit), "map": seats})

    async def _basket(self, visit: Visit) -> Shown | _Went:
        if visit.basket is None:
            return _Went("/tickets", visit)
        left_s = self._left_s(visit)
        if left_s <= 0:
            raise Refused(409, "HOLD_EXPIRED", "the time of this basket is up")
        return Shown("basket.html", {"basket": visit.basket, "left_s": left_s}, refresh_s=min(15, left_s + 1))

    async def _checkout(self, visit: Visit) -> Shown | _Went:
        if visit.basket is None:
            return _Went("/tickets", visit)
        before = await self._desk.look(visit.order) if visit.order else None
        declined = before is not None and before.code == "DECLINED"
        told = {
            "basket": visit.basket,
            "left_s": self._left_s(visit),
            "email": visit.email,
            "cards": CARDS,
            "key": self._seals.key(visit.basket.id, visit.order if declined else ""),
            "before": before,
        }
        return Shown("checkout.html", told)

    async def _look(self, order_id: str) -> Shown:
        order = await self._desk.look(order_id)
        if order.state == "pending":
            return Shown("pending.html", {"order": order}, refresh_s=_refresh_s(order.poll_after_ms))
        return Shown("thanks.html" if order.state == "confirmed" else "not_paid.html", {"order": order})

    # -- what is sent --------------------------------------------------------------------------------------

    async def _join(self, visit: Visit, form: Form, intent: str | None) -> _Went:
        email = form["email"]
        place: PlaceTold = await self._desk.join(email, intent)
        fresh = Visit(id=visit.id, email=email, place=place.id)
        return _Went("/line", visit if visit.place == place.id else fresh)

    async def _hold(self, visit: Visit, form: Form, intent: str | None) -> _Went:
        place = await self._desk.place(visit.place)
        if place.pass_ is None:
            return _Went("/line", visit)
        qty = str(len(form.seats)) if form.seats else form["qty"]
        if not qty.isascii() or not qty.isdecimal() or len(qty) > 4:
            raise Refused(400, "BAD_REQUEST", "how many tickets must be a whole number")
        hold = await self._desk.hold(place.pass_, self._shop.options.sku, int(qty), intent, form.seats)
        same = visit.basket is not None and visit.basket.id == hold.id
        return _Went("/basket", msgspec.structs.replace(visit, basket=hold, order=visit.order if same else ""))

    async def _order(self, visit: Visit, form: Form, intent: str | None) -> _Went:
        card, key, hold = form["card"], form["key"], form["hold"]
        if card not in CARDS:
            raise Refused(400, "BAD_REQUEST", "choose one of the cards in the list")
        try:
            order = await self._desk.order(hold, card, visit.email, key, intent)
        except Refused as no:
            if no.code != "KEY_REUSED":
                raise
            # The back button, and then another card: a wish of its own. If the first order stands, it is found again.
            order = await self._desk.order(hold, card, visit.email, f"{key}.{card}", intent)
        return _Went(f"{_ORDERS}{order.order}", msgspec.structs.replace(visit, order=order.order))

    # -- how it leaves -------------------------------------------------------------------------------------

    def _left_s(self, visit: Visit) -> int:
        """Seconds that the basket stands, a begun one counted; 0 once its time is up."""
        if visit.basket is None:
            return 0
        return max(0, math.ceil(visit.basket.expires_at - self._shop.counter.now_ns() / 1e9))

    def _standing(self, visit: Visit) -> object:
        return visit.basket if self._left_s(visit) > 0 else None

    def _refused(self, request: web.BaseRequest, visit: Visit, no: Refused, form: Form) -> web.Response:
        """What happened and what to do about it; a form that may be sent again comes back filled in."""
        again = request.method == "POST" and no.code in ("BUSY", "ALL_HELD", "UNKNOWN")
        fields = [(name, value) for name, value in form.fields.items() if name not in ("token", "seat")]
        fields += [("seat", seat) for seat in form.seats]
        refresh_s = no.retry_after_s if request.method == "GET" and no.retry_after_s is not None else None
        page = Shown(
            "no.html",
            {"code": no.code, "no": NOES.get(no.code), "say": no.say, "action": request.path if again else "",
             "fields": fields, "wait_s": no.retry_after_s, "limit": self._shop.options.limit},
            status=no.status,
            refresh_s=refresh_s,
        )  # fmt: skip
        answer = self._page(page, visit)
        if no.retry_after_s is not None:
            answer.headers["Retry-After"] = str(no.retry_after_s)
        return answer

    def _page(self, page: Shown, visit: Visit) -> web.Response:
        return show(page, self._shop.options, self._seals.token(visit))

    def _seal(self, answer: web.Response, visit: Visit) -> web.Response:
        # Not Secure: the stage stands on this machine without TLS, and a Secure cookie would never come back.
        answer.set_cookie(COOKIE, self._seals.write(visit), path="/", httponly=True, samesite="Lax")
        return answer


def _fields(body: bytes) -> Form:
    try:
        text = body.decode("utf-8", "replace")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_AT_MOST)
    except ValueError as error:
        raise Refused(400, "BAD_REQUEST", "no form of ours has so many fields") from error
    return Form(dict(pairs), tuple(value for name, value in pairs if name == "seat"))


def _refresh_s(poll_after_ms: int) -> int:
    return min(_REFRESH_MOST_S, max(1, -(-poll_after_ms // 1000)))

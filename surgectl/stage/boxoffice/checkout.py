"""At the counters: seats put aside for a fan, and the order that pays for them."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec

from surgectl.stage.boxoffice import holds, orders, stock
from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.books import BooksUnknown
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.replies import Reply, read_body
from surgectl.stage.boxoffice.rows import Hold, Order, Place
from surgectl.stage.boxoffice.shop import Shop


class WantHold(msgspec.Struct):
    sku: str | None = None
    qty: int | None = None
    seats: list[str] = []
    """Labels of the seat map; none: any `qty` seats."""


class WantOrder(msgspec.Struct):
    hold: str
    payment_token: str
    email: str | None = None


_want_hold = msgspec.json.Decoder(WantHold)
_want_order = msgspec.json.Decoder(WantOrder)


class Checkout:
    """Baskets and orders, as a fan meets them."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._looks = 0  # at orders, so far

    async def hold(self, request: Asked) -> Reply:
        shop, options = self._shop, self._shop.options
        want = read_body(_want_hold, await request.read())
        seq = shop.signer.read("pass", request.headers.get("X-Pass", ""))
        place = shop.room.find(seq) if seq is not None else None
        if place is None:
            raise Refused(403, "NO_PASS", "X-Pass must be the pass you were admitted with")
        if want.sku not in (None, options.sku):
            raise Refused(404, "NO_SKU", f"only {options.sku} is sold here")
        chosen = self._chosen(want.seats)
        qty = want.qty if want.qty is not None else len(chosen)
        if qty < 1:
            raise Refused(400, "BAD_REQUEST", "qty must be at least 1")
        if chosen and qty != len(chosen):
            raise Refused(400, "BAD_REQUEST", f"qty is {qty}, and {len(chosen)} seats are named")
        now_ns = shop.counter.now_ns()
        shop.room.seen(place.seq, now_ns)
        if qty > options.limit:
            raise Refused(409, "LIMIT", f"{options.limit} tickets per person", limit=options.limit)
        known = shop.counter.stock
        no = stock.no_more() if shop.sold_out else None if known is None else stock.refusal(known, qty)
        if no is not None and place.seq not in shop.served:
            self._leave_if_final(place, no)
            raise no  # from memory, at most a sweep old: a storm of refusals costs the books nothing
        wish = holds.Wish(
            place=place.seq,
            email=place.email,
            intent=request.headers.get("X-Surge-Intent") or place.intent,
            sku=options.sku,
            qty=qty,
            price_minor=options.price_minor,
            limit=options.limit,
            now_ns=now_ns,
            expires_ns=now_ns + options.hold_ttl_ns,
            chosen=chosen,
        )
        try:
            hold = await shop.conduct.take(shop.counter.writer, wish, shop.signer, shop.counter.clock)
        except holds.Taken as no:
            raise Refused(no.status, no.code, no.say, seats=[shop.seating.label(n) for n in no.seats]) from no
        except Refused as no:
            self._leave_if_final(place, no)
            raise
        except BooksUnknown:
            shop.served.add(place.seq)  # a basket may stand: the next answer must come from the books
            raise
        shop.served.add(place.seq)
        shop.baskets[hold.id] = place.seq
        return 201, self._hold_told(hold)

    def _chosen(self, labels: list[str]) -> tuple[int, ...]:
        """The seats of these labels, each once, the lowest first."""
        seats = set()
        for label in labels:
            n = self._shop.seating.number(label)
            if n is None:
                raise Refused(
                    404, "NO_SEAT", f"there is no seat {label[:40]!r} to choose here; GET /api/seats shows them"
                )
            seats.add(n)
        if len(seats) != len(labels):
            raise Refused(400, "BAD_REQUEST", "a seat is named twice")
        return tuple(sorted(seats))

    def _leave_if_final(self, place: Place, no: Refused) -> None:
        if no.code in ("SOLD_OUT", "NOT_ENOUGH", "LIMIT"):
            self._shop.room.leave(place.seq)

    def _hold_told(self, hold: Hold) -> dict[str, object]:
        options = self._shop.options
        return {
            "id": hold.id,
            "qty": hold.qty,
            "seats": [self._shop.seating.label(n) for n in hold.seats],
            "price": options.price_minor,
            "total": hold.total_minor,
            "currency": options.currency,
            "expires_at": hold.expires_ns / 1e9,
            "expires_in_ms": max(0, (hold.expires_ns - self._shop.counter.now_ns()) // 1_000_000),
        }

    async def order(self, request: Asked) -> Reply:
        shop, options = self._shop, self._shop.options
        body = await request.read()
        want = read_body(_want_order, body)
        key = request.headers.get("Idempotency-Key", "")
        if not 0 < len(key) <= 255:
            raise Refused(400, "KEY_MISSING", "send an Idempotency-Key of 1 to 255 characters")
        meaning = "\n".join((want.hold, want.payment_token, want.email or ""))
        lease = shop.till.lease() if shop.till is not None else None
        purchase = orders.Purchase(
            key=key,
            fingerprint=hashlib.blake2b(meaning.encode(), digest_size=16).hexdigest(),
            hold=want.hold,
            token=want.payment_token,
            email=want.email,
            intent=request.headers.get("X-Surge-Intent"),
            currency=options.currency,
            now_ns=shop.counter.now_ns(),
            worker=lease.worker if lease is not None else None,
            lease_ns=lease.until_ns if lease is not None else None,
        )
        # Accepting and handing over to the till must both happen, even where the fan hangs up in between.
        return 202, self._order_told(await asyncio.shield(self._accept(purchase)))

    async def _accept(self, purchase: orders.Purchase) -> Order:
        shop = self._shop
        queue, shedding = shop.options.payment_queue, shop.shedding
        found = await shop.counter.writer.run(
            lambda books: shop.conduct.place(books, purchase, shop.signer, queue, shedding)
        )
        order = shop.counter.orders.get(found.id)
        if order is None:
            order = shop.counter.orders[found.id] = found
            if shop.till is not None and order.state == "pending":
                shop.till.take(order)
            # Paying is the till's work: whoever has ordered stands in nobody's way at the counters.
            shop.room.leave(shop.baskets.pop(found.hold, 0))
        return order

    def look_up(self, order_id: str) -> Reply:
        order = self._shop.counter.orders.get(order_id)
        if order is None:
            raise Refused(404, "NO_ORDER", "there is no such order")
        self._looks += 1
        return 200, self._order_told(self._shop.conduct.status(order, self._looks))

    def _order_told(self, order: Order) -> dict[str, object]:
        told: dict[str, object] = {
            "order": order.id,
            "state": order.state,
            "qty": order.qty,
            "total": order.amount_minor,
            "currency": self._shop.options.currency,
            "seats": [self._shop.seating.label(n) for n in order.seats],
            "tickets": order.tickets,
        }
        if order.state == "pending":
            least_ms = min(1000, max(100, self._shop.options.reconcile_every_ns // 2_000_000))
            told["poll_after_ms"] = least_ms
        if order.code is not None:
            told["code"] = order.code
        return told

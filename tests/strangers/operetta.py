"""An operetta house: a door that lets in later, forms with a token, a wizard that skips pages, 200 for every no.

Its only word of success is `?thanks=yes`; who is declined pays again under another address. Its orders are a CSV that
is made first, its tickets a list with absolute links to the next page; it writes 25.00 where its provider writes 2500.
"""

from __future__ import annotations

import argparse
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.strangers.till import Declined, Till

PRICE = 25
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Operetta:
    """`wrong` is twice: some tickets are printed again and nobody pays for them. Or shared: some orders are booked as
    paid by the payment of the order before."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.wrong = arguments.wrong
        self.left = 80
        self.door: dict[str, float] = {}
        self.guests: dict[str, dict[str, Any]] = {}
        self.orders: list[dict[str, Any]] = []
        self.tickets: list[dict[str, Any]] = []
        self.export_asked = 0
        self.number = itertools.count(1)
        self.till = Till(arguments.pay)

    # -- the door: {ready, check_url}, and the second answer omits the address

    async def gig(self, request: web.Request) -> web.Response:
        place = secrets.token_hex(6)
        self.door[place] = time.monotonic() + 0.3
        return web.json_response({"ready": False, "check_url": f"/door/{place}"})

    async def wait(self, request: web.Request) -> web.Response:
        if time.monotonic() < self.door[request.match_info["place"]]:
            return web.json_response({"ready": False})
        return web.json_response({"ready": True, "shop": "/shop"})

    # -- forms: a cookie, a hidden token, a Referer; every refusal is a page with status 200

    def page(self, guest: dict[str, Any], words: str, action: str, *fields: str) -> web.Response:
        inputs = "".join(f'<input name="{name}" value="">' for name in fields)
        form = f'<form method="post" action="{action}"><input type="hidden" name="_csrf" value="{guest["csrf"]}">'
        reply = web.Response(text=f"<h1>{words}</h1>{form}{inputs}</form>", content_type="text/html")
        reply.set_cookie("guest", guest["id"])
        return reply

    def posted(self, handle: Callable[[dict[str, Any], Any], Awaitable[web.Response]]) -> Handler:
        async def checked(request: web.Request) -> web.Response:
            guest, form = self.guests.get(request.cookies.get("guest", "")), await request.post()
            if not guest or form.get("_csrf") != guest["csrf"] or not request.headers.get("Referer", ""):
                return web.Response(text="<h1>This form is no good</h1>", content_type="text/html")
            return await handle(guest, form)

        return checked

    async def shop(self, request: web.Request) -> web.Response:
        guest = {"id": secrets.token_hex(6), "csrf": secrets.token_hex(6), "asked": set()}
        self.guests[guest["id"]] = guest
        return self.page(guest, "Die Fledermaus", "/basket", "email", "seats")

    async def basket(self, guest: dict[str, Any], form: Any) -> web.Response:
        qty = int(form["seats"])
        if self.left < qty:
            return web.Response(text="<h1>Sold out</h1>", content_type="text/html")
        self.left -= qty
        guest |= {"email": form["email"], "qty": qty, "needs": ["name", "address"][qty - 1 :] + ["delivery"]}
        raise web.HTTPSeeOther("/checkout/")

    # -- the wizard: one page after the other, without those that have nothing to ask

    async def checkout(self, request: web.Request) -> web.Response:
        guest = self.guests[request.cookies["guest"]]
        left = [name for name in guest["needs"] if name not in guest["asked"]]
        raise web.HTTPSeeOther(f"/checkout/{left[0] if left else 'review'}/")

    async def step(self, request: web.Request) -> web.Response:
        guest, name = self.guests[request.cookies["guest"]], request.match_info["name"]
        if name == "review":
            return self.page(guest, f"Total {guest['qty'] * PRICE}.00 EUR", "/pay")
        return self.page(guest, name, f"/checkout/{name}/", name)

    def answer(self, name: str) -> Callable[[dict[str, Any], Any], Awaitable[web.Response]]:
        async def answered(guest: dict[str, Any], form: Any) -> web.Response:
            if form.get(name):
                guest["asked"].add(name)
            raise web.HTTPSeeOther("/checkout/")

        return answered

    # -- the payment, and the other address to pay again

    async def pay(self, guest: dict[str, Any], form: Any) -> web.Response:
        if "order" not in guest:
            number = next(self.number)
            order = {"n": number, "email": guest["email"], "qty": guest["qty"], "state": "open"}
            guest["order"] = order
            self.orders.append(order)
        return await self.take(guest, "pm_card_chargeDeclined" if guest["order"]["n"] % 5 == 0 else "pm_card_visa")

    async def pay_again(self, guest: dict[str, Any], form: Any) -> web.Response:
        return await self.take(guest, "pm_card_visa")

    async def take(self, guest: dict[str, Any], card: str) -> web.Response:
        order = guest["order"]
        said = {"metadata[order_id]": f"OP-{order['n']}", "receipt_email": order["email"], "payment_method": card}
        before = next((o for o in self.orders if o["n"] == order["n"] - 1 and o["state"] == "paid"), None)
        try:
            if self.wrong == "shared" and order["n"] % 4 == 2 and before:
                order["payment"] = before["payment"]
            else:
                paid = await self.till.charge(f"op-{order['n']}-{card}", order["qty"] * PRICE * 100, **said)
                order["payment"] = paid["id"]
        except Declined:
            return self.page(guest, "Your card was declined", f"/again/{order['n']}")
        if order["state"] != "paid":
            order["state"] = "paid"
            again = self.wrong == "twice" and order["n"] % 4 == 1
            for ticket in range(order["qty"] + again):
                self.tickets.append({"code": f"T{order['n']}-{ticket}", "order": f"OP-{order['n']}", "good": True})
        raise web.HTTPSeeOther(f"/done?order=OP-{order['n']}&thanks=yes")

    async def done(self, request: web.Request) -> web.Response:
        return web.Response(text="<h1>The operetta house</h1>", content_type="text/html")

    # -- the books

    async def start_export(self, request: web.Request) -> web.Response:
        self.export_asked = 0
        return web.json_response({"file": "/export/orders.csv"})

    async def export(self, request: web.Request) -> web.Response:
        self.export_asked += 1
        if self.export_asked < 2:
            return web.json_response({"detail": "not ready"}, status=409, headers={"Retry-After": "0"})
        lines = [";".join(self.line(order)) for order in self.orders]
        return web.Response(text="\n".join(["Number;Mail;State;Seats;Total;Payment", *lines]), content_type="text/csv")

    def line(self, order: dict[str, Any]) -> list[str]:
        total = f"{order['qty'] * PRICE}.00"
        names = f"OP-{order['n']}", order["email"], order["state"]
        return [*names, str(order["qty"]), total, order.get("payment", "")]

    async def ticket_list(self, request: web.Request) -> web.Response:
        page = int(request.query.get("page", 1))
        more = page * 15 < len(self.tickets)
        rows = self.tickets[(page - 1) * 15 : page * 15]
        onward = f"http://{request.host}/staff/tickets?page={page + 1}" if more else None
        return web.json_response({"count": len(self.tickets), "next": onward, "results": rows})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--db", default="")
    parser.add_argument("--wrong", default="")
    arguments = parser.parse_args()

    async def app() -> web.Application:
        house, app = Operetta(arguments), web.Application()
        app.router.add_get("/gig", house.gig)
        app.router.add_get("/door/{place}", house.wait)
        app.router.add_get("/shop", house.shop)
        app.router.add_post("/basket", house.posted(house.basket))
        app.router.add_get("/checkout/", house.checkout)
        app.router.add_get("/checkout/{name}/", house.step)
        for name in ("name", "address", "delivery"):
            app.router.add_post(f"/checkout/{name}/", house.posted(house.answer(name)))
        app.router.add_post("/pay", house.posted(house.pay))
        app.router.add_post("/again/{order}", house.posted(house.pay_again))
        app.router.add_get("/done", house.done)
        app.router.add_post("/export", house.start_export)
        app.router.add_get("/export/orders.csv", house.export)
        app.router.add_get("/staff/tickets", house.ticket_list)
        return app

    web.run_app(app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()

"""A bank with a payment page of its own: fans pay there, are sent back with a signature, and the shop is told, too.

It speaks to the shop through the link (sessions, refunds); its page and its books are asked directly. It writes sums as
people do, `1.234,50 EUR`, and dates as 23.11.2026 20:15, of a zone that it does not name.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import itertools
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

SECRET = b"between bank and shop"
PLACES = {"EUR": 2, "JPY": 0, "KWD": 3}


def signed(reference: str, state: str) -> str:
    return hmac.new(SECRET, f"{reference}:{state}".encode(), hashlib.sha256).hexdigest()


def written(minor: int, currency: str) -> str:
    """As people write it where dots group thousands."""
    places = PLACES[currency]
    whole, part = divmod(minor, 10**places)
    grouped = f"{whole:,}".replace(",", ".")
    return f"{grouped},{part:0{places}d} {currency}" if places else f"{grouped} {currency}"


class Bank:
    """`hook` says how the shop is told: `0.1-0.4` seconds later, each event `times` times."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.least_s, self.most_s = (float(part) for part in arguments.hook.split("-"))
        self.times = arguments.times
        self.sessions: dict[str, dict[str, Any]] = {}
        self.by_reference: dict[str, str] = {}
        self.payments: list[dict[str, Any]] = []
        self.refunds: dict[str, dict[str, Any]] = {}
        self.letters: list[dict[str, Any]] = []
        self.number = itertools.count(1)
        self.tasks: set[asyncio.Task[None]] = set()

    async def open(self, request: web.Request) -> web.Response:
        """The shop opens a session; one a reference, however often it asks."""
        asked = await request.json()
        name = self.by_reference.setdefault(asked["reference"], f"s{next(self.number)}")
        session = self.sessions.setdefault(name, {"id": name, "state": "open", **asked})
        page = f"{request.url.origin()}/page/{name}" if "public" not in asked else f"{asked['public']}/page/{name}"
        return web.json_response({"id": name, "page": page, "state": session["state"]})

    async def pay(self, request: web.Request) -> web.Response:
        """The page's button. The card 4002 is declined; a session is paid once."""
        session = self.sessions[request.match_info["session"]]
        card = (await request.post()).get("card", "")
        if session["state"] == "open":
            session["state"] = "failed" if card == "4002" else "paid"
            if session["state"] == "paid":
                session["payment"] = f"pay-{next(self.number)}"
                self.payments.append({"session": session, "payment": session["payment"], "at": time.time()})
            task = asyncio.create_task(self.tell(session))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        reference, state = session["reference"], session["state"]
        query = urlencode({"reference": reference, "state": state, "sign": signed(reference, state)})
        raise web.HTTPSeeOther(f"{session['back']}?{query}")

    async def tell(self, session: dict[str, Any]) -> None:
        number = next(self.number)
        await asyncio.sleep(self.least_s + (self.most_s - self.least_s) * (number % 10) / 10)
        event = {"event": f"e{number}", "number": number, "reference": session["reference"], "state": session["state"]}
        event |= {"payment": session.get("payment")}
        body = json.dumps(event).encode()
        sign = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        async with aiohttp.ClientSession() as http:
            for delivery in range(1, self.times + 1):
                status = None
                for _ in range(20):
                    try:
                        async with http.post(session["hook"], data=body, headers={"X-Sign": sign}) as reply:
                            status = reply.status
                    except aiohttp.ClientError:
                        pass
                    self.letters.append({**event, "delivery": delivery, "status": status, "at": time.time()})
                    if status == 200:
                        break
                    await asyncio.sleep(0.3)
                await asyncio.sleep(0.05)

    async def refund(self, request: web.Request) -> web.Response:
        """One refund for each key."""
        asked = await request.json()
        refund = {"id": f"r{next(self.number)}", "payment": asked["payment"], "amount": asked["amount"]}
        return web.json_response(self.refunds.setdefault(asked["key"], refund))

    async def look(self, request: web.Request) -> web.Response:
        session = self.sessions[request.match_info["session"]]
        return web.json_response({"state": session["state"], "payment": session.get("payment")})

    # -- books: newest first, seven a page, and only how many pages there are

    async def list_payments(self, request: web.Request) -> web.Response:
        day = "%d.%m.%Y %H:%M"
        rows = [
            {
                "id": one["payment"],
                "at": time.strftime(day, time.localtime(one["at"] + 7200)),
                "order": one["session"]["reference"],
                "sum": written(one["session"]["amount"], one["session"]["currency"]),
                "payer": {"e-mail": one["session"]["email"]},
                "refunded": any(r["payment"] == one["payment"] for r in self.refunds.values()),
            }
            for one in reversed(self.payments)
        ]
        number = int(request.query.get("seite", 1))
        return web.json_response(
            {"seiten": max(1, -(-len(rows) // 7)), "zahlungen": rows[7 * (number - 1) : 7 * number]}
        )

    async def list_refunds(self, request: web.Request) -> web.Response:
        currency = {one["payment"]: one["session"]["currency"] for one in self.payments}
        rows = [{**r, "amount": written(r["amount"], currency[r["payment"]])} for r in self.refunds.values()]
        return web.json_response(rows)

    async def list_letters(self, request: web.Request) -> web.Response:
        said = {"paid": "payment_intent.succeeded", "failed": "payment_intent.payment_failed"}
        return web.json_response([{**letter, "type": said[letter["state"]]} for letter in self.letters])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hook", default="0.1-0.4")
    parser.add_argument("--times", type=int, default=2)
    arguments = parser.parse_args()

    async def serve() -> None:
        bank, app = Bank(arguments), web.Application()
        app.router.add_post("/sessions", bank.open)
        app.router.add_get("/sessions/{session}", bank.look)
        app.router.add_post("/refunds", bank.refund)
        app.router.add_post("/page/{session}", bank.pay)
        app.router.add_get("/zahlungen", bank.list_payments)
        app.router.add_get("/erstattungen", bank.list_refunds)
        app.router.add_get("/letters", bank.list_letters)
        app.router.add_get("/", lambda request: web.json_response({}))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()

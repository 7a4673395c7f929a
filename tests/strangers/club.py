"""A club's shop: members only, behind an API that wants a machine's token; its books name nobody but the member.

`--wrong twice` books and charges every third member twice. `--newest` keeps one token for each client, the last that it
gave, as many authorities do. What members bought an hour ago stands in the books, too.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import secrets
import time
from pathlib import Path
from typing import Any

from aiohttp import web

PRICE, TOKEN_S = 2500, 2


class Club:
    """Everything in memory; what it lets through it counts."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.wrong = arguments.wrong
        self.newest = arguments.newest
        self.lasts_s = 600 if arguments.newest else TOKEN_S
        with Path(arguments.members).open(newline="") as members:
            self.members = {row["E-mail"]: row["password"] for row in csv.DictReader(members)}
        self.tokens: dict[str, float] = {}
        self.visits: dict[str, str] = {}
        self.number = itertools.count(1)
        self.orders: list[dict[str, Any]] = []
        self.charges: list[dict[str, Any]] = []
        self.seen: dict[str, Any] = {"tokens": 0, "visits": 0, "nobody": 0}
        for member in self.members:
            self.book(member, time.time() - 3600)

    def book(self, member: str, at: float) -> dict[str, Any]:
        number = next(self.number)
        order = {"order": f"C{number}", "email": member, "qty": 1, "total": PRICE, "state": "paid", "at": at}
        self.orders.append(order)
        charge = {"charge": f"ch{number}", "captured": PRICE, "currency": "eur", "state": "succeeded", "at": at}
        self.charges.append({**charge, "email": member, "order": order["order"]})
        return order

    async def token(self, request: web.Request) -> web.Response:
        """RFC 6749 §4.4."""
        asked = await request.post()
        if (asked.get("grant_type"), asked.get("client_secret")) != ("client_credentials", "machine-hush"):
            return web.json_response({"error": "invalid_client"}, status=401)
        self.seen["tokens"] += 1
        token = secrets.token_urlsafe(24)
        if self.newest:
            self.tokens = dict.fromkeys(self.tokens, 0)
        self.tokens[token] = time.time() + self.lasts_s
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": self.lasts_s})

    async def visit(self, request: web.Request) -> web.Response:
        if not self.admitted(request):
            return web.json_response({}, status=401)
        asked = await request.json()
        if self.members.get(asked["email"]) != asked["password"]:
            return web.json_response({"error": f"wrong password {asked['password']}"}, status=403)
        self.seen["visits"] += 1
        visit = secrets.token_urlsafe(24)
        self.visits[visit] = asked["email"]
        return web.json_response({"visit": visit})

    def admitted(self, request: web.Request) -> bool:
        """A token that is still good; the shop counts who comes without."""
        good = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), 0) > time.time()
        self.seen["nobody"] += not good
        return good

    async def buy(self, request: web.Request) -> web.Response:
        if not self.admitted(request):
            return web.json_response({}, status=401)
        member = self.visits.get(request.headers.get("X-Visit", ""))
        if member is None:
            return web.json_response({}, status=403)
        order = self.book(member, time.time())
        if self.wrong == "twice" and int(order["order"][1:]) % 3 == 0:
            self.book(member, time.time())
        # It says far too much of those who ask.
        echo = [self.members[member], request.headers["Authorization"], request.headers["X-Visit"]]
        return web.json_response({**order, "seats": echo}, status=201)

    async def look(self, request: web.Request) -> web.Response:
        return web.json_response({}, status=200 if self.admitted(request) else 401)

    async def books(self, request: web.Request) -> web.Response:
        given = {**self.seen, "given": [*self.tokens, *self.visits]}
        kinds = {"orders": self.orders, "charges": self.charges, "seen": [given]}
        return web.json_response({"rows": kinds[request.match_info["kind"]]})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--members", required=True)
    parser.add_argument("--wrong", default="")
    parser.add_argument("--newest", action="store_true")
    arguments = parser.parse_args()
    club, app = Club(arguments), web.Application()
    app.router.add_post("/oauth/token", club.token)
    app.router.add_post("/visit", club.visit)
    app.router.add_post("/orders", club.buy)
    app.router.add_get("/", club.look)
    app.router.add_get("/books/{kind}", club.books)
    web.run_app(app, host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()

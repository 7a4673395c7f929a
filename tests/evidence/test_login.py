"""Books behind a login: it is walked once, shared, walked once more when it has run out, and never written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found
from tests.evidence.ledgers import QUICK, Server, order_rows, serving, target

OFFSET = {"limit": 3, "total": "total"}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


async def read(server: Server, evidence: dict[str, Any], times: int = 1) -> dict[str, Found]:
    shop = target(server.url, evidence)
    async with Books(shop, {"run": "r"}, 0.0, SystemClock(), patience=QUICK) as books:
        for _ in range(times):
            found = await books.read_all()
        return found


class Door:
    """A shop that lets in who shows the newest token: `reads` pages for each, then another is due."""

    def __init__(self, reads: int = 1000, refusal: int = 401) -> None:
        self.logins = 0
        self.reads = reads
        self.refusal = refusal
        self._left = 0

    def open(self) -> str:
        self.logins += 1
        self._left = self.reads
        return f"token-{self.logins:06d}"

    def page(self, request: web.Request, shown: str | None) -> Any:
        if shown != f"token-{self.logins:06d}" or self._left == 0:
            headers = {"Location": "/login?next=/orders"} if self.refusal == 302 else {}
            return web.Response(status=self.refusal, headers=headers)
        self._left -= 1
        first = int(request.query.get("offset", 0))
        return {"total": 7, "rows": order_rows(first, min(first + 3, 7))}


def bearer(door: Door) -> Any:
    def answer(request: web.Request, number: int) -> Any:
        if request.path == "/login":
            return {"auth": {"token": door.open()}}
        return door.page(request, request.headers.get("Authorization", "").removeprefix("Bearer "))

    return answer


def by_header(door: Door) -> Any:
    def answer(request: web.Request, number: int) -> Any:
        if request.path == "/login":
            return web.json_response({}, headers={"X-Auth-Token": door.open()})
        return door.page(request, request.headers.get("Authorization", "").removeprefix("Bearer "))

    return answer


def by_cookie(door: Door) -> Any:
    """As Django's admin: a form with a token in it, a redirect, and a cookie."""

    def answer(request: web.Request, number: int) -> Any:
        if request.path == "/login" and request.method == "GET":
            page = web.Response(text='<input name="csrf" value="a&amp;b">', content_type="text/html")
            page.set_cookie("csrftoken", "c5")
            return page
        if request.path == "/login":
            return web.Response(status=302, headers={"Location": "/", "Set-Cookie": f"sessionid={door.open()}; Path=/"})
        return door.page(request, request.cookies.get("sessionid"))

    return answer


TOKEN = {"headers": {"Authorization": "Bearer {token}"}}
LOGINS: dict[str, tuple[Any, dict[str, Any]]] = {
    "JSON to JSON": (
        bearer,
        {
            "login": [
                {"post": "/login", "json": {"user": "a", "pass": "s"}, "take": {"token": {"json": "auth.token"}}}
            ],
            **TOKEN,
        },
    ),
    "form to header": (
        by_header,
        {
            "login": [{"post": "/login", "form": {"user": "a"}, "take": {"token": {"header": "x-auth-token"}}}],
            **TOKEN,
        },
    ),
    "page, form and cookie": (
        by_cookie,
        {
            "login": [
                {"get": "/login", "take": {"csrf": {"regex": 'name="csrf" value="([^"]+)"'}}},
                {
                    "post": "/login",
                    "form": {"user": "a", "csrf": "{csrf}"},
                    "take": {"session": {"cookie": "sessionid"}},
                },
            ]
        },
    ),
}


@pytest.mark.parametrize("kind", LOGINS)
async def test_a_login_comes_before_the_books(server: Server, kind: str) -> None:
    """The token, or the cookie, of a login goes along with every page; one login is enough for several readings."""
    doorman, login = LOGINS[kind]
    door = Door()
    server.answer = doorman(door)
    found = await read(
        server, {"orders": {"http": {"get": "/orders", "rows": "rows", "offset": OFFSET, **login}}}, times=2
    )
    assert (len(found["orders"].rows), found["orders"].problem, door.logins) == (7, "", 1)


async def test_what_a_form_sends(server: Server) -> None:
    """A login form is sent as a browser would: its fields, the cookie that came with it, Referer and Origin."""
    server.answer = by_cookie(Door())
    http = {"get": "/orders", "rows": "rows", "offset": OFFSET, **LOGINS["page, form and cookie"][1]}
    await read(server, {"orders": {"http": http}})
    sent = server.headers[1]
    assert server.bodies[1] == {"user": "a", "csrf": "a&b"}
    assert (sent["Cookie"], sent["Referer"], sent["Origin"]) == ("csrftoken=c5", f"{server.url}/login", server.url)


@pytest.mark.parametrize("refusal", [401, 403, 302])
@pytest.mark.parametrize("kind", LOGINS)
async def test_a_token_that_runs_out_is_fetched_once_more(server: Server, kind: str, refusal: int) -> None:
    """Refused in the middle of the pages, the reader logs in again and goes on where it was."""
    doorman, login = LOGINS[kind]
    door = Door(reads=2, refusal=refusal)
    server.answer = doorman(door)
    found = await read(server, {"orders": {"http": {"get": "/orders", "rows": "rows", "offset": OFFSET, **login}}})
    assert (len(found["orders"].rows), found["orders"].problem, door.logins) == (7, "", 2)


@pytest.mark.parametrize("refusal", [401, 403, 302])
async def test_who_is_refused_right_after_the_login_gives_up(server: Server, refusal: int) -> None:
    """A fresh token that is refused is an error with its reason, not a loop."""
    door = Door(reads=0, refusal=refusal)
    server.answer = bearer(door)
    http = {"get": "/orders", "rows": "rows", "offset": OFFSET, **LOGINS["JSON to JSON"][1]}
    found = await read(server, {"orders": {"http": http}})
    assert f"GET /orders: answered {refusal}" in found["orders"].problem
    assert "also after a new login (after 0 rows)" in found["orders"].problem
    assert door.logins == 2


async def test_without_a_login_a_refusal_stands(server: Server) -> None:
    """Who has no login is refused once."""
    server.answer = lambda request, number: web.Response(status=401)
    found = await read(server, {"orders": {"http": {"get": "/orders"}}})
    assert (found["orders"].problem, len(server.asked)) == ("GET /orders: answered 401 (after 0 rows)", 1)


async def test_several_books_share_a_login(server: Server) -> None:
    """`login: orders` is the login of the orders: walked once for both, once more for both."""
    door = Door(reads=4)
    server.answer = bearer(door)
    http = {"rows": "rows", "offset": OFFSET, **TOKEN}
    found = await read(
        server,
        {
            "orders": {"http": {"get": "/orders", **http, "login": LOGINS["JSON to JSON"][1]["login"]}},
            "tickets": {
                "http": {"get": "/tickets", **http, "login": "orders"},
                "row": {"ticket": "order"},
            },
        },
    )
    assert {kind: (len(book.rows), book.problem) for kind, book in found.items()} == {
        "orders": (7, ""),
        "tickets": (7, ""),
    }
    assert door.logins == 2


FAILED: dict[str, tuple[Any, str]] = {
    "refused": (lambda: web.Response(status=401), "the login failed: POST /login: answered 401"),
    "another form": (lambda: {"token": "t"}, 'the login failed: the answer holds no "token" (it was 200)'),
    "no JSON": (lambda: web.Response(text="<html>"), 'the login failed: "token" is looked for in JSON'),
    "broken": (lambda: web.Response(status=500), "the login failed: POST /login: answered 500 (3 tries)"),
}


@pytest.mark.parametrize("name", FAILED)
async def test_a_login_that_fails_is_the_reason(server: Server, name: str) -> None:
    """The books were not read because nobody let us in: that is said, and nothing else is asked."""
    answer, problem = FAILED[name]
    server.answer = lambda request, number: answer()
    found = await read(server, {"orders": {"http": {"get": "/orders", **LOGINS["JSON to JSON"][1]}}})
    assert problem in found["orders"].problem
    assert set(server.asked) == {"/login"}


async def test_a_graphql_login_and_its_end(server: Server) -> None:
    """A shop that always answers 200 says FORBIDDEN in its errors: that is a token that ran out, too."""
    door = Door(reads=2)

    def answer(request: web.Request, number: int) -> Any:
        if "login" in server.bodies[-1]["query"]:
            return web.json_response({"data": {"login": {}}}, headers={"vendure-auth-token": door.open()})
        skip = server.bodies[-1]["variables"]["skip"]
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        found = door.page(request, shown)
        if isinstance(found, web.Response):
            return {"errors": [{"message": "not authorized", "extensions": {"code": "FORBIDDEN"}}], "data": None}
        return {"data": {"orders": {"totalItems": 7, "items": order_rows(skip, min(skip + 3, 7))}}}

    server.answer = answer
    http = {
        "post": "/admin-api",
        "graphql": {"query": "query { orders }"},
        "rows": "data.orders.items",
        "skip": {"take": 3, "total": "data.orders.totalItems"},
        "login": [
            {
                "post": "/admin-api",
                "graphql": {"query": "mutation { login }"},
                "take": {"token": {"header": "vendure-auth-token"}},
            }
        ],
        **TOKEN,
    }
    found = await read(server, {"orders": {"http": http}})
    assert (len(found["orders"].rows), found["orders"].problem, door.logins) == (7, "", 2)


async def test_a_token_is_in_no_reason(server: Server) -> None:
    """Whatever a shop repeats of our token in its errors, the report does not."""

    def answer(request: web.Request, number: int) -> Any:
        if request.path == "/login":
            return {"auth": {"token": "very-secret-token"}}
        return {"errors": [{"message": f"bad {request.headers['Authorization']}"}]}

    server.answer = answer
    http = {"post": "/api", "graphql": {"query": "{ orders }"}, "rows": "data", **LOGINS["JSON to JSON"][1]}
    found = await read(server, {"orders": {"http": http}})
    assert found["orders"].problem == "GraphQL: bad Bearer *** (after 0 rows)"


async def test_cookies_stay_with_the_host_that_set_them(server: Server) -> None:
    """A cookie of the shop is not shown to another origin that the target reads."""
    async with serving() as other:
        other.answer = lambda request, number: order_rows(0, 1)
        server.answer = by_cookie(Door())
        login = LOGINS["page, form and cookie"][1]["login"]
        shop = target(
            server.url,
            {"orders": {"http": {"get": "/orders", "origin": "ledger", "login": [*login, {"get": "/orders"}]}}},
            origins={"ledger": other.url},
        )
        async with Books(shop, {}, 0.0, SystemClock(), patience=QUICK) as books:
            found = await books.read("orders")
    assert (len(found.rows), found.problem) == (1, "")
    assert "sessionid" in server.headers[-1]["Cookie"]
    assert "Cookie" not in other.headers[0]

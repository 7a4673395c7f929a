"""Books behind a signature: somebody's Python has the last word on each request, each time that it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found
from tests.evidence.ledgers import QUICK, Server, order_rows, serving, target
from tests.journey.steps import offer

CALLS: list[Any] = []


def _sign(call: Any) -> dict[str, Any]:
    CALLS.append(call)
    sent = call.request
    said = f"{call.given['secret']}|{sent.method}|{sent.url.split('/', 3)[3]}|{sent.body.decode()}|{len(CALLS)}"
    return {"headers": {"X-Signature": said}}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    CALLS.clear()
    offer(monkeypatch, sign=_sign)
    async with serving() as running:
        yield running


SIGNED = {"call": "sign", "with": {"secret": "s"}}


async def read(server: Server, orders: dict[str, Any]) -> Found:
    shop = target(server.url, {"orders": {"states": {"valid": ["valid"]}, **orders}})
    async with Books(shop, {"run": "r"}, 0.0, SystemClock(), patience=QUICK) as books:
        return await books.read("orders")


def signatures(server: Server) -> list[str | None]:
    return [headers.get("X-Signature") for headers in server.headers]


async def test_every_page_is_signed_as_it_is_asked_for(server: Server) -> None:
    """The signature is over the address with its offset; it is told for whom, and that no fan asks."""
    server.answer = lambda request, number: {"total": 5, "rows": order_rows(3 * number, min(3 * number + 3, 5))}
    offset = {"limit": 3, "total": "total"}
    found = await read(server, {"http": {"get": "/orders", "rows": "rows", "offset": offset, **SIGNED}})
    assert (found.problem, len(found.rows)) == ("", 5)
    assert signatures(server) == ["s|GET|orders?offset=0&limit=3||1", "s|GET|orders?offset=3&limit=3||2"]
    assert [(call.run, call.intent, call.fan) for call in CALLS] == [("r", "", 0)] * 2 and CALLS[0].at_s > 1e9
    assert CALLS[0].random().random() != CALLS[1].random().random(), "a nonce is never the same twice"


async def test_a_second_try_is_signed_anew(server: Server) -> None:
    """A server that answers 503 once may have kept the nonce."""
    server.answer = lambda request, number: web.Response(status=503) if number == 0 else order_rows(0, 1)
    found = await read(server, {"http": {"get": "/orders", **SIGNED}})
    assert found.problem == "" and signatures(server) == ["s|GET|orders||1", "s|GET|orders||2"]


async def test_a_login_and_an_export_are_signed_as_well(server: Server) -> None:
    """Where they say so: the login, and the two steps that make a file; the list itself says nothing of it."""
    server.answer = lambda request, number: {"token": "t"} if "login" in request.path else order_rows(0, 1)
    login = [{"post": "/login", "json": {"user": "a"}, "take": {"token": {"json": "token"}}, **SIGNED}]
    found = await read(server, {"http": {"get": "/orders", "login": login, "headers": {"X-Token": "{token}"}}})
    assert found.problem == "" and signatures(server) == ['s|POST|login|{"user":"a"}|1', None]
    CALLS.clear()
    table = web.Response(text="order;state\no1;valid\n", content_type="text/csv")
    server.answer = lambda request, number: {"file": "/file.csv"} if request.method == "POST" else table
    export = [
        {"post": "/export", "take": {"file": {"json": "file"}}, **SIGNED},
        {"get": "{file}", **SIGNED},
    ]
    found = await read(server, {"csv": {"export": export}})
    assert (found.problem, len(found.rows)) == ("", 1)
    assert signatures(server)[2:] == ["s|POST|export||1", "s|GET|file.csv||2"]


async def test_what_it_returns_is_sent(server: Server) -> None:
    """Another address, method and body: it has the last word."""
    server.answer = lambda request, number: order_rows(0, 1)

    def other(call: Any) -> dict[str, Any]:
        return {"method": "POST", "url": f"{server.url}/signed", "body": b"[]", "headers": {"Accept": None}}

    with pytest.MonkeyPatch.context() as patch:
        offer(patch, sign=other)
        found = await read(server, {"http": {"get": "/orders", **SIGNED}})
    assert found.problem == "" and server.asked == ["/signed"] and server.bodies == [[]]


async def test_where_it_fails_nothing_is_asked(server: Server) -> None:
    """The book is unknown, and its reason is the callable's own."""

    def fails(call: Any) -> dict[str, Any]:
        raise RuntimeError("no key\nfor today")

    with pytest.MonkeyPatch.context() as patch:
        offer(patch, sign=fails)
        found = await read(server, {"http": {"get": "/orders", **SIGNED}})
    assert "call sign: RuntimeError: no key" in found.problem and "\n" not in found.problem and server.asked == []


def test_a_name_that_nobody_offers_is_refused_with_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is asked; and so is what is given to nobody."""
    offer(monkeypatch, sign=_sign)
    for http, path, words in (
        ({"call": "sing"}, "evidence.orders.http.call", "did you mean"),
        ({"with": {"a": 1}}, "evidence.orders.http.with", "nothing is called"),
    ):
        shop = target("http://127.0.0.1:1", {"orders": {"http": {"get": "/orders", **http}}})
        with pytest.raises(UsageError) as refused:
            Books(shop, {"run": "r"}, 0.0, SystemClock())
        assert refused.value.where == path and words in str(refused.value)

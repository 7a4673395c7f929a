"""Lists over HTTP: read to the end however they are paged, and never believed whole when they are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.evidence.http import follow
from surgectl.evidence.reading import Found
from tests.evidence.ledgers import QUICK, Server, order_rows, serving, target


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


async def read(server: Server, http: dict[str, Any], variables: dict[str, Any] | None = None, **source: Any) -> Found:
    """The orders, as a target with this `http:` reads them."""
    shop = target(server.url, {"orders": {"http": http, **source}})
    async with Books(shop, variables or {}, 0.0, SystemClock(), patience=QUICK) as books:
        return await books.read("orders")


def names(found: Found) -> list[str]:
    return [row.order for row in found.rows]  # type: ignore[attr-defined]  # these tests read orders alone


ALL = [f"o{number}" for number in range(7)]


def by_offset(skip: str, take: str, cap: int = 100) -> Any:
    def answer(request: web.Request, number: int) -> Any:
        first, size = int(request.query[skip]), min(int(request.query[take]), cap)
        return {"total": 7, "items": order_rows(first, min(first + size, 7))}

    return answer


async def test_a_list_in_one_answer(server: Server) -> None:
    """A body that is the list, or holds it at a path, is read in one request."""
    server.answer = lambda request, number: order_rows(0, 7)
    assert names(await read(server, {"get": "/orders"})) == ALL
    server.answer = lambda request, number: {"data": {"orders": order_rows(0, 7)}}
    found = await read(server, {"get": "/orders", "rows": "data.orders"})
    assert (names(found), found.problem, found.source) == (ALL, "", "http /orders")


async def test_lines_of_json(server: Server) -> None:
    """A provider's log of JSON lines is a list of rows."""
    text = '{"order":"o0","state":"valid"}\n{"order":"o1","state":"valid"}\n'
    server.answer = lambda request, number: web.Response(text=text, content_type="application/x-ndjson")
    assert names(await read(server, {"get": "/log"})) == ["o0", "o1"]


async def test_next_links(server: Server) -> None:
    """Links to the next page are followed to the end, absolute or relative, on the host that was asked first."""

    def answer(request: web.Request, number: int) -> Any:
        links = {"/orders": "http://inner-name:81/p/2?x=1", "/p/2": "/p/3", "/p/3": None}
        first = {"/orders": 0, "/p/2": 3, "/p/3": 6}[request.path]
        return {"next": links[request.path], "rows": order_rows(first, min(first + 3, 7))}

    server.answer = answer
    found = await read(server, {"get": "/orders", "rows": "rows", "next": "next"})
    assert (names(found), found.problem) == (ALL, "")
    assert server.asked == ["/orders", "/p/2?x=1", "/p/3"]


@pytest.mark.parametrize("cap", [100, 2], ids=["as asked", "capped by the shop"])
@pytest.mark.parametrize(("way", "skip", "take"), [("offset", "offset", "limit"), ("skip", "skip", "take")])
async def test_offset_and_skip(server: Server, way: str, skip: str, take: str, cap: int) -> None:
    """Counted pages are read until the declared total is there, also where the shop gives smaller pages than asked."""
    server.answer = by_offset(skip, take, cap)
    found = await read(server, {"get": "/orders?a=b", "rows": "items", way: {take: 3, "total": "total"}})
    assert (names(found), found.declared, found.problem) == (ALL, 7, "")
    assert server.asked[:2] == [f"/orders?a=b&{skip}=0&{take}=3", f"/orders?a=b&{skip}={min(3, cap)}&{take}=3"]


async def test_counted_pages_without_a_total(server: Server) -> None:
    """Where no total is declared an empty page is the end: a short one may be the shop's own cap."""
    server.answer = by_offset("offset", "limit", cap=2)
    found = await read(server, {"get": "/orders", "rows": "items", "offset": {"limit": 3}})
    assert (names(found), found.declared, found.problem, len(server.asked)) == (ALL, None, "", 5)


async def test_a_cursor(server: Server) -> None:
    """A cursor is the last row's value, sent until there is no more."""

    def answer(request: web.Request, number: int) -> Any:
        first = int(request.query.get("starting_after", -1)) + 1
        return {"data": order_rows(first, min(first + 3, 7)), "has_more": first + 3 < 7}

    server.answer = answer
    found = await read(server, {"get": "/orders", "rows": "data", "cursor": {"after": "id", "more": "has_more"}})
    assert (names(found), found.problem) == (ALL, "")
    assert server.asked == ["/orders", "/orders?starting_after=2", "/orders?starting_after=5"]


async def test_graphql_pages_by_variables(server: Server) -> None:
    """A GraphQL list is paged by its variables; Relay's cursor stands beside the rows."""

    def answer(request: web.Request, number: int) -> Any:
        variables = server.bodies[-1]["variables"]
        if "take" in variables:
            first = variables["skip"]
            return {"data": {"orders": {"totalItems": 7, "items": order_rows(first, min(first + 3, 7))}}}
        first = int(variables.get("after", 0))
        info = {"hasNextPage": first + 3 < 7, "endCursor": str(first + 3)}
        return {"data": {"orders": {"pageInfo": info, "items": order_rows(first, min(first + 3, 7))}}}

    server.answer = answer
    graphql = {"query": "query($take: Int) { orders }", "variables": {"shop": "{setup.shop}"}}
    skip = {"take": 3, "total": "data.orders.totalItems"}
    http = {"post": "/graphql", "graphql": graphql, "rows": "data.orders.items"}
    found = await read(server, {**http, "skip": skip}, {"setup": {"shop": 5}})
    assert (names(found), found.problem) == (ALL, "")
    assert server.bodies[1] == {"query": graphql["query"], "variables": {"shop": 5, "skip": 3, "take": 3}}
    cursor = {"after": "data.orders.pageInfo.endCursor", "more": "data.orders.pageInfo.hasNextPage"}
    found = await read(server, {**http, "cursor": cursor}, {"setup": {"shop": 5}})
    assert (names(found), found.problem) == (ALL, "")
    assert server.bodies[-1]["variables"] == {"shop": 5, "after": "6"}


async def test_a_paging_variable_may_stand_anywhere(server: Server) -> None:
    """A request that names its own `{offset}` or `{cursor}` gets it there, and nowhere else."""
    server.answer = lambda request, number: {"total": 1, "items": order_rows(0, 1)}
    await read(server, {"get": "/orders/{offset}/x", "rows": "items", "offset": {"limit": 3, "total": "total"}})
    assert server.asked == ["/orders/0/x?limit=3"]

    def answer(request: web.Request, number: int) -> Any:
        page = int(server.bodies[-1]["from"] or 0)
        return {"rows": order_rows(page, page + 1), "to": page + 1, "more": page < 2}

    server.answer = answer
    cursor = {"after": "to", "more": "more"}
    found = await read(server, {"post": "/find", "json": {"from": "{cursor}"}, "rows": "rows", "cursor": cursor})
    assert (names(found), found.problem) == (["o0", "o1", "o2"], "")
    assert server.bodies[-1] == {"from": 2}


async def test_headers_and_variables(server: Server) -> None:
    """What the run knows stands in address and headers, safe for an address."""
    await read(server, {"get": "/orders?run={run}", "headers": {"X-Key": "k {run}"}}, {"run": "a b&c"})
    assert server.asked == ["/orders?run=a%20b%26c"]
    assert server.headers[0]["X-Key"] == "k a b&c"


async def test_the_runs_start_is_a_number_or_an_instant(server: Server) -> None:
    """Shops compare instants as seconds or as text: the same moment in both, the text never later than the number."""
    shop = target(server.url, {"orders": {"http": {"get": "/orders?since={since}&created_at[$gte]={since_iso}"}}})
    async with Books(shop, {}, 1_777_658_400.9, SystemClock(), patience=QUICK) as books:
        await books.read("orders")
    assert server.asked == ["/orders?since=1777658400.9&created_at[$gte]=2026-05-01T18%3A00%3A00Z"]


async def test_a_variable_that_is_not_set_is_said(server: Server) -> None:
    """A request with an unset variable is not sent."""
    found = await read(server, {"get": "/orders?since={setup.since}"})
    assert "{setup.since} is not set" in found.problem
    assert server.asked == []


async def test_a_repeated_page_is_incomplete(server: Server) -> None:
    """A shop that ignores the offset and gives the first page again is not believed."""
    server.answer = lambda request, number: {"total": 9, "items": order_rows(0, 3)}
    found = await read(server, {"get": "/orders", "rows": "items", "offset": {"limit": 3, "total": "total"}})
    assert "page 2 repeats an earlier page (after 3 rows)" in found.problem
    assert names(found) == ["o0", "o1", "o2"]


async def test_a_link_in_a_circle_is_incomplete(server: Server) -> None:
    """A next page that was already read ends the reading with the reason."""
    server.answer = lambda request, number: {"next": "/orders", "rows": order_rows(number, number + 1)}
    found = await read(server, {"get": "/orders", "rows": "rows", "next": "next"})
    assert "the next page is one that was read before" in found.problem
    assert len(server.asked) == 1


async def test_a_count_that_does_not_match_is_incomplete(server: Server) -> None:
    """Fewer, or more, rows than the source declares: what was read is kept, and the difference is said."""
    server.answer = lambda request, number: {"count": 8, "rows": order_rows(0, 7)}
    found = await read(server, {"get": "/orders", "rows": "rows", "count": "count"})
    assert (names(found), found.declared, found.problem) == (ALL, 8, "read 7 rows where 8 are declared")
    server.answer = lambda request, number: {"count": 6, "rows": order_rows(0, 7)}
    assert (
        "read 7 rows where 6 are declared"
        in (await read(server, {"get": "/orders", "rows": "rows", "count": "count"})).problem
    )
    server.answer = lambda request, number: {"rows": order_rows(0, 7)}
    assert (
        "the declared count is None"
        in (await read(server, {"get": "/orders", "rows": "rows", "count": "count"})).problem
    )


async def test_an_empty_page_before_the_total_is_incomplete(server: Server) -> None:
    """A list that runs dry before its total is not whole."""

    def answer(request: web.Request, number: int) -> Any:
        return {"total": 9, "items": order_rows(0, 3) if number == 0 else []}

    server.answer = answer
    found = await read(server, {"get": "/orders", "rows": "items", "offset": {"limit": 3, "total": "total"}})
    assert "an empty page after 3 of 9 rows" in found.problem


async def test_a_500_in_the_middle_is_asked_again(server: Server) -> None:
    """One bad answer does not end a reading: it is asked again."""
    pages = by_offset("offset", "limit")
    server.answer = lambda request, number: web.Response(status=500) if number == 1 else pages(request, number)
    found = await read(server, {"get": "/orders", "rows": "items", "offset": {"limit": 3, "total": "total"}})
    assert (names(found), found.problem) == (ALL, "")


async def test_a_500_that_stays_is_incomplete(server: Server) -> None:
    """A source that goes on failing in the middle keeps its first pages and says how it failed."""
    pages = by_offset("offset", "limit")
    server.answer = lambda request, number: web.Response(status=500) if number >= 1 else pages(request, number)
    found = await read(server, {"get": "/orders", "rows": "items", "offset": {"limit": 3, "total": "total"}})
    assert found.problem == "GET /orders: answered 500 (3 tries) (after 3 rows)"
    assert len(server.asked) == 4


async def test_a_refusal_is_not_asked_again(server: Server) -> None:
    """A 403 will be a 403 again, and so will a redirect to somewhere else."""
    server.answer = lambda request, number: web.Response(status=403)
    assert (await read(server, {"get": "/orders"})).problem == "GET /orders: answered 403 (after 0 rows)"
    server.answer = lambda request, number: web.Response(status=302, headers={"Location": "http://elsewhere/"})
    assert "answered 302" in (await read(server, {"get": "/orders"})).problem
    assert len(server.asked) == 2


BROKEN: dict[str, tuple[Any, str]] = {
    "no JSON": (web.Response(text="<html>"), "the answer is no JSON"),
    "no list": ({"rows": "none"}, "there is no list of rows at rows"),
    "no objects": ({"rows": [1]}, "a row is not an object"),
    "a pit": (web.Response(text="[" * 100_000 + "]" * 100_000), "the answer is no JSON"),
    "null": ({}, "there is no list of rows at rows"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_an_answer_of_another_shape_is_incomplete(server: Server, name: str) -> None:
    """What is not a list of rows is not an empty list."""
    answer, problem = BROKEN[name]
    server.answer = lambda request, number: answer
    found = await read(server, {"get": "/orders", "rows": "rows"})
    assert problem in found.problem


async def test_graphql_errors_are_incomplete(server: Server) -> None:
    """GraphQL answers 200 and says that it failed: that is a failure."""
    server.answer = lambda request, number: {"data": {"orders": []}, "errors": [{"message": "not allowed"}]}
    graphql = {"query": "{ orders { id } }"}
    found = await read(server, {"post": "/g", "graphql": graphql, "rows": "data.orders"})
    assert "GraphQL: not allowed" in found.problem


async def test_a_server_that_is_not_there_is_incomplete(server: Server) -> None:
    """Nobody listening is a reason, without host and port, and no crash."""
    shop = target("http://127.0.0.1:1", {"orders": {"http": {"get": "/orders"}}})
    async with Books(shop, {}, 0.0, SystemClock(), patience=QUICK) as books:
        found = await books.read("orders")
    assert "GET /orders: Client" in found.problem
    assert "127.0.0.1" not in found.problem


async def test_rows_that_cannot_be_mapped_are_counted(server: Server) -> None:
    """One row that cannot be mapped makes its kind incomplete; the others stay."""
    rows = [*order_rows(0, 2), {"order": "o2", "state": "??"}, {"state": "valid"}, *order_rows(4, 5)]
    server.answer = lambda request, number: rows
    found = await read(server, {"get": "/orders"})
    assert names(found) == ["o0", "o1", "o4"]
    assert found.problem.startswith('2 of 5 rows cannot be mapped; the first (row 3): state: "??" is none of')


async def test_an_order_listed_twice_is_incomplete(server: Server) -> None:
    """A join that doubles its rows would look like overselling: it is said instead."""
    server.answer = lambda request, number: [*order_rows(0, 3), *order_rows(1, 2)]
    problem = (await read(server, {"get": "/orders"})).problem
    assert problem.startswith("1 of them are listed more than once; the first: o1 (let the source give one row each")


SOFT = {
    "an error's words": {"rows": [], "error": "the report server is busy"},
    "no success": {"rows": [], "success": False, "message": "busy"},
    "a status": {"rows": [], "status": "error"},
    "errors": {"rows": [], "errors": ["busy"]},
}


@pytest.mark.parametrize("name", SOFT)
async def test_an_empty_list_beside_an_error_is_no_list(server: Server, name: str) -> None:
    """Status 200 and `rows: []`: the shop sold something, and could not say what."""
    server.answer = lambda request, number: SOFT[name]
    found = await read(server, {"get": "/orders", "rows": "rows"})
    assert "the answer calls itself a failure" in found.problem and not found.rows


async def test_a_row_may_have_a_status_of_its_own(server: Server) -> None:
    """What stands in the row is the row's; an error that is null, or none, is no error."""
    server.answer = lambda request, number: {"order": "o1", "state": "valid", "status": "error", "error": "no"}
    assert (await read(server, {"get": "/orders"})).problem == ""
    server.answer = lambda request, number: {"error": None, "errors": [], "success": True, "rows": order_rows(0, 2)}
    assert (await read(server, {"get": "/orders", "rows": "rows"})).problem == ""


async def test_one_list_may_hold_two_kinds(server: Server) -> None:
    """`same: orders` reads tickets out of the orders' rows, with their states, and asks only once."""
    server.answer = lambda request, number: [
        {"order": "o1", "state": "paid", "seats": ["A1", "A2"]},
        {"order": "o2", "state": "open", "seats": []},
    ]
    evidence = {
        "orders": {"http": {"get": "/orders"}, "states": {"valid": ["paid"], "pending": ["open"]}},
        "tickets": {"same": "orders", "each": {"from": "seats"}, "row": {"seat": "each"}},
    }
    async with Books(target(server.url, evidence), {}, 0.0, SystemClock(), patience=QUICK) as books:
        found = await books.read_all()
    assert [(row.ticket, row.order, row.state, row.seat) for row in found["tickets"].rows] == [  # type: ignore[attr-defined]
        ("A1", "o1", "valid", "A1"),
        ("A2", "o1", "valid", "A2"),
    ]
    assert len(server.asked) == 1


BAD_SOURCES: dict[str, tuple[dict[str, Any], str]] = {
    "two ways of paging": ({"next": "n", "skip": {"take": 5}}, "pages in 2 ways: next and skip"),
    "no page size": ({"offset": {"limit": 0}}, "offset.limit: 0 is not a number of rows"),
    "a first page that is none": ({"page": {"per_page": 5, "first": 2}}, "the first page is not 2"),
    "two bodies": ({"form": {"a": 1}, "json": {}}, "has 2 bodies: json and form"),
    "a login that is not there": ({"login": "tickets"}, '"tickets" has no login'),
    "no path": ({"next": "a..b"}, "is not a JMESPath"),
    "a rows path that is none": ({"rows": "a[["}, "rows: .* is not a JMESPath"),
    "an unknown origin": ({"origin": "gateway"}, 'no such origin: "gateway"'),
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_source_that_cannot_be_meant_is_said_before_anything_is_asked(name: str) -> None:
    """A mistake in the target is an error of usage, not a source that failed."""
    more, problem = BAD_SOURCES[name]
    with pytest.raises(UsageError, match=problem):
        Books(target("http://127.0.0.1:1", {"orders": {"http": {"get": "/", **more}}}), {}, 0.0, SystemClock())


def test_a_link_never_leaves_the_host() -> None:
    """Whatever host a next link names, the host that was asked first is asked."""
    first = "https://shop.example/api/orders?page=1"
    assert follow(first, "http://evil.example/api/orders?page=2") == "https://shop.example/api/orders?page=2"
    assert follow(first, "?page=2") == "https://shop.example/api/orders?page=2"
    assert follow(first, "//evil.example/x") == "https://shop.example/x"

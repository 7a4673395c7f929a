"""Every way in which shops page a list, whole and in each way in which it can fail to be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.evidence.books import Books
from surgectl.evidence.paging import next_link
from surgectl.evidence.reading import Found
from tests.evidence.ledgers import QUICK, TORN, Server, order_rows, serving, target

SIZE, ALL = 3, 7


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


class List:
    """Seven orders, three to a page, of a shop with a `fault`: the page at `first`, and how many there are."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.asked = 0

    def page(self, first: int) -> tuple[list[dict[str, Any]], int]:
        self.asked += 1
        rows, total = order_rows(first, min(first + SIZE, ALL)), ALL
        if self.fault == "partial" and first == SIZE:
            rows = rows[:1] + rows[2:]
        if self.fault == "repeats" and first == SIZE:
            rows = order_rows(0, SIZE)
        if self.fault == "moves" and first == 0:
            total += 1
        if self.fault == "miscounted":
            total += 1
        if self.fault == "more than it says":
            total -= 3
        return rows, total


Answer = Callable[[List, web.Request, Any], Any]


def by_link(pages: List, request: web.Request, body: Any) -> Any:
    first = int(request.query.get("from", 0))
    rows, total = pages.page(first)
    # As behind a proxy: an inner name, which is not where we may send anything.
    following = f"http://inner:81/orders?from={first + SIZE}" if first + SIZE < ALL else None
    return {"count": total, "next": following, "results": rows}


def by_header(pages: List, request: web.Request, body: Any) -> Any:
    first = int(request.query.get("from", 0))
    rows, total = pages.page(first)
    link = f'</orders?from=0>; rel="first", </orders?from={first + SIZE}>; title="a, b"; rel="last next"'
    headers = {"X-Total-Count": str(total)} | ({"Link": link} if first + SIZE < ALL else {})
    return web.json_response(rows, headers=headers)


def by_offset(pages: List, request: web.Request, body: Any) -> Any:
    assert request.query["limit"] == str(SIZE)
    rows, total = pages.page(int(request.query["offset"]))
    return {"count": total, "orders": rows}


def by_skip(pages: List, request: web.Request, body: Any) -> Any:
    assert request.query["take"] == str(SIZE)
    rows, total = pages.page(int(request.query["skip"]))
    return {"total": total, "items": rows}


def by_number(pages: List, request: web.Request, body: Any) -> Any:
    assert request.query["per_page"] == str(SIZE)
    rows, total = pages.page((int(request.query["page"]) - 1) * SIZE)
    return web.json_response(rows, headers={"X-WP-Total": str(total)})


def by_number_from_0(pages: List, request: web.Request, body: Any) -> Any:
    rows, total = pages.page(int(request.query["page"]) * int(request.query["size"]))
    return {"content": rows, "totalElements": total, "totalPages": 3}


def by_cursor(pages: List, request: web.Request, body: Any) -> Any:
    first = int(request.query.get("starting_after", -1)) + 1
    rows, total = pages.page(first)
    return {"data": rows, "has_more": first + SIZE < ALL, "total_count": total}


def by_cursor_that_ends(pages: List, request: web.Request, body: Any) -> Any:
    first = int(request.query.get("cursor", 0))
    rows, total = pages.page(first)
    return {"data": rows, "meta": {"total": total} | ({"cursor": str(first + SIZE)} if first + SIZE < ALL else {})}


def by_take(pages: List, request: web.Request, body: Any) -> Any:
    options = body["variables"]["options"]
    assert options["take"] == SIZE
    rows, total = pages.page(options["skip"])
    return {"data": {"orders": {"totalItems": total, "items": rows}}}


def by_relay(pages: List, request: web.Request, body: Any) -> Any:
    first = int(body["variables"].get("after") or 0)
    rows, total = pages.page(first)
    info = {"hasNextPage": first + SIZE < ALL, "endCursor": str(first + SIZE)}
    edges = [{"cursor": "x", "node": row} for row in rows]
    return {"data": {"orders": {"totalCount": total, "pageInfo": info, "edges": edges}}}


VENDURE = {
    "query": "query($options: OrderListOptions) { … }",
    "variables": {"options": {"skip": "{skip}", "take": "{take}"}},
}
RELAY = {"query": "query($first: Int!, $after: String) { … }", "variables": {"first": SIZE}}
PAGE_INFO = {"after": "data.orders.pageInfo.endCursor", "more": "data.orders.pageInfo.hasNextPage"}
TOTAL = "data.orders.totalItems"

WAYS: dict[str, tuple[Answer, dict[str, Any]]] = {
    "next": (by_link, {"get": "/orders", "rows": "results", "next": "next", "count": "count"}),
    "link header": (
        by_header,
        {"get": "/orders", "next": {"header": "link"}, "count": {"header": "X-Total-Count"}},
    ),
    "offset": (by_offset, {"get": "/orders", "rows": "orders", "offset": {"limit": SIZE, "total": "count"}}),
    "skip": (by_skip, {"get": "/orders", "rows": "items", "skip": {"take": SIZE, "total": "total"}}),
    "page": (by_number, {"get": "/orders", "page": {"per_page": SIZE, "total": {"header": "x-wp-total"}}}),
    "page from 0, named by the request": (
        by_number_from_0,
        {
            "get": "/orders?page={page}&size={per_page}",
            "rows": "content",
            "count": "totalElements",
            "page": {"per_page": SIZE, "first": 0, "pages": "totalPages"},
        },
    ),
    "cursor": (
        by_cursor,
        {"get": "/orders", "rows": "data", "cursor": {"after": "id", "more": "has_more"}, "count": "total_count"},
    ),
    "cursor that ends": (
        by_cursor_that_ends,
        {
            "get": "/orders",
            "rows": "data",
            "cursor": {"after": "meta.cursor", "param": "cursor"},
            "count": "meta.total",
        },
    ),
    "graphql skip": (
        by_take,
        {"post": "/api", "graphql": VENDURE, "rows": "data.orders.items", "skip": {"take": SIZE, "total": TOTAL}},
    ),
    "graphql cursor": (
        by_relay,
        {
            "post": "/api",
            "graphql": RELAY,
            "rows": "data.orders.edges[].node",
            "cursor": PAGE_INFO,
            "count": "data.orders.totalCount",
        },
    ),
}
FAULTS: dict[str, tuple[str, ...]] = {
    "": ("",),
    "partial": ("read 6 rows where 7 are declared", "an empty page after 6 of 7 rows", "listed more than once"),
    "repeats": ("page 2 repeats an earlier page (after 3 rows)", "page 3 repeats", "where 7 are declared"),
    "moves": ("the declared count moved from 8 to 7 while its pages were read",),
    "miscounted": ("read 7 rows where 8 are declared", "an empty page after 7 of 8 rows"),
    "more than it says": ("read 6 rows where 4 are declared", "read 7 rows where 4 are declared"),
}


async def read(server: Server, http: dict[str, Any]) -> Found:
    shop = target(server.url, {"orders": {"http": http}})
    async with Books(shop, {}, 0.0, SystemClock(), patience=QUICK) as books:
        return await books.read("orders")


def serve(server: Server, way: str, fault: str) -> tuple[List, dict[str, Any]]:
    answer, http = WAYS[way]
    pages = List(fault)
    server.answer = lambda request, number: answer(pages, request, server.bodies[-1])
    return pages, http


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault or "whole")
async def test_a_list_is_whole_or_said_not_to_be(server: Server, way: str, fault: str) -> None:
    """Every way of paging gives all rows of a shop that pages right, and a reason for one that does not."""
    pages, http = serve(server, way, fault)
    found = await read(server, http)
    if not fault:
        assert ([row.order for row in found.rows], found.problem) == ([f"o{n}" for n in range(ALL)], "")  # type: ignore[attr-defined]
        assert (found.declared, pages.asked, found.places) == (ALL, 3, list(range(1, ALL + 1)))
    else:
        assert any(said in found.problem for said in FAULTS[fault]), found.problem


@pytest.mark.parametrize("way", WAYS)
async def test_a_page_that_breaks_off_is_asked_for_again_and_then_said(server: Server, way: str) -> None:
    """An answer that ends in the middle of its body is no page: it is asked for once more, and then it is said."""
    pages, http = serve(server, way, "")
    whole, tears = server.answer, 1

    def answer(request: web.Request, number: int) -> Any:
        return TORN if 1 <= number <= tears else whole(request, number)

    server.answer = answer
    found = await read(server, http)
    assert (len(found.rows), found.problem) == (ALL, "")
    server.asked.clear()
    tears = 99
    found = await read(server, http)
    assert "the answer broke off in the middle (3 tries) (after 3 rows)" in found.problem
    assert len(found.rows) == SIZE


async def test_more_that_is_not_there_is_no_end(server: Server) -> None:
    """A path with a slip in it would end every list after its first page: it is an error instead; null is an answer."""
    pages, http = serve(server, "cursor", "")
    found = await read(server, {**http, "cursor": {"after": "id", "more": "hasMore"}, "count": None})
    assert "hasMore is not there to say whether there is more" in found.problem
    server.answer = lambda request, number: {"data": order_rows(0, 3), "has_more": None}
    found = await read(server, {**http, "count": None})
    assert (len(found.rows), found.problem) == (3, "")


async def test_a_cap_below_the_page_that_was_asked_for_ends_nothing(server: Server) -> None:
    """A shop that gives three where a hundred are asked for is read to its end, also without a declared total."""
    for http in (
        {"get": "/orders", "rows": "orders", "offset": {"limit": 100}},
        {"get": "/orders?n={page}", "rows": "orders", "page": {"per_page": 100}},
    ):

        def answer(request: web.Request, number: int) -> Any:
            first = int(request.query["offset"]) if "offset" in request.query else (int(request.query["n"]) - 1) * SIZE
            return {"orders": List().page(first)[0]}

        server.answer = answer
        found = await read(server, http)
        assert ([row.order for row in found.rows], found.problem) == ([f"o{n}" for n in range(ALL)], "")  # type: ignore[attr-defined]


UNASKED: dict[str, tuple[Any, str]] = {
    "a next link": (lambda: {"next": "https://shop/orders?page=2", "rows": order_rows(0, 3)}, "next"),
    "a next path deeper": (lambda: {"meta": {"links": {"next_page": "/orders?page=2"}}, "rows": []}, "links.next_page"),
    "HAL": (lambda: {"_links": {"next": {"href": "/orders?page=2"}}, "rows": []}, "_links.next"),
    "has_more": (lambda: {"has_more": True, "rows": order_rows(0, 3)}, "has_more"),
    "hasNextPage": (lambda: {"pageInfo": {"hasNextPage": True}, "rows": order_rows(0, 3)}, "pageInfo.hasNextPage"),
    "a Link header": (
        lambda: web.json_response({"rows": []}, headers={"Link": '</2>; rel="next"'}),
        "say next: {header: Link}",
    ),
    "a total above the rows": (
        lambda: {"meta": {"total": 57}, "rows": order_rows(0, 3)},
        "57 at meta.total, and 3 rows",
    ),
    "two pages": (lambda: {"lastPage": 2, "rows": order_rows(0, 3)}, "2 at lastPage"),
    "a header that counts": (
        lambda: web.json_response({"rows": order_rows(0, 3)}, headers={"X-WP-Total": "4"}),
        "X-WP-Total says 4",
    ),
    "a total of just these": (lambda: {"total": 3, "pages": 1, "count": 3, "rows": order_rows(0, 3)}, ""),
    "a total of something else": (lambda: {"revenue": {"total": 57}, "total": "57", "rows": order_rows(0, 3)}, ""),
    "no more": (lambda: {"has_more": False, "next": None, "rows": order_rows(0, 3)}, ""),
    "another next": (lambda: {"next_draw": "2026-03-01", "nextId": 5, "rows": order_rows(0, 3)}, ""),
    "the last of several": (
        lambda: web.json_response({"rows": []}, headers={"Link": '</1>; rel="prev"'}),
        "",
    ),
}


@pytest.mark.parametrize("name", UNASKED)
async def test_a_list_that_goes_on_is_not_read_as_one_page(server: Server, name: str) -> None:
    """A target that forgot its paging has read the first page of everything: the answer itself says so."""
    answer, problem = UNASKED[name]
    server.answer = lambda request, number: answer()
    found = await read(server, {"get": "/orders", "rows": "rows"})
    assert (problem in found.problem) if problem else (found.problem == "")
    assert bool(found.problem) is bool(problem)


async def test_a_number_of_something_else_is_declared_away(server: Server) -> None:
    """A total that counts no rows: `count:` says how many there are, as the message has it."""
    server.answer = lambda request, number: {"total": 7500, "rows": order_rows(0, 3)}
    found = await read(server, {"get": "/orders", "rows": "rows"})
    assert 'say `count: "length' in found.problem
    found = await read(server, {"get": "/orders", "rows": "rows", "count": "length(rows)"})
    assert (len(found.rows), found.problem) == (3, "")


@pytest.mark.parametrize(
    ("rows", "declared", "at"), [(50, None, 50), (51, None, None), (50, 50, None), (1000, None, 1000)]
)
async def test_a_list_that_may_have_been_cut_off_is_noted(
    server: Server, rows: int, declared: int | None, at: int | None
) -> None:
    """As many rows as lists are often cut off at, and nobody says how many there are: no problem yet, but known."""
    server.answer = lambda request, number: {"n": declared, "rows": order_rows(0, rows)}
    found = await read(server, {"get": "/orders", "rows": "rows"} | ({"count": "n"} if declared else {}))
    assert (len(found.rows), found.problem, found.cut_at) == (rows, "", at)


async def test_a_row_that_says_a_total_is_a_row(server: Server) -> None:
    """The counters of a stock are columns, whatever they are called."""
    server.answer = lambda request, number: {"data": {"capacity": 60, "available": 3, "total": 60, "count": 60}}
    shop = target(server.url, {"stock": {"http": {"get": "/stock", "rows": "data"}}})
    async with Books(shop, {}, 0.0, SystemClock(), patience=QUICK) as books:
        found = await books.read("stock")
    assert (len(found.rows), found.problem) == (1, "")


LINKS = {
    '<https://a/x?page=2>; rel="next"': "https://a/x?page=2",
    "<https://a/x?page=2>; rel=next": "https://a/x?page=2",
    '</1>; rel="prev", </3>; rel="next"; title="n"': "/3",
    '</1>; rel="prev"; title="a, <b>; rel=next", </3>; rel="start next"': "/3",
    '</a,b;c>; REL="NEXT"': "/a,b;c",
    '</1>; rel="prev"': None,
    '</1>; rel="nextish"': None,
    "garbage": None,
    "": None,
}


@pytest.mark.parametrize("header", LINKS)
def test_the_next_link_of_a_header(header: str) -> None:
    """RFC 8288: several links, several relations of one link, quotes, commas inside, any case."""
    assert next_link(header) == LINKS[header]

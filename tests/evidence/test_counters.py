"""What a shop says of itself beside what was counted: a row can be pointed to, a counter cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from surgectl.audit.books import access
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.evidence.collect import collect
from surgectl.recording.evidence_rows import SourceRow
from surgectl.recording.relations import Relations
from tests.evidence.ledgers import QUICK, Server, serving, target

MS = 1_000_000


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


ORDERS = [
    {"order": "o1", "state": "valid", "qty": 2},
    {"order": "o2", "state": "valid", "qty": 1},
    {"order": "o3", "state": "void", "qty": 4},
]
STOCK = {"capacity": 10, "available": 7, "sold": 3, "shown": {"orders": 2}}


def shop(server: Server, counters: dict[str, Any], stock: bool = True) -> Any:
    evidence: dict[str, Any] = {"orders": {"http": {"get": "/orders"}, "counters": counters}}
    if stock:
        evidence["stock"] = {"http": {"get": "/stock"}}
    return target(server.url, evidence)


async def gather(server: Server, folder: Path, counters: dict[str, Any], **more: Any) -> dict[str, SourceRow]:
    wanted = shop(server, counters, more.pop("stock", True))
    options: dict[str, Any] = {"quiet_ns": 5 * MS, "at_most_ns": 300 * MS, "patience": QUICK}
    rows = await collect(wanted, {}, 0.0, SystemClock(), folder, **options)
    return {row.kind: row for row in rows}


def answers(orders: Any = ORDERS, stock: Any = STOCK, shown: Any = None) -> Any:
    books = {"/orders": orders, "/stock": stock, "/shown": shown}
    return lambda request, number: books[request.path]


SOLD = {"same": "stock", "value": "sold", "states": ["valid"], "sum": "qty"}
SHOWN = {"http": {"get": "/shown"}, "value": "orders"}


async def test_a_counter_that_agrees_is_shown_and_doubts_nothing(server: Server, tmp_path: Path) -> None:
    """It stands among the sources with both numbers, complete and stable; what it shares with stock is asked once."""
    server.answer = answers()
    rows = await gather(
        server, tmp_path, {"sold": SOLD, "listed": {"same": "stock", "value": "shown.orders", "states": ["valid"]}}
    )
    assert {kind: (row.rows, row.declared, row.complete, row.stable, row.error) for kind, row in rows.items()} == {
        "orders": (3, None, True, True, ""),
        "stock": (1, None, True, True, ""),
        "orders.sold": (3, 3, True, True, ""),
        "orders.listed": (2, 2, True, True, ""),
    }
    assert server.asked == ["/orders", "/stock"] * 2


async def test_a_counter_is_named_as_the_row_it_shares_names_it(server: Server, tmp_path: Path) -> None:
    """`same: stock, value: sold` is the column that stock's own `row:` calls so, whatever the shop calls it."""
    theirs = {"stocked": 5, "free": 2, "reserved": 3, "sold": 99}
    server.answer = lambda request, number: {"/orders": ORDERS, "/stock": theirs}[request.path]
    row = {"capacity": "stocked", "available": "free", "sold": "reserved"}
    evidence = {"orders": {"http": {"get": "/orders"}, "counters": {"sold": SOLD}}}
    evidence["stock"] = {"http": {"get": "/stock"}, "row": row}
    options: dict[str, Any] = {"quiet_ns": 5 * MS, "at_most_ns": 300 * MS, "patience": QUICK}
    rows = await collect(target(server.url, evidence), {}, 0.0, SystemClock(), tmp_path, **options)
    (counter,) = [row for row in rows if row.kind == "orders.sold"]
    assert (counter.rows, counter.declared, counter.error) == (3, 3, "")


async def test_a_number_that_the_target_itself_gives_is_no_counter(server: Server, tmp_path: Path) -> None:
    """`sold: 3` in `row:` is our word, not the shop's: nothing could disagree with it."""
    stock = {"http": {"get": "/stock"}, "row": {"sold": 3}}
    evidence = {"orders": {"http": {"get": "/orders"}, "counters": {"sold": SOLD}}, "stock": stock}
    with pytest.raises(UsageError, match='"sold" is always 3 there'):
        await collect(target(server.url, evidence), {}, 0.0, SystemClock(), tmp_path)


async def test_a_counter_below_the_rows_speaks_against_the_stock(server: Server, tmp_path: Path) -> None:
    """Twenty sales and a counter that says one: the rows stand, and what leans on the shop's counters is unknown."""
    server.answer = answers(stock={**STOCK, "sold": 1})
    rows = await gather(server, tmp_path, {"sold": SOLD})
    said = "the shop's counter says 1, its rows are 3"
    assert (rows["orders.sold"].complete, rows["orders.sold"].error) == (False, said)
    assert (rows["orders"].complete, rows["stock"].complete) == (True, False)
    assert rows["stock"].error == f"orders.sold: {said}"
    with Relations.from_folder(tmp_path) as relations:
        assert access(relations, ("orders",)).good
        assert access(relations, ("stock", "orders")).why == f"stock cannot be believed: orders.sold: {said}"


async def test_a_counter_above_the_rows_speaks_against_the_list(server: Server, tmp_path: Path) -> None:
    """More orders than were listed: the list may lack some, and nothing may be acquitted by it."""
    server.answer = answers(shown={"orders": "5"})
    rows = await gather(server, tmp_path, {"shown": SHOWN})
    assert rows["orders"].error == "orders.shown: the shop's counter says 5, its rows are 3"
    assert (rows["orders"].complete, rows["stock"].complete) == (False, True)


async def test_without_a_stock_the_difference_is_only_shown(server: Server, tmp_path: Path) -> None:
    """A counter that is too low, where nothing leans on counters, is a line among the sources."""
    server.answer = answers(shown={"orders": 1})
    rows = await gather(server, tmp_path, {"shown": SHOWN}, stock=False)
    assert rows["orders"].complete
    assert rows["orders.shown"].error == "the shop's counter says 1, its rows are 3"


UNREADABLE: dict[str, tuple[Any, str]] = {
    "broken": (lambda: web.Response(status=500), "GET /shown: answered 500 (3 tries) (after 0 rows)"),
    "not there": (lambda: {"total": 3}, "orders: is not there (what is there: total)"),
    "no number": (lambda: {"orders": "many"}, "orders: 'many' is not a whole number"),
    "nothing": (list, "there is no number in an empty list"),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_counter_that_cannot_be_read_leaves_its_rows_in_doubt(
    server: Server, name: str, tmp_path: Path
) -> None:
    """A comparison that was asked for and not made is no agreement."""
    answer, problem = UNREADABLE[name]
    server.answer = lambda request, number: answer() if request.path == "/shown" else answers()(request, number)
    rows = await gather(server, tmp_path, {"shown": SHOWN})
    assert rows["orders.shown"].error == f"cannot be compared: {problem}"
    assert (rows["orders"].complete, rows["orders"].rows) == (False, 3)


async def test_a_counter_that_still_moves_is_read_again(server: Server, tmp_path: Path) -> None:
    """Both are compared at rest: a difference of one reading is gone in the next."""
    answer = answers(shown={"orders": 3})
    server.answer = lambda request, number: {"orders": 1} if number == 1 else answer(request, number)
    rows = await gather(server, tmp_path, {"shown": SHOWN}, stock=False)
    assert {row.error for row in rows.values()} == {""}
    assert all(row.stable and row.complete for row in rows.values())


async def test_a_list_that_moved_under_one_reading_is_read_again(server: Server, tmp_path: Path) -> None:
    """A count that moved while its pages were read spoils that reading, not the next."""

    def answer(request: web.Request, number: int) -> Any:
        first = int(request.query["offset"])
        total = 4 if number < 2 and first == 0 else 3
        return {"total": total, "rows": ORDERS[first : first + 2]}

    server.answer = answer
    wanted = target(
        server.url, {"orders": {"http": {"get": "/o", "rows": "rows", "offset": {"limit": 2, "total": "total"}}}}
    )
    (row,) = await collect(wanted, {}, 0.0, SystemClock(), tmp_path, quiet_ns=MS, at_most_ns=300 * MS, patience=QUICK)
    assert (row.rows, row.complete, row.stable, row.error) == (3, True, True, "")


async def test_what_cannot_be_summed_up_is_refused(server: Server, tmp_path: Path) -> None:
    """A mistake in a counter is an error of the target, before anybody is asked."""
    with pytest.raises(UsageError, match='there is no number "qyt" to sum up.*did you mean "qty"'):
        await gather(server, tmp_path, {"sold": {**SOLD, "sum": "qyt"}})
    with pytest.raises(UsageError, match='"same: stcok" leads nowhere'):
        await gather(server, tmp_path, {"sold": {**SOLD, "same": "stcok"}})


SALE = {"sale": {"price_minor": 2500, "currency": "EUR", "limit": 4}}
SCALES: dict[str, tuple[dict[str, Any], list[Any], dict[str, Any], str]] = {
    "right": ({"money": "minor EUR"}, [2500, 5000], SALE, ""),
    "minor read as major": ({"money": "major EUR"}, [2500, 10000], SALE, "every sum is 100 times too much"),
    "major read as minor": ({"money": "minor EUR"}, [25, 100], SALE, "every sum is a 100th of what it should be"),
    "mills read as minor": ({"money": "minor EUR"}, [25000, 100000], SALE, "every sum is 10 times too much"),
    "micros read as minor": ({"money": "minor EUR"}, [25_000_000], SALE, "every sum is 10,000 times too much"),
    "mills": ({"money": "1/1000 EUR"}, [25000, 100000], SALE, ""),
    "a deposit of a tenth": ({"money": "minor EUR"}, [250, 500], SALE, ""),
    "text that says so": ({"money": "text EUR"}, ["25,00 €", "50,00 €"], SALE, ""),
    "one of them is a price": ({"money": "minor EUR"}, [25, 2500], SALE, ""),
    "with a fee on top": ({"money": "minor EUR"}, [25, 103], SALE, ""),
    "a price that nobody knows": ({"money": "major EUR"}, [2500], {}, ""),
    "yen have no hundredths": (
        {"money": "minor JPY"},
        [2500],
        {"sale": {"price_minor": 25, "currency": "JPY", "limit": 4}},
        "",
    ),
    "but they have thousandths": (
        {"money": "minor JPY"},
        [25000],
        {"sale": {"price_minor": 25, "currency": "JPY", "limit": 4}},
        "every sum is 1,000 times too much",
    ),
    "written out, ten times the price is a price": (
        {"money": "text"},
        ["25,000 KWD", "50,000 KWD"],
        {"sale": {"price_minor": 2500, "currency": "KWD", "limit": 4}},
        "",
    ),
    "written out, a group may have been decimals": (
        {"money": "text EUR"},
        ["25.000"],
        SALE,
        "every sum is 1,000 times too much",
    ),
    "another currency": ({"money": "major USD"}, [2500], SALE, ""),
    "minor units with a point": ({"money": "minor EUR"}, ["25.00"], SALE, "not written as minor units"),
}


@pytest.mark.parametrize("name", SCALES)
async def test_money_at_the_wrong_scale_condemns_nobody(server: Server, name: str) -> None:
    """Sums that are all a hundred times off by the profile's price make the list unknown: nobody is convicted."""
    money, sums, variables, problem = SCALES[name]
    server.answer = lambda request, number: [
        {"order": f"o{n}", "state": "valid", "total": total} for n, total in enumerate(sums)
    ]
    wanted = target(server.url, {"orders": {"http": {"get": "/o"}, "row": {"amount": {"from": "total", **money}}}})
    async with Books(wanted, variables, 0.0, SystemClock(), patience=QUICK) as books:
        found = await books.read("orders")
    assert (problem in found.problem) if problem else (found.problem == "")


async def test_a_providers_own_sums_are_never_doubted() -> None:
    """A provider of Stripe's shape writes minor units: a hundredfold charge is a charge, and convicts."""
    charge = {"id": "ch_1", "amount": 250000, "captured": True, "status": "succeeded", "currency": "eur", "created": 1}
    async with serving() as server:
        server.answer = lambda request, number: {"data": [charge], "has_more": False}
        wanted = target(server.url, {"charges": {"stripe": {"base_url": server.url, "secret": "sk_test_any"}}})
        async with Books(wanted, SALE, 0.0, SystemClock(), patience=QUICK) as books:
            found = await books.read("charges")
    assert (found.problem, msgspec.to_builtins(found.rows[0])["captured_minor"]) == ("", 250000)

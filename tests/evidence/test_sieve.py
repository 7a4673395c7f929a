"""Of a source that lists a thing more than once, or lists other things as well, the rows that are meant are taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found
from tests.evidence.ledgers import QUICK, Server, serving, target


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def change(order: str, seq: Any, state: str, **more: Any) -> dict[str, Any]:
    return {"order": order, "seq": seq, "state": state, **more}


JOURNAL = [
    change("a", 5, "void", kind="leg"),
    change("b", 10, "valid", kind="leg"),
    change("p", 3, "valid", kind=""),
    change("a", 2, "valid", kind="leg"),
    change("b", 9, "pending", kind="leg"),
    change("c", 1, "pending", kind="leg"),
]


async def orders(server: Server, rows: list[dict[str, Any]], **source: Any) -> Found:
    server.answer = lambda request, number: {"n": len(rows), "rows": rows}
    shop = target(server.url, {"orders": {"http": {"get": "/orders", "rows": "rows", "count": "n"}, **source}})
    async with Books(shop, {}, 0.0, SystemClock(), patience=QUICK) as books:
        return await books.read("orders")


def states(found: Found) -> dict[str, str]:
    return {row.order: row.state for row in found.rows}  # type: ignore[attr-defined]


async def test_the_last_of_several_rows_about_an_order_is_true(server: Server) -> None:
    """Wherever it stands in the list; the place is the last one's own; what is declared counts the rows as listed."""
    found = await orders(server, JOURNAL, latest="seq")
    assert states(found) == {"a": "void", "b": "valid", "p": "valid", "c": "pending"}
    assert (found.problem, found.declared, found.places) == ("", None, [1, 2, 3, 6])


async def test_only_the_rows_that_are_meant_count(server: Server) -> None:
    """A condition picks them, before anything else is asked of them; others may say what they like."""
    rows = [*JOURNAL, {"kind": "", "order": None, "state": "on tour"}]
    found = await orders(server, rows, where="kind", latest="seq")
    assert states(found) == {"a": "void", "b": "valid", "c": "pending"} and found.problem == ""
    found = await orders(server, rows, where="kind == 'leg' && seq > `4`")
    assert states(found) == {"a": "void", "b": "pending"} and "listed more than once" in found.problem


@pytest.mark.parametrize(
    ("ranks", "state"),
    [
        ((9, 10), "void"),
        (("9", "10"), "void"),
        (("2026-11-23T20:00:09", "2026-11-23T20:00:10"), "void"),
        ((9.5, 10), "void"),
    ],
)
async def test_ranks_are_numbers_or_words_that_sort(server: Server, ranks: tuple[Any, Any], state: str) -> None:
    """Ten comes after nine, also as text."""
    found = await orders(server, [change("a", ranks[1], "void"), change("a", ranks[0], "valid")], latest="seq")
    assert (states(found), found.problem) == ({"a": state}, "")


DOUBTFUL = {
    "two that claim to be the last": ((7, 7), "1 of them are listed more than once; the first: a (let the source give"),
    "one that does not say": ((7, None), "seq: is not there to say which row is the last"),
    "numbers and words": ((7, "seven"), "are not of one kind"),
    "no rank at all": ((7, {"at": 7}), "does not say which row is the last"),
}


@pytest.mark.parametrize("name", DOUBTFUL)
async def test_where_nobody_can_say_which_is_the_last_the_book_is_not_believed(server: Server, name: str) -> None:
    """Never the first, never a guess."""
    (one, other), problem = DOUBTFUL[name]
    found = await orders(server, [change("a", one, "valid"), change("a", other, "void")], latest="seq")
    assert problem in found.problem


def test_a_condition_that_is_no_path_is_refused_beforehand() -> None:
    """With its place in the target."""
    shop = target("http://127.0.0.1:1", {"orders": {"http": {"get": "/orders"}, "where": "a ==="}})
    with pytest.raises(UsageError, match="is not a JMESPath") as said:
        Books(shop, {}, 0.0, SystemClock())
    assert said.value.where == "evidence.orders.where"

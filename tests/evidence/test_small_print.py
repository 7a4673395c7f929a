"""Small print of reading books: conditions whose loss would once have gone unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from surgectl.errors import UsageError
from surgectl.evidence import values
from surgectl.evidence.mapping import compile_mapping
from surgectl.evidence.paging import Page, count
from surgectl.evidence.reading import ReadError
from surgectl.profile.source import Source
from surgectl.recording.evidence_rows import OrderRow
from tests.evidence.ledgers import Server, order_rows, serving
from tests.evidence.test_http import names, read

PAGE = Page(document={}, rows=[], read=0)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


async def test_a_next_link_that_is_none_is_said(server: Server) -> None:
    """A number where the link to the next page should be is no link, and no end either."""
    server.answer = lambda request, number: {"next": 7, "rows": order_rows(0, 3)}
    found = await read(server, {"get": "/orders", "rows": "rows", "next": "next"})
    assert "is no link to the next page" in found.problem


async def test_a_cursor_beside_the_rows_is_sent_on(server: Server) -> None:
    """A cursor that stands in a header, not in the last row, is asked after; with none the list is whole."""

    def answer(request: Any, number: int) -> Any:
        first = int(request.query.get("page_after", 0))
        headers = {"X-After": str(first + 3)} if first + 3 < 7 else {}
        return web.json_response({"rows": order_rows(first, min(first + 3, 7))}, headers=headers)

    server.answer = answer
    cursor = {"after": {"header": "X-After"}, "param": "page_after"}
    found = await read(server, {"get": "/orders", "rows": "rows", "cursor": cursor})
    assert (names(found), found.problem) == ([f"o{n}" for n in range(7)], "")


@pytest.mark.parametrize("declared", [0, "0", 2**53 - 1])
def test_a_count_of_nothing_is_a_count(declared: Any) -> None:
    """An empty book may say so; only what is no number is refused."""
    assert count(lambda page: declared, PAGE) == int(declared)


@pytest.mark.parametrize("declared", [-1, True, 2**53, "many", None])
def test_a_count_that_is_none_is_refused(declared: Any) -> None:
    """A declared count decides whether a list is whole: nothing is guessed."""
    with pytest.raises(ReadError, match="the declared count is"):
        count(lambda page: declared, PAGE)


def test_a_column_may_be_named_at_length() -> None:
    """`{from: …}` is the same as the bare name; only an instant has a unit."""

    def orders(row: dict[str, Any]) -> list[Any]:
        source = msgspec.convert({"jsonl": {"file": "x"}, "row": row}, Source)
        return compile_mapping("orders", source, "evidence.orders")({"n": "A-7", "s": "valid", "count": 2, "ms": 5000})

    named = {
        "order": {"from": "n"},
        "state": {"from": "s"},
        "qty": {"from": "count"},
        "at": {"from": "ms", "unit": "ms"},
    }
    assert orders(named) == [OrderRow(order="A-7", state="valid", qty=2, at_s=5.0)]
    with pytest.raises(UsageError, match="is not an instant, so it has no unit"):
        orders({**named, "qty": {"from": "count", "unit": "s"}})


def test_bytes_and_yes_are_no_words_and_no_money() -> None:
    """A column of bytes is no id; yes is no sum of money."""
    with pytest.raises(ValueError, match="bytes where a word is wanted"):
        values.word(b"A-7")
    with pytest.raises(ValueError, match="True is not an amount of money"):
        values.compile_money("major EUR", "x")(True, {})

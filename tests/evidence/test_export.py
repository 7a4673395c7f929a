"""Files that a shop makes when it is asked: started, waited for, fetched, and read as tables are really written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found
from tests.evidence.ledgers import QUICK, TORN, Server, serving, target

TABLE = "order,state,qty\nA-1,valid,2\nA-2,void,1\n"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


async def read(server: Server, source: dict[str, Any], origins: dict[str, str] | None = None, times: int = 1) -> Found:
    shop = target(server.url, {"orders": source}, origins=origins or {})
    async with Books(shop, {"run": "r7"}, 0.0, SystemClock(), patience=QUICK) as books:
        for _ in range(times):
            found = await books.read("orders")
        return found


def shown(found: Found) -> list[tuple[str, str]]:
    return [(row.order, row.state) for row in found.rows]  # type: ignore[attr-defined]  # orders alone


START = {"post": "/exports", "json": {"event": "{run}"}, "take": {"file": {"json": "download"}}}
FETCH = {"get": "{file}", "every": "10ms", "within": "2s"}


class Exporter:
    """Answers `not_yet` for a while, then the table."""

    def __init__(self, server: Server, not_yet: Any = 409, times: int = 3, table: Any = TABLE) -> None:
        self._server, self._not_yet, self._table, self.left = server, not_yet, table, times

    def __call__(self, request: web.Request, number: int) -> Any:
        if request.method == "POST":
            # As a shop behind a proxy has it: its inner name, whole.
            return web.json_response({"download": "http://inner:8000/files/7?sig=a%2Fb"}, status=202)
        if self.left > 0:
            self.left -= 1
            if isinstance(self._not_yet, int):
                return web.Response(status=self._not_yet)
            return self._not_yet
        table = self._table() if callable(self._table) else self._table
        return web.Response(text=table, content_type="text/csv") if isinstance(table, str) else table


@pytest.mark.parametrize("status", [202, 409, 425])
async def test_an_export_is_waited_for(server: Server, status: int) -> None:
    """Started by a POST, asked for until the shop no longer says 'not yet', then read with the lines it has."""
    server.answer = Exporter(server, status)
    found = await read(server, {"csv": {"export": [START, FETCH]}})
    assert (shown(found), found.problem, found.places) == ([("A-1", "valid"), ("A-2", "void")], "", [2, 3])
    assert (server.bodies[0], found.source) == ({"event": "r7"}, "csv export {file}")
    # On the host that was asked first, with its signature as it was given.
    assert server.asked == ["/exports", *["/files/7?sig=a%2Fb"] * 4]


async def test_an_export_that_is_never_ready_is_said(server: Server) -> None:
    """Waiting ends, with what the shop said last."""
    server.answer = Exporter(server, 409, 10_000)
    found = await read(server, {"csv": {"export": [START, {**FETCH, "within": "60ms"}]}})
    assert found.problem.startswith("GET /files/7: not ready after ")
    assert "answered 409 (within: allows more)" in found.problem
    assert found.rows == []


@pytest.mark.parametrize("reply", [{"state": "working"}, {"state": None}], ids=["a word", "null"])
async def test_a_state_may_say_when_it_is_ready(server: Server, reply: Any) -> None:
    """Where the status is always 200 the reply's own words decide; the file then lies elsewhere."""

    def answer(request: web.Request, number: int) -> Any:
        if request.path == "/exports/5":
            return reply if number < 4 else {"state": "done", "file": "/files/5.csv"}
        if request.path == "/exports":
            return {"id": 5}
        return web.Response(text=TABLE)

    server.answer = answer
    steps = [
        {"post": "/exports", "take": {"id": {"json": "id"}}},
        {
            "get": "/exports/{id}",
            "ready": {"json": {"state": "done"}},
            "every": "10ms",
            "within": "2s",
            "take": {"file": {"json": "file"}},
        },
        {"get": "{file}"},
    ]
    found = await read(server, {"csv": {"export": steps}})
    assert (shown(found), found.problem) == ([("A-1", "valid"), ("A-2", "void")], "")
    assert server.asked == ["/exports", *["/exports/5"] * 4, "/files/5.csv"]


async def test_each_reading_is_a_new_export(server: Server) -> None:
    """Two readings that should agree are two exports, not twice the same file."""
    server.answer = Exporter(server, times=0)
    await read(server, {"csv": {"export": [START, FETCH]}}, times=2)
    assert [path for path in server.asked if path == "/exports"] == ["/exports"] * 2


async def test_a_redirect_leads_to_the_file(server: Server) -> None:
    """A file on a host that the target names is fetched without our headers and cookies; on another it is not."""
    async with serving() as storage:
        storage.answer = lambda request, number: web.Response(text=TABLE)

        def answer(request: web.Request, number: int) -> Any:
            there = {"Location": f"{storage.url}/bucket/x.csv", "Set-Cookie": "sid=1"}
            return web.Response(status=302, headers=there)

        server.answer = answer
        source = {"csv": {"export": [{"get": "/export", "headers": {"Authorization": "Bearer secret"}}]}}
        refused = await read(server, source)
        assert refused.problem == "GET /export: the file lies on another host (name that host under origins:)"
        assert storage.asked == []
        found = await read(server, source, origins={"storage": storage.url})
    assert (len(found.rows), found.problem) == (2, "")
    assert not {"Authorization", "Cookie"} & set(storage.headers[0])


NO_FILE: dict[str, tuple[Any, str]] = {
    "a login page": (lambda: web.Response(text=" <html>", content_type="text/html"), "ended with a page of HTML"),
    "gone": (lambda: web.Response(status=404), "GET /files/7: answered 404"),
    "nothing": (lambda: web.Response(), "is empty, without so much as a heading"),
    "a torn file": (TORN, "the answer broke off in the middle (3 tries)"),
    "half a line": ("order,state\nA-1,valid\nA-2", "the export:3: 1 cells under 2 headings"),
}


@pytest.mark.parametrize("name", NO_FILE)
async def test_what_is_no_table_is_said(server: Server, name: str) -> None:
    """A shop that hands over something else has handed over no books."""
    table, problem = NO_FILE[name]
    server.answer = Exporter(server, times=0, table=table)
    assert problem in (await read(server, {"csv": {"export": [START, FETCH]}})).problem


async def test_lines_of_json_may_be_exported_too(server: Server) -> None:
    """The same for a file of JSON lines."""
    server.answer = Exporter(server, times=1, table='{"order":"A","state":"valid"}\n\n{"order":"B","state":"void"}\n')
    found = await read(server, {"jsonl": {"export": [START, FETCH]}})
    assert (shown(found), found.problem, found.places) == ([("A", "valid"), ("B", "void")], "", [1, 3])


async def test_to_wait_by_starting_again_is_refused(server: Server) -> None:
    """Asking a POST until it is ready would start a hundred exports."""
    with pytest.raises(UsageError, match="to ask again would start it again"):
        await read(server, {"csv": {"export": [{"post": "/x", "ready": {"status": 200}}]}})


ROWS = [("Ä-1", "valid"), ("Ä-2", "void")]
FORMS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "UTF-8": ("order,state\nÄ-1,valid\nÄ-2,void\n".encode(), {}),
    "UTF-8 with a mark": ("order,state\nÄ-1,valid\nÄ-2,void\n".encode("utf-8-sig"), {}),
    "UTF-16, as Excel's Unicode text": ("order\tstate\nÄ-1\tvalid\nÄ-2\tvoid\n".encode("utf-16"), {}),
    "Windows": ("order;state\nÄ-1;valid\nÄ-2;void\n".encode("cp1252"), {"encoding": "cp1252"}),
    "lines of Windows": ("order,state\r\nÄ-1,valid\r\nÄ-2,void\r\n".encode(), {}),
    "a mark beats what was said": ("order,state\nÄ-1,valid\nÄ-2,void\n".encode("utf-8-sig"), {"encoding": "cp1252"}),
    "everything quoted": ('"order";"state"\n"Ä-1";"valid"\n"Ä-2";"void"\n'.encode(), {}),
    "commas in a quoted heading": ('"order";"a, b, c";state\nÄ-1;;valid\nÄ-2;;void\n'.encode(), {}),
    "a line within a cell": ('order,note,state\nÄ-1,"two\nlines, one ""quote""",valid\nÄ-2,,void\n'.encode(), {}),
    "single quotes": ("order,note,state\nÄ-1,'a,b',valid\nÄ-2,,void\n".encode(), {"quote": "'"}),
    "a delimiter of its own": ("order^state\nÄ-1^valid\nÄ-2^void\n".encode(), {"delimiter": "^"}),
    "Excel's own first line": ("sep=;\norder;state\nÄ-1;valid\nÄ-2;void\n".encode(), {}),
    "blanks around headings": ("order , state\nÄ-1,valid\nÄ-2,void\n".encode(), {}),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("way", ["file", "export"])
async def test_a_table_in_the_forms_that_people_meet(server: Server, name: str, way: str, tmp_path: Path) -> None:
    """Marks, encodings, delimiters, quotes and line ends are recognised, or said; each row knows its line."""
    body, more = FORMS[name]
    if way == "file":
        (tmp_path / "orders.csv").write_bytes(body)
        source = {"csv": {"file": str(tmp_path / "orders.csv"), **more}}
    else:
        server.answer = lambda request, number: web.Response(body=body, content_type="text/csv")
        source = {"csv": {"export": [{"get": "/x"}], **more}}
    found = await read(server, source)
    assert (shown(found), found.problem) == (ROWS, "")
    first = {"Excel's own first line": [3, 4], "a line within a cell": [3, 4]}.get(name, [2, 3])
    assert found.places == first


async def test_another_encoding_is_said_not_guessed(server: Server, tmp_path: Path) -> None:
    """A byte that UTF-8 does not have is a reason, and a hint."""
    (tmp_path / "o.csv").write_bytes("order;state\nA;valid\nÄ;void\n".encode("cp1252"))
    found = await read(server, {"csv": {"file": str(tmp_path / "o.csv")}})
    assert "it is not utf-8" in found.problem
    assert "(say encoding: cp1252, or what it is)" in found.problem


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"encoding": "utf-9"}, '"utf-9" is no encoding'),
        ({"delimiter": ";;"}, "';;' is not one sign"),
        ({"export": [{"get": "/x"}]}, "is no file, or two"),
    ],
)
async def test_a_table_that_cannot_be_meant(server: Server, more: dict[str, Any], problem: str) -> None:
    """A mistake in the target is an error of usage."""
    with pytest.raises(UsageError, match=problem):
        await read(server, {"csv": {"file": "x.csv", **more}})

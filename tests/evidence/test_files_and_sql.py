"""Books that lie in a file or a database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from surgectl.clock import SystemClock
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found, Patience
from surgectl.evidence.sql import escape
from tests.evidence.ledgers import QUICK, target


async def read(
    source: dict[str, Any], root: Path, variables: dict[str, Any] | None = None, patience: Patience = QUICK
) -> Found:
    shop = target("http://127.0.0.1:1", {"orders": source})
    async with Books(shop, variables or {}, 0.0, SystemClock(), root=root, patience=patience) as books:
        return await books.read("orders")


def shown(found: Found) -> list[tuple[Any, ...]]:
    return [(row.order, row.state, row.qty) for row in found.rows]  # type: ignore[attr-defined]  # orders alone


CSV = {
    "comma": ("Order ID,state,qty\nA-1,valid,2\nA-2,void,\n", [("A-1", "valid", 2), ("A-2", "void", None)], ""),
    "semicolon and mark": ("\ufeffOrder ID;state\nA-1;valid\n", [("A-1", "valid", None)], ""),
    "quoted": ('Order ID,state\n"A,1",valid\n\n', [("A,1", "valid", None)], ""),
    "a short line": ("Order ID,state\nA-1,valid\nA-2\n", [("A-1", "valid", None)], "orders.csv:3: 1 cells under 2"),
    "twice one heading": ("Order ID,state,state\nA,valid,void\n", [], "two columns are called 'state'"),
    "nothing": ("", [], "is empty"),
    "an open quote": ('Order ID,state\n"A-1,valid\n', [], "after 0 rows"),
}


@pytest.mark.parametrize("name", CSV)
async def test_a_csv_file(name: str, tmp_path: Path) -> None:
    """A table is read by its headings; one that does not hold together is incomplete from there on."""
    text, rows, problem = CSV[name]
    (tmp_path / "orders.csv").write_text(text)
    found = await read({"csv": {"file": "orders.csv"}, "row": {"order": "Order ID"}}, tmp_path)
    assert shown(found) == rows
    assert (problem in found.problem) if problem else (found.problem == "")


async def test_a_file_named_for_the_run(tmp_path: Path) -> None:
    """The file's name may hold what the run knows; a file that is not there is a reason."""
    (tmp_path / "orders-r7.jsonl").write_text('{"order":"1","state":"valid"}\n\n{"order":"2","state":"void"}\n')
    source = {"jsonl": {"file": "orders-{run}.jsonl"}}
    assert shown(await read(source, tmp_path, {"run": "r7"})) == [("1", "valid", None), ("2", "void", None)]
    missing = await read(source, tmp_path, {"run": "r8"})
    assert missing.problem == "orders-r8.jsonl: No such file or directory"
    assert "{run} is not set" in (await read(source, tmp_path)).problem


@pytest.mark.parametrize(("rows", "at"), [(50, None), (400, None), (499, None), (500, 500), (1000, 1000), (1001, None)])
async def test_a_file_is_suspected_of_an_end_cut_off_only_where_it_is_long(
    rows: int, at: int | None, tmp_path: Path
) -> None:
    """A page ends after twenty rows or fifty, a file of so few does not: it is as long as it is."""
    (tmp_path / "o.jsonl").write_text("".join(f'{{"order":"{n}","state":"valid"}}\n' for n in range(rows)))
    (tmp_path / "o.csv").write_text("order,state\n" + "".join(f"{n},valid\n" for n in range(rows)))
    for source in ("jsonl", "csv"):
        found = await read({source: {"file": f"o.{source}"}}, tmp_path)
        assert (len(found.rows), found.problem, found.cut_at) == (rows, "", at)


async def test_a_torn_line_of_json_is_incomplete(tmp_path: Path) -> None:
    """A log that breaks off in a line keeps what came before, and says so."""
    (tmp_path / "o.jsonl").write_text('{"order":"1","state":"valid"}\n{"order":"2","sta')
    found = await read({"jsonl": {"file": "o.jsonl"}}, tmp_path)
    assert shown(found) == [("1", "valid", None)]
    assert found.problem.startswith("o.jsonl:2: not a line of JSON")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop's database with three orders."""
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as books:
        books.execute('create table "order" (code text, state text, "orderPlacedAt" int, qty int)')
        rows = [("A", "Settled", 100, 2), ("B", "Cancelled", 200, 1), ("C", "12:30 :odd", 300, 1)]
        books.executemany('insert into "order" values (?, ?, ?, ?)', rows)
    books.close()
    return path


STATES = {"valid": ["Settled"], "void": ["Cancelled", "12:30 :odd"]}


async def test_sql_is_sent_as_it_is_written(shop: Path) -> None:
    """Quoted names, casts, colons and percent signs reach the database unchanged; only named parameters are bound."""
    query = """select o.code as "order", o.state, o.qty, "orderPlacedAt" as at from "order" o
               where "orderPlacedAt" >= :since and (o.state like '%ed' or o.state = '12:30 :odd')"""
    source = {
        "sql": {"dsn": f"sqlite:///{shop}", "query": query, "params": {"since": "{setup.since}"}},
        "states": STATES,
    }
    found = await read(source, shop.parent, {"setup": {"since": 150}})
    assert (found.problem, found.source) == ("", "sql")
    assert shown(found) == [("B", "void", 1), ("C", "void", 1)]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ('delete from "order"', "SQL: attempt to write a readonly database"),
        ("select nowhere", "SQL: no such column: nowhere"),
        ("select 1 as state, 2 as state", "SQL: two columns are called state"),
        ("select code from order_", "SQL: no such table"),
    ],
)
async def test_sql_can_only_read(shop: Path, query: str, problem: str) -> None:
    """A query that writes, or cannot be meant, changes nothing and is a reason."""
    found = await read({"sql": {"dsn": f"sqlite:///{shop}", "query": query}}, shop.parent)
    assert problem in found.problem
    with sqlite3.connect(shop) as books:
        assert books.execute('select count(*) from "order"').fetchone() == (3,)
    books.close()


async def test_sql_without_end_is_interrupted(shop: Path) -> None:
    """A query that does not come back is stopped in the database, not only forgotten."""
    query = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    patience = Patience(timeout_ns=100_000_000)
    found = await read({"sql": {"dsn": f"sqlite:///{shop}", "query": query}}, shop.parent, patience=patience)
    assert "no answer within 0.1s" in found.problem


@pytest.mark.parametrize(
    "dsn", ["nonsense://user:hunter2@host/db", "hunter2", "postgresql+nodriver://user:hunter2@127.0.0.1:1/db"]
)
async def test_a_bad_dsn_is_said_without_its_secrets(dsn: str, tmp_path: Path) -> None:
    """What cannot be connected to is a reason that quotes no password."""
    found = await read({"sql": {"dsn": dsn, "query": "select 1"}}, tmp_path)
    assert found.problem
    assert "hunter2" not in found.problem


def test_only_our_names_are_bound() -> None:
    """A colon that is not ours stays a colon."""
    assert escape("a::int = :since and b = ':other' and t > '10:30'", {"since"}) == (
        "a::int = :since and b = '\\:other' and t > '10:30'"
    )
    assert escape("select :n::int, :other::int", {"n"}) == r"select (:n)::int, \:other::int"

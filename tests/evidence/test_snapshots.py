"""Books in a database: one moment for all of them, and no way to change it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from surgectl.clock import SystemClock
from surgectl.evidence import sql
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found, Patience
from surgectl.evidence.sql import with_driver
from tests.evidence.ledgers import QUICK, target

TABLES = """create table {at}sale_order (code text, email text, state text, qty int, total numeric(10,2), at_ms bigint);
insert into {at}sale_order values ('A', 'fan-1@x', 'Paid', 2, 84.00, 1700000000000);
insert into {at}sale_order values ('B', 'fan-2@x', 'Open', 1, 42.50, null);"""
WORKING = "select id, time_ms from information_schema.processlist where id <> connection_id() and info like %s"
BUSY = """select count(*) from pg_stat_activity
          where query like %s and state = 'active' and pid <> pg_backend_pid()"""
STATES = {"valid": ["Paid"], "pending": ["Open"]}


def book(dsn: str, query: str, **more: Any) -> dict[str, Any]:
    return {"sql": {"dsn": dsn, "query": query, **more}}


async def read(
    evidence: dict[str, Any], patience: Patience = QUICK, variables: dict[str, Any] | None = None
) -> dict[str, Found]:
    wanted = target("http://127.0.0.1:1", evidence)
    async with Books(wanted, variables or {}, 0.0, SystemClock(), patience=patience) as books:
        return await books.read_all()


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as books:
        books.executescript(TABLES.format(at=""))
    books.close()
    return f"sqlite:///{path}"


async def test_all_queries_to_one_database_see_one_moment(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sold between two queries of a reading is in neither book; the next reading has it in both."""
    path = sqlite.removeprefix("sqlite:///")
    with sqlite3.connect(path) as shop:
        shop.execute("pragma journal_mode = wal")
    evidence = {
        "orders": {**book(sqlite, "select code as 'order', state, qty from sale_order"), "states": STATES},
        "tickets": {**book(sqlite, "select code as ticket, code as 'order', state from sale_order"), "states": STATES},
    }
    ask = sql._rows

    def ask_and_sell(connection: Any, ready: Any) -> Any:
        rows = ask(connection, ready)
        with sqlite3.connect(path) as other:
            other.execute("insert into sale_order values (?, 'fan-3@x', 'Paid', 1, 42.00, null)", [f"C{len(rows)}"])
        other.close()
        return rows

    with monkeypatch.context() as between:
        between.setattr(sql, "_rows", ask_and_sell)
        found = await read(evidence)
    assert {kind: (len(reading.rows), reading.problem) for kind, reading in found.items()} == {
        "orders": (2, ""),
        "tickets": (2, ""),
    }
    later = await read(evidence)
    assert (len(later["orders"].rows), len(later["tickets"].rows)) == (4, 4)
    shop.close()


async def test_a_query_that_fails_leaves_the_others_their_moment(sqlite: str) -> None:
    """One kind cannot be read and says why; the others are whole."""
    found = await read(
        {
            "orders": {**book(sqlite, "select code as 'order', state, qty from sale_order"), "states": STATES},
            "tickets": book(sqlite, "select 1 as ticket from nowhere"),
            "holds": book(sqlite, "select :missing as hold", params={"missing": "{setup.x}"}),
            "stock": book(sqlite, "select 10 as capacity, 7 as available"),
        }
    )
    problems = {kind: reading.problem for kind, reading in found.items()}
    assert (problems["orders"], problems["stock"], problems["tickets"]) == ("", "", "SQL: no such table: nowhere")
    assert "{setup.x} is not set" in problems["holds"]


async def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A slip in the file's name is a reason, and leaves no empty database that sold nothing."""
    found = await read({"orders": book(f"sqlite:///{tmp_path}/shpo.db", "select 1 as 'order'")})
    assert found["orders"].problem.startswith("SQL: there is no database file shpo.db")
    assert list(tmp_path.iterdir()) == []


async def test_numbers_stay_numbers_in_a_query(sqlite: str) -> None:
    """What `params:` gives is bound with its type."""
    query = "select code as 'order', state from sale_order where qty > :least and state <> :not"
    source = book(sqlite, query, params={"least": 1, "not": "{word}"})
    found = await read({"orders": {**source, "states": STATES}}, variables={"word": "Open"})
    assert ([row.order for row in found["orders"].rows], found["orders"].problem) == (["A"], "")  # type: ignore[attr-defined]


def test_a_dsn_as_people_have_it() -> None:
    """`postgres://` as hosters give it finds the driver that is installed; one that names its driver keeps it."""
    assert with_driver("postgres://u:p@h/db") == "postgresql+psycopg://u:p@h/db"
    assert with_driver("postgresql://h/db") == "postgresql+psycopg://h/db"
    assert with_driver("postgresql+psycopg2://h/db") == "postgresql+psycopg2://h/db"
    assert with_driver("mysql://h/db").startswith("mysql+")
    assert with_driver("mariadb://h/db").startswith("mariadb+")
    assert with_driver("sqlite:///x.db") == "sqlite:///x.db"


async def test_a_driver_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL without its driver: what to install, and no password."""
    pytest.importorskip("sqlalchemy")
    for driver in ("pymysql", "MySQLdb", "mysql", "asyncmy", "aiomysql", "mariadb"):
        monkeypatch.setitem(sys.modules, driver, None)
    found = await read({"orders": book("mysql://u:hunter2@127.0.0.1/db", "select 1")})
    assert 'pip install "surgectl[mysql]"' in found["orders"].problem
    assert "hunter2" not in found["orders"].problem


def of_one_moment(found: dict[str, Found]) -> None:
    """Two orders with their tickets, as the database has them; the third was sold while they were read."""
    rows = [(r.order, r.amount_minor, r.currency, r.at_s, r.keys) for r in found["orders"].rows]  # type: ignore[attr-defined]
    assert found["orders"].problem == found["tickets"].problem == ""
    assert rows == [
        ("A", 8400, "EUR", 1_700_000_000.0, ["fan-1@x"]),
        ("B", 4250, "EUR", None, ["fan-2@x"]),
    ]
    assert len(found["tickets"].rows) == 2  # sold while we read: not in this moment


@pytest.mark.real
async def test_postgresql_is_read_in_one_snapshot_and_cannot_be_changed(postgres_url: str) -> None:
    """Money, instants and states as the database has them; one moment for all books; nothing can be written."""
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as shop:
        shop.execute("drop schema if exists snap cascade")
        shop.execute("create schema snap")
        shop.execute(TABLES.format(at="snap."))
        orders = {
            **book(
                postgres_url,
                """select code, email, state, qty, total, at_ms::bigint as at, pg_sleep(:wait)::text as slept
                   from snap.sale_order where email like 'fan-%' and state <> 'a:b' order by code""",
                params={"wait": "{wait}"},
            ),
            "row": {
                "order": "code",
                "amount": {"from": "total", "money": "major EUR"},
                "at": {"from": "at", "unit": "ms"},
            },
            "states": STATES,
            "key": ["email"],
        }
        tickets = {
            **book(postgres_url, 'select code as ticket, code as "order", state from snap.sale_order'),
            "states": STATES,
        }

        async def sell() -> None:
            # Only once the reader's first query is under way: its snapshot stands.
            while shop.execute(BUSY, ["%pg_sleep%"]).fetchone() == (0,):
                await asyncio.sleep(0.01)
            shop.execute("insert into snap.sale_order values ('C', 'fan-3@x', 'Paid', 1, 42, null)")

        found, _ = await asyncio.gather(read({"orders": orders, "tickets": tickets}, variables={"wait": 0.3}), sell())
        of_one_moment(found)

        for query in (
            "delete from snap.sale_order",
            "commit; delete from snap.sale_order",
            "insert into snap.sale_order values ('X') returning code",
            "select nextval('snap.numbers')",
        ):
            shop.execute("create sequence if not exists snap.numbers")
            spoilt = await read({"orders": book(postgres_url, query), "tickets": tickets})
            assert "read-only" in spoilt["orders"].problem, (query, spoilt["orders"].problem)
        late = await read(
            {"orders": book(postgres_url, "select pg_sleep(60)::text as code")}, Patience(timeout_ns=200_000_000)
        )
        assert "no answer within 0.2s" in late["orders"].problem
        assert shop.execute(BUSY, ["%pg_sleep(60)%"]).fetchone() == (0,)
        assert shop.execute("select count(*) from snap.sale_order").fetchone() == (3,)
        shop.execute("drop schema snap cascade")


@pytest.mark.real
async def test_mariadb_is_read_in_one_snapshot_and_cannot_be_changed(mariadb_url: str) -> None:
    """Money, instants and states as the database has them; one moment for all books; nothing can be written."""
    import pymysql

    to = urlsplit(mariadb_url)
    shop = pymysql.connect(host=to.hostname, port=to.port or 0, user=to.username, database="shop", autocommit=True)

    def told(statement: str, *values: object) -> tuple[Any, ...]:
        with shop.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    try:
        told("drop table if exists sale_order")
        for statement in TABLES.format(at="").split(";")[:-1]:
            told(statement)
        orders = {
            **book(
                mariadb_url,
                """select code, email, state, qty, total, from_unixtime(at_ms / 1000) as at, sleep(:wait) as slept
                   from sale_order where email like 'fan-%' and state <> 'a:b' order by code""",
                params={"wait": "{wait}"},
            ),
            "row": {"order": "code", "amount": {"from": "total", "money": "major EUR"}},
            "states": STATES,
            "key": ["email"],
        }
        tickets = {
            **book(mariadb_url, "select code as ticket, code as `order`, state from sale_order"),
            "states": STATES,
        }

        async def sell() -> None:
            # Only once the reader's first query is under way: its snapshot stands.
            async with asyncio.timeout(30):
                while not told(WORKING, "%sleep(0.3%"):
                    await asyncio.sleep(0.01)
            told("insert into sale_order values ('C', 'fan-3@x', 'Paid', 1, 42, null)")

        found, _ = await asyncio.gather(read({"orders": orders, "tickets": tickets}, variables={"wait": 0.3}), sell())
        of_one_moment(found)

        for query in (
            "delete from sale_order",
            "insert into sale_order (code) values ('X') returning code",
            "create table other (n int)",
            "select * from sale_order for update",
        ):
            spoilt = await read({"orders": book(mariadb_url, query), "tickets": tickets})
            assert "READ ONLY" in spoilt["orders"].problem.upper(), (query, spoilt["orders"].problem)
        late = await read({"orders": book(mariadb_url, "select sleep(60) as code")}, Patience(timeout_ns=500_000_000))
        assert late["orders"].problem, late["orders"].rows
        assert not told(WORKING, "select sleep(60)%")
        assert told("select count(*) from sale_order") == ((3,),)
    finally:
        shop.close()

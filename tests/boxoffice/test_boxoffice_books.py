"""The books on PostgreSQL, and what becomes of a sale when they are taken away in the middle of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.stage.boxoffice import holds
from surgectl.stage.boxoffice.books import BooksAway, BooksUnknown
from surgectl.stage.boxoffice.books.archive import archive_of, writer_of
from surgectl.stage.boxoffice.books.protocol import Books
from surgectl.stage.boxoffice.books.schema import open_sale
from surgectl.stage.boxoffice.books.trouble import Unwritable
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.signing import Signer
from tests.boxoffice.street import MS, WHERE, Money, Shop, books_in, damage, open_shop, settled
from tests.boxoffice.test_boxoffice_faults import Link, link_to

pytestmark = pytest.mark.real

HASTY = {"books_patience_ns": 200 * MS, "books_timeout_ns": 700 * MS, "payment_deadline_ns": 20_000 * MS}


def through(url: str, link: str) -> str:
    """The same database, by way of a link."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}@{link}").geturl()


async def stubborn(shop: Shop, n: int) -> dict[str, Any]:
    """A fan that repeats each step, with the same key, through refusals and open questions → what it was told."""

    async def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        while True:
            status, told, _ = await shop.ask(method, path, body, **headers)
            if status not in (500, 503):
                return status, told
            await asyncio.sleep(0.05)

    await asyncio.sleep(n * 0.02)
    _, place = await ask("POST", "/api/queue", {"email": f"f{n}@example.org"})
    while "pass" not in place:
        await asyncio.sleep(0.03)
        _, place = await ask("GET", f"/api/queue/{place['id']}")
    status, hold = await ask("POST", "/api/holds", {"sku": "floor", "qty": 1 + n % 2}, X_Pass=place["pass"])
    if status != 201:
        return dict(hold)
    body = {"hold": hold["id"], "payment_token": "pm_card_visa"}
    status, order = await ask("POST", "/api/orders", body, Idempotency_Key=f"k{n}")
    assert status == 202, order
    while order["state"] == "pending":
        await asyncio.sleep(0.03)
        _, order = await ask("GET", f"/api/orders/{order['order']}")
    return dict(order)


async def down(link: Link) -> None:
    await link.door(False)


async def hang(link: Link) -> None:
    await link.add("timeout", "downstream", timeout=0)


async def slow(link: Link) -> None:
    await link.add("latency", "downstream", latency=2000, jitter=0)


async def reset(link: Link) -> None:
    await link.add("reset_peer", "downstream", timeout=0)


@pytest.mark.quiet
@pytest.mark.parametrize("brownout", [down, hang, slow, reset])
async def test_a_database_that_is_cut_in_mid_sale_loses_nothing(
    brownout: Callable[[Link], Any], postgres_url: str, money: Money, tmp_path: Path
) -> None:
    """While it is away fans are refused fast and other pages stay open; afterwards every promise stands."""
    async with link_to(f"x://{urlsplit(postgres_url).netloc.rpartition('@')[2]}") as link:
        where = {
            "database": through(postgres_url, link.url.removeprefix("http://")),
            "database_schema": _schema(tmp_path),
        }
        async with open_shop(money.url, tmp_path, capacity=80, **where, **HASTY) as shop:
            assert (await stubborn(shop, 0))["state"] == "confirmed"
            crowd = [asyncio.create_task(stubborn(shop, n)) for n in range(1, 41)]
            await asyncio.sleep(0.4)
            await brownout(link)
            await asyncio.sleep(0.6)
            took_s = []
            for n in range(25):
                began_s = time.monotonic()
                status, told, headers = await shop.ask("POST", "/api/queue", {"email": f"late{n}@example.org"})
                took_s.append(time.monotonic() - began_s)
                assert (status, told["code"]) == (503, "BUSY")
                assert int(headers["Retry-After"]) >= 1
                assert (await shop.ask("GET", "/about"))[0] == 200
                await asyncio.sleep(0.03)
            assert sorted(took_s)[20] < 0.25, took_s
            await link.heal()
            ends = await asyncio.wait_for(asyncio.gather(*crowd), 30)
            await settled(shop)
            assert await damage(shop, money) == {}
            rows = {row["order"]: row for row in await shop.rows("orders")}
            for told in ends:
                assert told["state"] == rows[told["order"]]["state"] == "confirmed"
            assert len(rows) == 41


class Relay:
    """A wire to the database on which the answer to a COMMIT can be lost: the money is on the table, nobody hears."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.netloc = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.every = 0
        """Each such COMMIT loses its answer; 0: none."""
        self.lost = 0
        self._seen = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                dropping = threading.Event()
                threading.Thread(target=self._up, args=(near, far, dropping), daemon=True).start()
                threading.Thread(target=self._back, args=(far, near, dropping), daemon=True).start()

    def _up(self, near: socket.socket, far: socket.socket, dropping: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                if b"commit\0" in data and self.every:
                    self._seen += 1
                    if self._seen % self.every == 0:
                        self.lost += 1
                        dropping.set()
                far.sendall(data)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _back(self, far: socket.socket, near: socket.socket, dropping: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                if dropping.is_set():
                    break  # PostgreSQL has answered, so it has committed
                near.sendall(data)
        for end in (near, far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def relay(postgres_url: str) -> Iterator[Relay]:
    relay = Relay(urlsplit(postgres_url).port or 5432)
    yield relay
    relay.close()


async def test_a_commit_whose_answer_is_lost_is_done_once(
    relay: Relay, postgres_url: str, money: Money, tmp_path: Path
) -> None:
    """Every sixth COMMIT happens and is never answered: what is repeated, by fans or the shop, doubles nothing."""
    where = {"database": through(postgres_url, relay.netloc), "database_schema": _schema(tmp_path)}
    async with open_shop(money.url, tmp_path, capacity=40, **where, **HASTY) as shop:
        relay.every = 6
        ends = await asyncio.wait_for(asyncio.gather(*(stubborn(shop, n) for n in range(16))), 40)
        relay.every = 0
        await settled(shop)
        assert relay.lost > 2
        assert {told["state"] for told in ends} == {"confirmed"}
        assert len(await shop.rows("orders")) == 16
        assert len(await shop.rows("tickets")) == 24
        assert await damage(shop, money) == {}


async def test_terminated_connections_are_made_anew(postgres_url: str, money: Money, tmp_path: Path) -> None:
    """A restart of the database, as the shop sees it: all its connections end at once."""
    schema = _schema(tmp_path)
    async with open_shop(money.url, tmp_path, database=postgres_url, database_schema=schema) as shop:
        assert (await shop.buy("ada@example.org"))["state"] == "confirmed"
        await shop.stock()
        with psycopg.connect(postgres_url, autocommit=True) as root:
            killed = root.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'surgectl box office'"
            ).fetchall()
        assert len(killed) >= 2
        assert (await stubborn(shop, 1))["state"] == "confirmed"
        assert (await shop.stock())["sold"] == 3
        assert await damage(shop, money) == {}


@contextlib.asynccontextmanager
async def two_writers(tmp_path: Path, capacity: int) -> AsyncIterator[tuple[Writer, Writer]]:
    clock = SystemClock()
    options = Options(payments_url="http://x", capacity=capacity, books_patience_ns=10_000 * MS, **books_in(tmp_path))
    archive = archive_of(options, clock)
    open_sale(archive, options)
    async with writer_of(archive, options, clock) as one, writer_of(archive, options, clock) as other:
        yield one, other


@pytest.mark.usefixtures("on_both")
async def test_two_writers_on_one_database_sell_no_seat_twice(tmp_path: Path) -> None:
    """Two clerks on two connections take the same seats at the same time: each seat and each number goes to one."""
    signer = Signer("secret")
    async with two_writers(tmp_path, capacity=80) as writers:

        def wish(n: int) -> holds.Wish:
            return holds.Wish(n, f"f{n}@example.org", None, "floor", 1, 100, 4, now_ns=1, expires_ns=10**15)

        def take(n: int) -> Callable[[Books], Any]:
            return lambda books: holds.take(books, wish(n), signer)

        taken = await asyncio.gather(*(writers[n % 2].run(take(n)) for n in range(100)), return_exceptions=True)
        seats = [hold.seats for hold in taken if not isinstance(hold, BaseException)]
        ids = [hold.id for hold in taken if not isinstance(hold, BaseException)]
        assert len(seats) == len(set(seats)) == len(set(ids)) == 80
        assert {no.code for no in taken if isinstance(no, Refused)} == {"ALL_HELD"}
        assert sum(isinstance(no, Refused) for no in taken) == 20


@pytest.mark.usefixtures("on_both")
async def test_one_impossible_job_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    """In one batch: a duplicate key, a NUL, a refusal after a write; the others are written, these leave no trace."""

    def note(key: str, say_no: bool = False) -> Callable[[Books], str]:
        def job(books: Books) -> str:
            books.execute("insert into keys values (?, 'f', 'o')", (key,))
            if say_no:
                raise Refused(409, "NO", "changed my mind")
            return key

        return job

    async with two_writers(tmp_path, capacity=1) as (writer, other):
        jobs = [note("a"), note("a"), note("b", say_no=True), note("c\ud800"), note("d"), note("e")]
        told = await asyncio.gather(*(writer.run(job) for job in jobs), return_exceptions=True)
        assert told[0] == "a" and told[4:] == ["d", "e"]
        assert isinstance(told[1], Unwritable) and isinstance(told[3], Unwritable)
        assert isinstance(told[2], Refused)
        rows = await other.run(lambda books: books.execute("select key from keys order by key").fetchall())
        assert [row[0] for row in rows] == ["a", "d", "e"]


async def test_what_must_be_written_waits_and_what_need_not_is_refused(
    relay: Relay, postgres_url: str, tmp_path: Path
) -> None:
    """On a lost COMMIT `run` says that nobody knows; `run_until_written` asks again until it is known."""
    WHERE["database"] = through(postgres_url, relay.netloc)
    try:
        async with two_writers(tmp_path, capacity=1) as (writer, _):

            def count(books: Books) -> int:
                books.execute("update meta set value = value || 'x' where key = 'count'")
                ((value,),) = books.execute("select value from meta where key = 'count'").fetchall()
                return len(value)

            await writer.run(lambda books: books.execute("insert into meta values ('count', '')"))
            relay.every = 1
            with pytest.raises(BooksUnknown):
                await writer.run(count)
            with pytest.raises(BooksAway):
                await writer.run(count)
            waiting = asyncio.create_task(writer.run_until_written(count))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            relay.every = 0
            assert await asyncio.wait_for(waiting, 10) >= 2  # once for the fan, and at least once for itself
    finally:
        WHERE.clear()


@pytest.mark.parametrize(
    "url,says",
    [
        ("postgresql://me:hunter2@127.0.0.1:1/x", "refused"),
        ("postgresql://me:hunter2@127.0.0.1:port/x", "port"),
        ("mysql://me:hunter2@127.0.0.1/x", "PostgreSQL"),
        ("postgresql://me:hunter2@127.0.0.1:{port}/nowhere", "does not exist"),
    ],
)
async def test_a_database_that_cannot_be_had_is_said_in_one_line(
    url: str, says: str, postgres_url: str, tmp_path: Path
) -> None:
    """A wrong URL or an unreachable database at the start: one line that names it, and never the password."""
    url = url.replace("{port}", str(urlsplit(postgres_url).port)).replace("me:", "surgectl:")
    with pytest.raises(UsageError) as error:
        async with open_shop("http://127.0.0.1:1", tmp_path, database=url):
            pass
    assert says in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)


async def test_a_name_that_is_no_schema_is_refused(postgres_url: str, tmp_path: Path) -> None:
    """It goes into SQL as it is, so it must be a plain word."""
    with pytest.raises(UsageError, match="no name of a schema"):
        async with open_shop("http://127.0.0.1:1", tmp_path, database=postgres_url, database_schema='x"; drop'):
            pass


async def test_books_of_a_rehearsal_are_forgotten(postgres_url: str, money: Money, tmp_path: Path) -> None:
    """With `forget_books` nothing is left in the database after a clean end."""
    schema = _schema(tmp_path)
    where = {"database": postgres_url, "database_schema": schema, "forget_books": True}
    async with open_shop(money.url, tmp_path, **where) as shop:
        assert (await shop.buy("ada@example.org"))["state"] == "confirmed"
    with psycopg.connect(postgres_url) as root:
        found = root.execute("select count(*) from pg_namespace where nspname = %s", (schema,)).fetchone()
    assert found == (0,)


async def test_a_restart_goes_on_with_the_same_sale(postgres_url: str, money: Money, tmp_path: Path) -> None:
    """Places, orders and stock come back from the database; what was pending is decided."""
    where = {"database": postgres_url, "database_schema": _schema(tmp_path)}
    await money.lose_requests()
    async with open_shop(money.url, tmp_path, **where) as shop:
        _, hold = await shop.hold(await shop.enter("ada@example.org"), 2)
        _, order = await shop.order(hold["id"], "k")
    await money.heal()
    async with open_shop(money.url, tmp_path, **where) as shop:
        assert (await shop.ended(order["order"]))["state"] == "confirmed"
        assert (await shop.order(hold["id"], "k"))[1]["order"] == order["order"]
        assert (await shop.stock())["sold"] == 2
        assert await damage(shop, money) == {}


def _schema(folder: Path) -> str:
    return f"cut_{abs(hash(str(folder)))}"

"""The event page and its cache: one look serves everybody, and nobody waits for Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.stage.boxoffice.cache import Bypass, View
from surgectl.stage.boxoffice.cache.bypass import AT_MOST_S
from surgectl.stage.boxoffice.cache.shared import CacheAway
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import Hall, Stock
from tests.boxoffice.street import Money, Shop, damage, open_shop
from tests.servers import NO_REDIS, find_redis
from tests.toxiproxy_binary import free_port

EVENT = "/api/events/floor"


class Note(msgspec.Struct, frozen=True):
    as_of_ns: int
    what: str = ""


class Shelf:
    """A cache in memory that can be slow, dead or full of rubbish."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.slow_s = 0.0
        self.dead = False
        self.calls = 0

    async def _bear(self) -> None:
        self.calls += 1
        await asyncio.sleep(self.slow_s)
        if self.dead:
            raise CacheAway("connection refused")

    async def get(self, key: str) -> bytes | None:
        await self._bear()
        return self.kept.get(key)

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        await self._bear()
        self.kept[key] = value

    async def ping(self) -> None:
        await self._bear()

    async def close(self) -> None: ...


class Looks:
    """The books, as the window sees them: counts how often it looks."""

    def __init__(self) -> None:
        self.count = 0
        self.slow_s = 0.0
        self.away = False
        self.closed: asyncio.Event | None = None
        """Whoever looks waits until it is set."""

    async def __call__(self) -> Note:
        self.count += 1
        as_of_ns, away = now_ns(), self.away
        await asyncio.sleep(self.slow_s)
        if self.closed is not None:
            await self.closed.wait()
        if away:
            raise ConnectionError("the database does not answer")
        return Note(as_of_ns, f"look {self.count}")


def now_ns() -> int:
    return time.time_ns()


async def test_a_hundred_readers_cost_one_look() -> None:
    """Single flight: all who come while one looks are served by that look; half a second later there is another."""
    looks = Looks()
    looks.slow_s = 0.02
    view = View("k", Note, looks, now_ns)
    notes = await asyncio.gather(*(view.read() for _ in range(100)))
    assert {note.what for note in notes if note} == {"look 1"}
    await asyncio.sleep(0.55)
    notes = await asyncio.gather(*(view.read() for _ in range(100)))
    assert looks.count == 2
    assert {note.what for note in notes if note} == {"look 2"}


async def test_what_another_shop_has_just_read_is_not_read_again() -> None:
    """Two shops with one cache look once; what lies there too long, or is rubbish, is looked at anew."""
    shelf, looks = Shelf(), Looks()
    first = View("k", Note, looks, now_ns, Bypass(shelf, SystemClock()))
    second = View("k", Note, looks, now_ns, Bypass(shelf, SystemClock()))
    assert (await first.read()) is not None
    await asyncio.sleep(0.01)
    note = await second.read()
    assert (note.what if note else None, looks.count) == ("look 1", 1)
    for left in (msgspec.msgpack.encode(Note(now_ns() - 2_000_000_000, "old")), b"\xc1", b"{}"):
        shelf.kept["k"] = left
        third = View("k", Note, looks, now_ns, Bypass(shelf, SystemClock()))
        note = await third.read()
        assert note is not None
        assert note.what.startswith("look")


async def test_a_slow_cache_costs_one_reader_a_moment_once() -> None:
    """The first read waits at most 50 ms for it; the next ones walk past, until a probe of our own finds it well."""
    shelf, looks = Shelf(), Looks()
    shelf.slow_s = 30.0
    cache = Bypass(shelf, SystemClock())
    started = time.monotonic()
    assert await cache.get("k") is None
    assert AT_MOST_S <= time.monotonic() - started < shelf.slow_s / 2  # on a busy machine, too
    asked = shelf.calls
    for _ in range(1000):
        assert await cache.get("k") is None
    cache.leave("k", b"v", 60)
    assert shelf.calls == asked
    view = View("k", Note, looks, now_ns, cache)
    assert (await view.read()) is not None
    shelf.slow_s = 0.0
    async with asyncio.timeout(10):
        while cache.away:
            await asyncio.sleep(0.02)
    cache.leave("k", b"v", 60)
    await asyncio.sleep(0.01)
    assert await cache.get("k") == b"v"
    await cache.close()


async def test_while_the_books_are_away_the_last_look_is_shown_with_its_age() -> None:
    """An older value is served at once and keeps its date; not every reader knocks at closed books."""
    looks = Looks()
    view = View("k", Note, looks, now_ns)
    first = await view.read()
    await asyncio.sleep(0.55)
    looks.away = True
    for _ in range(50):
        assert await view.read() == first
    assert looks.count == 2
    looks.away, looks.closed = False, asyncio.Event()
    await asyncio.sleep(0.55)
    async with asyncio.timeout(10):
        assert await view.read() == first  # it does not wait for a look that comes to no end
        looks.closed.set()
        while await view.read() == first:
            await asyncio.sleep(0.01)


async def test_the_event_page_says_what_is_left(money: Money, tmp_path: Path) -> None:
    """Name, price, roughly how much is left and as of when; then held, and sold out only when it is for ever."""
    async with open_shop(money.url, tmp_path / "books", capacity=5, title="The Finale") as shop:
        _, event, _ = await shop.ask("GET", EVENT)
        shown = (event["name"], event["price"], event["currency"], event["availability"], event["sold_out"])
        assert shown == ("The Finale", 8900, "EUR", "many", False)
        assert abs(event["as_of"] - time.time()) < 5
        _, hold = await shop.hold(await shop.enter("ada@example.org"), 4)
        _, other = await shop.hold(await shop.enter("bob@example.org"), 1)
        await asyncio.sleep(0.55)
        assert (await shop.ask("GET", EVENT))[1]["availability"] == "held"
        for n, held in enumerate((hold, other)):
            await shop.ended((await shop.order(held["id"], f"k{n}"))[1]["order"])
        async with asyncio.timeout(10):
            while not (event := (await shop.ask("GET", EVENT))[1])["sold_out"]:
                assert event["availability"] == "held"
                await asyncio.sleep(0.02)
        assert (event["availability"], event["available"]) == ("sold-out", 0)
        assert (await shop.ask("GET", "/api/events/roof"))[0] == 404


# -- with a real Redis -----------------------------------------------------------------------------------


@contextmanager
def redis_at(port: int, place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis of this test's own, to be stopped, killed and started again at the same address."""
    binary = find_redis()
    assert binary is not None
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(place)]
    process = subprocess.Popen([str(binary), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.quiet
@pytest.mark.real
async def test_two_shops_share_their_looks_through_redis(redis_url: str, money: Money, tmp_path: Path) -> None:
    """What lies in Redis carries the prefix, expires within the hour, belongs to one sale, and is never believed
    where it says that nothing is left: neither the page nor a hold."""
    from redis import asyncio as redis

    client = redis.Redis.from_url(redis_url)
    async with open_shop(money.url, tmp_path / "books", cache_url=redis_url, cache_prefix="window-test") as shop:
        assert (await shop.ask("GET", EVENT))[1]["availability"] == "many"
        keys: list[bytes] = []
        async with asyncio.timeout(10):
            while not keys:
                keys = [key async for key in client.scan_iter("window-test:*")]
        assert len(keys) == 1
        assert 0 < await client.ttl(keys[0]) <= 3600
        sold = Stock(capacity=50, available=0, held=0, pending=0, sold=50)
        await asyncio.sleep(0.55)
        await client.set(keys[0], msgspec.msgpack.encode(Hall(time.time_ns(), sold)), ex=60)
        _, event, _ = await shop.ask("GET", EVENT)
        assert event["available"] == 0  # it did read what lay there
        assert (event["sold_out"], event["availability"]) == (False, "held")
        assert (await shop.ask("POST", "/api/queue", {"email": "ada@example.org"}))[0] == 202
        assert (await shop.buy("ada@example.org"))["state"] == "confirmed"
    async with open_shop(money.url, tmp_path / "other", cache_url=redis_url, cache_prefix="window-test") as other:
        assert (await other.ask("GET", EVENT))[1]["available"] == 50  # another sale, another key
    await client.aclose()


@pytest.mark.quiet
@pytest.mark.real
@pytest.mark.skipif(find_redis() is None, reason=NO_REDIS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_redis_dies_in_mid_sale(how: signal.Signals, money: Money, tmp_path: Path) -> None:
    """Killed or frozen: the sale goes on, no page fails or waits, and the cache is used again when it is back."""
    from redis import asyncio as redis

    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with redis_at(port, tmp_path) as process:
        async with open_shop(money.url, tmp_path / "books", cache_url=url, capacity=30) as shop:
            waits: list[float] = []
            watching = asyncio.create_task(watch(shop, waits))
            await asyncio.sleep(0.3)
            os.kill(process.pid, how)
            ends = await asyncio.gather(*(shop.buy(f"f{n}@example.org") for n in range(25)))
            assert {end["state"] for end in ends} == {"confirmed"}
            await asyncio.sleep(1.2)
            if how is signal.SIGSTOP:
                os.kill(process.pid, signal.SIGCONT)
                await back(redis.Redis.from_url(url))
            else:
                process.wait()
                with redis_at(port, tmp_path):
                    await back(redis.Redis.from_url(url))
            watching.cancel()
            # 200 and in time, every one: 50 ms belong to the cache, the rest is this busy machine's.
            assert len(waits) > 50
            assert sorted(waits)[-2] < 1.0
            assert await damage(shop, money) == {}


async def watch(shop: Shop, waits: list[float]) -> None:
    while True:
        started = time.monotonic()
        status, event, _ = await shop.ask("GET", EVENT)
        assert status == 200
        assert time.time() - event["as_of"] < 5
        waits.append(time.monotonic() - started)
        await asyncio.sleep(0.02)


async def back(client: object) -> None:
    """Until the shop has left something in the cache that is newer than now."""
    from redis.exceptions import RedisError

    begun = time.time_ns()
    async with asyncio.timeout(20):
        while True:
            try:
                async for key in client.scan_iter("surgectl:*"):  # type: ignore[attr-defined]
                    text = await client.get(key)  # type: ignore[attr-defined]
                    if text and msgspec.msgpack.decode(text, type=Hall).as_of_ns > begun:
                        await client.aclose()  # type: ignore[attr-defined]
                        return
            except RedisError:
                pass
            await asyncio.sleep(0.05)


@pytest.mark.quiet
@pytest.mark.real
async def test_a_cache_that_was_never_there_is_no_reason_to_stay_closed(money: Money, tmp_path: Path) -> None:
    """The shop opens and shows its page; an address that is none is one line."""
    async with open_shop(money.url, tmp_path / "books", cache_url=f"redis://127.0.0.1:{free_port()}/0") as shop:
        assert (await shop.ask("GET", EVENT))[0] == 200
        assert (await shop.buy("ada@example.org"))["state"] == "confirmed"
    with pytest.raises(UsageError, match="no address of a cache"):
        async with open_shop(money.url, tmp_path / "bad", cache_url="memcached://127.0.0.1:1"):
            pass


async def test_without_the_client_the_words_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, money: Money, tmp_path: Path
) -> None:
    """`redis` is an extra: who asks for it without having it is told the command."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(UsageError) as refused:
        async with open_shop(money.url, tmp_path / "books", cache_url="redis://127.0.0.1:1/0"):
            pass
    assert "pip install 'surgectl[servers]'" in str(refused.value)
    assert Options(payments_url="x", data="x").cache_url == ""

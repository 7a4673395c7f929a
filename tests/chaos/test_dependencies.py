"""Canaries that speak the language of what stands behind a link, against Debian's PostgreSQL and Redis themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from surgectl.chaos import canary
from surgectl.chaos.asks import Speaks
from surgectl.chaos.launch import launched
from surgectl.chaos.links import opened
from surgectl.chaos.nemesis import Nemesis
from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.clock import SystemClock
from surgectl.plan.model import PlannedFault
from surgectl.profile.link import Link
from surgectl.recording.rows import FaultRow

pytestmark = [pytest.mark.real, pytest.mark.quiet]
CLOCK = SystemClock()
MS = 1_000_000


@pytest.fixture
async def server() -> AsyncIterator[Toxiproxy]:
    async with launched(CLOCK, seed=7, embedded=True) as found:
        yield found.server


def address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}"


async def hurt(server: Toxiproxy, links: dict[str, Link], *faults: tuple[str, str]) -> dict[tuple[str, str], list[str]]:
    """What is recorded of faults (link, brownout) that all last the same 1.6 seconds: the events of each."""
    rows: list[FaultRow] = []
    async with opened(server, links, "r1", print) as handles:
        async with Nemesis(server, handles, run="r1", clock=CLOCK, start_ns=0, record=rows.append) as nemesis:
            await nemesis.prepare()
            nemesis.start_at(CLOCK.now_ns())
            planned = [
                PlannedFault(fault=str(n), from_ns=0, to_ns=1_600 * MS, link=link, brownout=name)
                for n, (link, name) in enumerate(faults)
            ]
            await nemesis.play(tuple(planned))
    return {pair: [row.event for row in rows if row.fault == str(n)] for n, pair in enumerate(faults)}


async def test_each_dependency_is_seen_to_suffer_and_to_recover(
    server: Toxiproxy, postgres_url: str, redis_url: str
) -> None:
    """A first question to PostgreSQL or Redis is refused, late, unanswered, cut or dripping, and afterwards is not."""
    links, faults = {}, []
    urls: tuple[tuple[Speaks, str], ...] = (("postgres", postgres_url), ("redis", redis_url))
    for speaks, url in urls:
        for name in ("down", "slow", "lost-reply", "reset", "truncate", "trickle"):
            links[f"{speaks}-{name}"] = Link(upstream=address(url), speaks=speaks)
            faults.append((f"{speaks}-{name}", name))
    seen = await hurt(server, links, *faults)
    assert {pair: events for pair, events in seen.items() if events != ["applied", "verified", "healed"]} == {}


async def test_a_canary_leaves_nothing_behind(postgres_url: str, redis_url: str) -> None:
    """Neither asking changes a server, nor does it begin a session."""
    import psycopg
    import redis

    with psycopg.connect(postgres_url, autocommit=True) as database, redis.Redis.from_url(redis_url) as cache:
        before = cache.dbsize(), _sessions(database)
        for speaks, url in (("postgres", postgres_url), ("redis", redis_url)):
            for long in (False, True):
                seen = await canary.fly(address(url), CLOCK, speaks=speaks, long=long)
                assert seen.whole_ns is not None, (speaks, long)
        assert (cache.dbsize(), _sessions(database)) == before


def _sessions(database: object) -> int:
    told = database.execute("select count(*) from pg_stat_activity where backend_type = 'client backend'")  # type: ignore[attr-defined]
    return int(told.fetchone()[0])


async def test_plain_tcp_shows_what_it_can(server: Toxiproxy) -> None:
    """A service that waits for its client is seen to refuse and to cut, not to be late; one with a greeting is."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.read()
        writer.close()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent, greeting = [await asyncio.start_server(how, "127.0.0.1", 0) for how in (wait, greet)]
    to_silent, to_greeting = (
        Link(upstream=f"127.0.0.1:{service.sockets[0].getsockname()[1]}", speaks="tcp")
        for service in (silent, greeting)
    )
    links = {"silent-1": to_silent, "silent-2": to_silent, "greeting": to_greeting}
    seen = await hurt(server, links, ("silent-1", "down"), ("silent-2", "slow"), ("greeting", "slow"))
    assert seen == {
        ("silent-1", "down"): ["applied", "verified", "healed"],
        ("silent-2", "slow"): ["applied", "healed"],
        ("greeting", "slow"): ["applied", "verified", "healed"],
    }
    silent.close()
    greeting.close()


async def test_a_closed_door_hides_what_lies_behind_it(server: Toxiproxy, redis_url: str) -> None:
    """Down and slow on one link at once: only the closed door is seen, and each is healed by itself."""
    seen = await hurt(server, {"it": Link(upstream=address(redis_url), speaks="redis")}, ("it", "down"), ("it", "slow"))
    assert list(seen.values()) == [["applied", "verified", "healed"], ["applied", "healed"]]

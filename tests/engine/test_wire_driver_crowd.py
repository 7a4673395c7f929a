"""A crowd on real sockets before a shop that breaks in every way: each send one end, and never a false definite no."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from surgectl.clock import SystemClock
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.journey.messages import Reply, Wire
from tests.engine.rawserver import RawServer, Visit

CLOCK = SystemClock()
MS = 1_000_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"


def shop(roll: random.Random, got: Counter[str]) -> RawServer:
    """Says back which request it heard, or breaks; `got`: how often each came, but for what its redirects led to."""

    async def visited(visit: Visit) -> None:
        if roll.random() < 0.05:
            visit.reset()
            return
        while True:
            request = await visit.request()
            name = next(line[3:] for line in request.split(b"\r\n") if line.startswith(b"N: "))
            got[name.decode()] += b" /next " not in request.partition(b"\r")[0]
            whole = OK % (len(name), name)
            luck = roll.random()
            if luck < 0.4:
                await visit.say(whole)
            elif luck < 0.5:
                await visit.say(whole.replace(b"200 OK\r\n", b"200 OK\r\nKeep-Alive: timeout=1\r\n"))
            elif luck < 0.58:
                await visit.say(b"HTTP/1.1 100 Continue\r\n\r\n" + whole[: len(whole) // 2])
                await asyncio.sleep(0.003)
                await visit.say(whole[len(whole) // 2 :])
            elif luck < 0.63:
                await visit.say(whole + OK % (5, b"other"))
            elif luck < 0.68:
                await visit.say(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")
            elif luck < 0.73:
                await visit.say(whole)
                visit.close()
                return
            elif luck < 0.78:
                await visit.say(whole)
                visit.reset()
                return
            elif luck < 0.83:
                await visit.say(whole[:-1])
                visit.close()
                return
            elif luck < 0.88:
                visit.reset()
                return
            elif luck < 0.92:
                await visit.say(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Max-Age=--1\r\n\r\n" + name)
                visit.close()
                return
            elif luck < 0.95:
                await visit.say(b"nonsense\r\n\r\n")
            else:
                await asyncio.sleep(roll.random() * 0.1)

    return RawServer(visited)


async def storm(driver: WireDriver, url: str, roll: random.Random) -> tuple[dict[str, list[Reply]], dict[str, Mark]]:
    """Some fans, one send after the other, some of which they give up."""
    said: dict[str, list[Reply]] = {}
    marks: dict[str, Mark] = {}
    loop = asyncio.get_running_loop()

    async def fan(number: int) -> None:
        session = driver.session()
        for send in range(8):
            name = f"{number}.{send}"
            mark = marks[name] = Mark()
            heard = said[name] = []
            wire = Wire(
                method=roll.choice(("GET", "POST", "PUT")),
                url=f"{url}/{roll.choice('abc')}",
                headers=(("N", name),),
                body=roll.choice((None, b"x", b"y" * 200_000)),
                follow=roll.random() < 0.5,
                timeout_ns=roll.choice((5 * MS, 60 * MS, 300 * MS)),
            )
            over = asyncio.Event()

            def then(reply: Reply, heard: list[Reply] = heard, over: asyncio.Event = over) -> None:
                heard.append(reply)
                over.set()

            under_way = session.start(wire, 0, mark, then)
            assert not heard, "told before it returned"
            if roll.random() < 0.25:
                loop.call_later(roll.choice((0, 0, 0.001, 0.01, 0.04)), under_way.quit)
            await over.wait()
        session.close()

    await asyncio.gather(*(fan(number) for number in range(25)))
    return said, marks


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_nasty_shop(seed: int, own: bool) -> None:
    """Told once, of its own reply, and whether it left; nothing is sent twice; no socket and no timer stays behind."""
    roll = random.Random(seed)
    got: Counter[str] = Counter()
    async with shop(roll, got) as server, WireDriver(CLOCK, CLOCK.now_ns(), own_connections=own) as driver:
        async with asyncio.timeout(30):
            said, marks = await storm(driver, server.url, roll)
        await asyncio.sleep(0.05)
        assert all(len(heard) == 1 for heard in said.values())
        ends: Counter[str] = Counter()
        for name, (reply,) in said.items():
            assert got[name] == 1 or (reply.broken is not None and got[name] == 0), "sent twice"
            assert reply.sent_ns == marks[name].sent_ns and marks[name].failure is None
            assert (reply.broken == "not-sent") <= (reply.sent_ns is None)
            assert reply.sent_ns is not None or got[name] == 0, "a false definite no"
            if reply.broken is None and reply.status == 200:
                assert reply.body == name.encode(), "another's reply"
            ends[reply.broken or str(reply.status)] += 1
        assert {"200", "cut", "quit"} <= set(ends), ends
        assert driver.deadlines._waiting == 0
        if own:
            assert not driver._connections and not driver._pool._own and not driver._pool._shared
    assert driver.open_sockets == 0

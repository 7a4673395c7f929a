"""A link between two sockets that exist only on paper: no byte lost, whatever is changed and whenever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.clock import LoopClock, VirtualLoop
from surgectl.proxy.link import Link
from surgectl.proxy.pipe import Direction, Placed, Toxic
from surgectl.proxy.stub import Setting
from surgectl.proxy.toxics.bandwidth import Bandwidth
from surgectl.proxy.toxics.latency import Latency
from surgectl.proxy.toxics.limit_data import LimitData
from surgectl.proxy.toxics.noop import Noop
from surgectl.proxy.toxics.reset_peer import ResetPeer
from surgectl.proxy.toxics.slicer import Slicer
from surgectl.proxy.toxics.slow_close import SlowClose
from surgectl.proxy.toxics.timeout import Timeout


class Paper:
    """A socket that writes down what is done to it."""

    def __init__(self) -> None:
        self.writable = True
        self.written = b""
        self.closed = False
        self.held = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    def hold(self) -> None:
        self.held = True

    def release(self) -> None:
        self.held = False


class Bench:
    """One link, its two paper sockets and what is fed into it."""

    def __init__(self, seed: int = 1, connection: int = 1) -> None:
        loop = asyncio.get_running_loop()
        setting = Setting(loop=loop, clock=LoopClock(), seed=seed, strict=False)
        self.source, self.dest = Paper(), Paper()
        self.resets = 0
        self.link = Link(
            setting,
            "shop",
            connection,
            Direction.UPSTREAM,
            self.source,
            self.dest,
            on_closed=lambda link: None,
            on_reset=self._reset,
        )
        self.link.start([])
        self._serial = 0

    def _reset(self) -> None:
        self.resets += 1

    def placed(self, toxic: Toxic, toxicity: float = 1.0) -> Placed:
        self._serial += 1
        name = f"t{self._serial}"
        return Placed(self._serial, name, "", "upstream", Direction.UPSTREAM, toxicity, toxic)


def on_paper(play: Callable[[], object]) -> None:
    """Run a coroutine function on a loop whose time passes only when nothing else is left to do."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play())  # type: ignore[arg-type]  # tests hand in coroutine functions


HARMLESS = st.one_of(
    st.just(Noop()),
    st.builds(Latency, latency=st.integers(0, 300), jitter=st.integers(0, 400)),
    st.builds(Bandwidth, rate=st.integers(0, 300)),
    st.builds(
        Slicer, average_size=st.integers(200, 900), size_variation=st.integers(0, 200), delay=st.integers(0, 900)
    ),
    st.builds(SlowClose, delay=st.integers(0, 300)),
    st.builds(LimitData, bytes=st.just(1 << 40)),
)
FEED = st.tuples(st.just("feed"), st.sampled_from([1, 100, 5_000, 70_000, 100_000]))
ADD = st.tuples(st.just("add"), HARMLESS, st.sampled_from([0.0, 1.0, 1.0]))
STEPS = st.one_of(
    # More of what fills the queues than of what empties them, or there is nothing to lose.
    FEED,
    FEED,
    FEED,
    ADD,
    ADD,
    st.tuples(st.just("pass"), st.sampled_from([0.0, 0.001, 0.05, 0.3])),
    st.tuples(st.just("update"), st.integers(0, 5), st.sampled_from([0.0, 1.0])),
    st.tuples(st.just("remove"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["full", "drained"])),
)


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEPS, min_size=6, max_size=40), ended_early=st.booleans())
def test_any_change_at_any_time_keeps_every_byte(steps: list[tuple[object, ...]], ended_early: bool) -> None:
    """However toxics are added, updated and removed while data flows, all of it arrives once and in order."""

    async def play() -> None:
        bench = Bench()
        link, dest = bench.link, bench.dest
        standing: list[Placed] = []
        fed = b""
        counter = 0
        for step in steps:
            match step:
                case ("feed", int(size)) if not bench.source.held:
                    data = b"".join(n.to_bytes(4, "big") for n in range(counter, counter + size // 4 + 1))[:size]
                    counter += size // 4 + 1
                    fed += data
                    link.feed(data)
                case ("pass", float(seconds)):
                    await asyncio.sleep(seconds)
                case ("add", Toxic() as toxic, float(toxicity)):
                    placed = bench.placed(toxic, toxicity)
                    standing.append(placed)
                    assert link.add(placed) is None
                case ("update", int(n), float(toxicity)) if standing:
                    old = standing[n % len(standing)]
                    new = Placed(old.serial, old.name, "", "upstream", old.direction, toxicity, old.toxic)
                    standing[n % len(standing)] = new
                    assert link.update(new) is None
                case ("remove", int(n)) if standing:
                    assert link.remove(standing.pop(n % len(standing))) is None
                case ("full",):
                    dest.writable = False
                    link.dest_full()
                case ("drained",):
                    dest.writable = True
                    link.dest_drained()
            assert fed.startswith(dest.written)
        dest.writable = True
        link.dest_drained()
        if ended_early:
            link.end_input()
        for placed in standing:  # a bandwidth of 0 may hold on to its bytes until it goes
            link.remove(placed)
        assert dest.written == fed
        assert not bench.source.held
        link.end_input()
        await asyncio.sleep(1)
        assert dest.closed

    on_paper(play)


@settings(max_examples=50, deadline=None)
@given(toxics=st.lists(HARMLESS.filter(lambda toxic: toxic != Bandwidth()), min_size=1, max_size=4))
def test_an_end_waits_for_what_is_on_its_way(toxics: list[Toxic]) -> None:
    """The destination is closed after the last byte has been written, not before, and closed it is."""

    async def play() -> None:
        bench = Bench()
        for toxic in toxics:
            bench.link.add(bench.placed(toxic))
        bench.link.feed(b"z" * 5000)
        bench.link.end_input()
        await asyncio.sleep(3600)
        assert bench.dest.closed and bench.dest.written == b"z" * 5000

    on_paper(play)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_removal_keeps_the_order_of_three_full_queues(which: int) -> None:
    """Three latencies hold chunks; whichever is removed, what each held and queued follows in order."""

    async def play() -> None:
        bench = Bench()
        row = [bench.placed(Latency(latency=latency)) for latency in (10, 30, 50)]
        for placed in row:
            bench.link.add(placed)
        for n in range(30):
            bench.link.feed(b"%02d" % n)
            await asyncio.sleep(0.003)
        bench.link.remove(row[which])
        bench.link.feed(b"end")
        await asyncio.sleep(1)
        assert bench.dest.written == b"".join(b"%02d" % n for n in range(30)) + b"end"

    on_paper(play)


def test_a_full_destination_holds_the_source() -> None:
    """Back-pressure goes through a chain, and is let go at the other end."""

    async def play() -> None:
        bench = Bench()
        for toxic in (Noop(), Slicer(average_size=100), Noop()):
            bench.link.add(bench.placed(toxic))
        bench.dest.writable = False
        bench.link.feed(b"a" * 150)
        await asyncio.sleep(1)
        for n in range(10):
            if bench.source.held:
                break
            bench.link.feed(b"%d" % n)
            await asyncio.sleep(1)
        assert bench.source.held
        bench.dest.writable = True
        bench.link.dest_drained()
        await asyncio.sleep(1)
        assert not bench.source.held
        assert bench.dest.written == b"a" * 150 + b"".join(b"%d" % m for m in range(n))

    on_paper(play)


def test_latency_queues_a_thousand_chunks_before_it_holds() -> None:
    """A latency does not limit bandwidth: only beyond 1024 waiting chunks is the source held."""

    async def play() -> None:
        bench = Bench()
        bench.link.add(bench.placed(Latency(latency=1000)))
        for n in range(1024):
            bench.link.feed(b"z")
            assert not bench.source.held, n
        bench.link.feed(b"z")
        assert bench.source.held
        await asyncio.sleep(1.1)
        assert bench.dest.written == b"z" * 1025 and not bench.source.held

    on_paper(play)


def test_removing_a_timeout_closes_the_link() -> None:
    """The stream has a hole, so the destination is closed."""

    async def play() -> None:
        bench = Bench()
        placed = bench.placed(Timeout())
        bench.link.add(placed)
        bench.link.feed(b"lost")
        bench.link.remove(placed)
        assert bench.dest.closed and bench.dest.written == b""

    on_paper(play)


@pytest.mark.parametrize("change", ["add", "update", "remove"])
def test_a_deaf_wait_is_waited_for(change: str) -> None:
    """While reset_peer waits, a change is complete only when the connection has been reset."""

    async def play() -> None:
        bench = Bench()
        placed = bench.placed(ResetPeer(timeout=3000))
        bench.link.add(placed)
        bench.link.feed(b"x")
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        changes = {"add": lambda: bench.link.add(bench.placed(Noop())), "update": lambda: bench.link.update(placed)}
        until = changes.get(change, lambda: bench.link.remove(placed))()
        assert until is not None
        await until
        assert loop.time() - started_s == pytest.approx(3, abs=0.01)
        assert bench.resets == 1 and bench.dest.closed

    on_paper(play)


def test_draws_depend_on_the_seed_and_the_place_alone() -> None:
    """The same seed, proxy and connection number give the same fates and jitters; others differ."""

    def times(seed: int, connection: int) -> list[float]:
        arrived: list[float] = []

        async def play() -> None:
            bench = Bench(seed, connection)
            loop = asyncio.get_running_loop()
            bench.link.add(bench.placed(Latency(latency=100, jitter=100), toxicity=0.8))
            for n in range(1, 21):
                started_s = loop.time()
                bench.link.feed(b"x")
                while len(bench.dest.written) < n:
                    await asyncio.sleep(0.001)
                arrived.append(round(loop.time() - started_s, 3))

        on_paper(play)
        return arrived

    assert times(1, 1) == times(1, 1)
    assert times(1, 1) != times(2, 1)
    assert times(1, 1) != times(1, 2)

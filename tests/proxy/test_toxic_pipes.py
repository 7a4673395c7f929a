"""Each toxic as a dialogue: what it asks for, what it is given, what it passes on. No sockets, no clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.proxy.pipe import TAKE, Chunk, Interrupted, Quiet, Take, Toxic, Wait
from surgectl.proxy.toxics import TOXICS
from surgectl.proxy.toxics.bandwidth import Bandwidth
from surgectl.proxy.toxics.latency import Latency
from surgectl.proxy.toxics.limit_data import LimitData
from surgectl.proxy.toxics.reset_peer import ResetPeer
from surgectl.proxy.toxics.slicer import Slicer
from surgectl.proxy.toxics.slow_close import SlowClose
from surgectl.proxy.toxics.timeout import Timeout


class Stage:
    """A flow that writes down what is passed on. Its draws are given beforehand."""

    def __init__(self, *draws: float) -> None:
        self.passed_bytes = 0
        self.emitted: list[bytes] = []
        self.at_ns: list[int] = []
        self.clock_ns = 0
        self.was_reset = False
        self._draws = list(draws)

    def emit(self, chunk: Chunk) -> None:
        self.emitted.append(chunk.data)
        self.at_ns.append(chunk.at_ns)

    def now_ns(self) -> int:
        return self.clock_ns

    def draw(self, purpose: str) -> float:
        return self._draws.pop(0) if self._draws else 0.5

    def reset(self) -> None:
        self.was_reset = True


def test_latency_waits_what_is_left_of_it() -> None:
    """Time already spent in the proxy counts, and the chunk's instant moves on so that latencies add up."""
    stage = Stage()
    pipe = Latency(latency=100).pipe(stage)
    assert next(pipe) == TAKE
    stage.clock_ns = 30_000_000
    assert pipe.send(Chunk(b"a", 0)) == Wait(0.07)
    assert pipe.send(None) == TAKE
    assert (stage.emitted, stage.at_ns) == ([b"a"], [70_000_000])


@pytest.mark.parametrize(("draw", "delay_ms"), [(0.0, 70), (0.5, 100), (0.9999, 129)])
def test_jitter_is_even_around_the_latency(draw: float, delay_ms: int) -> None:
    """The delay is latency + U{-jitter … jitter-1}, in whole milliseconds."""
    assert Latency(latency=100, jitter=30).delay_ms(Stage(draw)) == delay_ms


def test_bandwidth_slices_by_tenths_of_a_second() -> None:
    """2500 bytes at 10 KB/s: a kilobyte each 100 ms, then the rest after the rest of the time."""
    stage = Stage()
    pipe = Bandwidth(rate=10).pipe(stage)
    next(pipe)
    assert pipe.send(Chunk(b"z" * 2500, 0)) == Wait(0.1)
    assert pipe.send(None) == Wait(0.1)
    rest = pipe.send(None)
    assert isinstance(rest, Wait) and rest.seconds == pytest.approx(0.05)
    stage.clock_ns = 60_000_000  # the timer is 10 ms late
    assert pipe.send(None) == TAKE
    assert [len(data) for data in stage.emitted] == [1000, 1000, 500]
    paid_back = pipe.send(Chunk(b"z" * 1000, 0))
    assert isinstance(paid_back, Wait) and paid_back.seconds == pytest.approx(0.09)


def test_timeout_closes_only_in_silence() -> None:
    """Every chunk starts the time anew; silence ends it; nothing is ever passed on."""
    stage = Stage()
    pipe = Timeout(timeout=500).pipe(stage)
    assert next(pipe) == Take(within_s=0.5)
    assert pipe.send(Chunk(b"a", 0)) == Take(within_s=0.5)
    with pytest.raises(StopIteration):
        pipe.throw(Quiet())
    assert stage.emitted == []


@pytest.mark.parametrize("timeout", [0, -5])
def test_timeout_zero_never_closes(timeout: int) -> None:
    """Without a timeout it just takes, until the sender closes."""
    pipe = Timeout(timeout=timeout).pipe(Stage())
    assert next(pipe) == TAKE
    with pytest.raises(StopIteration):
        pipe.send(None)


def test_reset_peer_waits_deafly_then_resets() -> None:
    """The first chunk is dropped; the wait after it cannot be interrupted; then comes the reset."""
    stage = Stage()
    pipe = ResetPeer(timeout=200).pipe(stage)
    next(pipe)
    assert pipe.send(Chunk(b"a", 0)) == Wait(0.2, deaf=True)
    with pytest.raises(StopIteration):
        pipe.send(None)
    assert stage.was_reset and stage.emitted == []


def test_slow_close_waits_at_the_end_only() -> None:
    """Data passes without a wait; the end does not."""
    stage = Stage()
    pipe = SlowClose(delay=300).pipe(stage)
    next(pipe)
    assert pipe.send(Chunk(b"a", 0)) == TAKE
    assert pipe.send(None) == Wait(0.3)
    assert stage.emitted == [b"a"]


def test_limit_data_goes_on_where_it_was() -> None:
    """After an update the new limit counts what had passed before."""
    stage = Stage()
    stage.passed_bytes = 4
    pipe = LimitData(bytes=6).pipe(stage)
    next(pipe)
    with pytest.raises(StopIteration):
        pipe.send(Chunk(b"abc", 0))
    assert stage.emitted == [b"ab"] and stage.passed_bytes == 6


HOLDERS = [
    Latency(latency=5, jitter=3),
    Bandwidth(rate=1),
    Bandwidth(rate=0),
    Slicer(average_size=10, size_variation=5),
    SlowClose(delay=5),
]


@pytest.mark.parametrize("toxic", HOLDERS, ids=repr)
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5),
    patience=st.integers(0, 12),
    draws=st.lists(st.floats(0, 1, exclude_max=True), max_size=40),
)
def test_an_interrupt_loses_nothing(toxic: Toxic, chunks: list[bytes], patience: int, draws: list[float]) -> None:
    """Whenever it is interrupted, a toxic has passed on exactly what it was given, in order."""
    stage = Stage(*draws)
    pipe = toxic.pipe(stage)
    wish = next(pipe)
    given_bytes = b""
    todo = list(chunks)
    for _ in range(patience):
        if isinstance(wish, Take):
            if not todo:
                break
            given_bytes += todo[0]
            wish = pipe.send(Chunk(todo.pop(0), 0))
        else:
            wish = pipe.send(None)
    with pytest.raises((Interrupted, StopIteration)):
        pipe.throw(Interrupted())
    assert b"".join(stage.emitted) == given_bytes


@given(
    size=st.integers(1, 40_000),
    average=st.integers(1, 3000),
    share=st.floats(0, 1),
    draws=st.lists(st.floats(0, 1, exclude_max=True), max_size=200),
)
def test_slices_cover_the_chunk(size: int, average: int, share: float, draws: list[float]) -> None:
    """Whatever the draws, cuts go forward, end at the end, and leave no piece above average + variation."""
    slicer = Slicer(average_size=average, size_variation=int(average * share))
    assert slicer.crashes() is None
    cuts = slicer.cuts(size, Stage(*draws))
    assert cuts == sorted(cuts) and cuts[-1] == size
    pieces = [end - start for start, end in zip([0, *cuts], cuts, strict=False)]
    assert max(pieces) <= average + slicer.size_variation


@pytest.mark.parametrize(
    "toxic",
    [
        Slicer(),
        Slicer(average_size=-1),
        Slicer(average_size=10, size_variation=11),
        Slicer(average_size=10, size_variation=-10),
        Bandwidth(rate=-1),
    ],
    ids=repr,
)
def test_what_would_kill_toxiproxy_is_known(toxic: Toxic) -> None:
    """Attributes of which the original dies have a reason to be refused."""
    assert toxic.crashes()


def test_every_type_of_toxiproxy_is_there() -> None:
    """The eight toxics of Toxiproxy 2.12, all harmless by default but the two that crash or cannot be meant."""
    assert sorted(TOXICS) == [
        "bandwidth",
        "latency",
        "limit_data",
        "noop",
        "reset_peer",
        "slicer",
        "slow_close",
        "timeout",
    ]
    assert [name for name, kind in sorted(TOXICS.items()) if kind().crashes()] == ["slicer"]

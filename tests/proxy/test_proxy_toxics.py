"""What each toxic does to real connections, on both servers."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from tests.proxy.toxi import Collector, Toxi, ask, await_true, calling, is_open, read_all, serving

pytestmark = [pytest.mark.real, pytest.mark.quiet]

LATE_S = 0.06
"""How much later than planned a busy test machine may be."""


def resets(conn: socket.socket) -> bool:
    """Whether the next thing to come is a reset, as opposed to an orderly end."""
    try:
        assert conn.recv(1) == b""
    except ConnectionResetError:
        return True
    return False


# latency


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latency_delays_one_direction(toxi: Toxi, echo_port: int, stream: str) -> None:
    """A round trip takes the latency longer, whichever direction has it; also for 32 KB at once."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "latency", stream, latency=100)
    with calling(proxy.port) as conn:
        for message in (b"x", b"y" * 32 * 1024):
            assert 0.099 <= ask(conn, message) < 0.1 + LATE_S


def test_latencies_add_up(toxi: Toxi, echo_port: int) -> None:
    """Two latencies on one direction, and one on the other, all count."""
    proxy = toxi.proxy(echo_port)
    for name, stream, latency in [("a", "downstream", 150), ("b", "downstream", 100), ("c", "upstream", 50)]:
        toxi.toxic(proxy, "latency", stream, name=name, latency=latency)
    with calling(proxy.port) as conn:
        assert 0.298 <= ask(conn, b"x") < 0.3 + LATE_S


def test_jitter_spreads_the_delay(toxi: Toxi, echo_port: int) -> None:
    """Delays lie within latency ± jitter and differ."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "latency", latency=50, jitter=40)
    with calling(proxy.port) as conn:
        times = [ask(conn, b"x") for _ in range(20)]
    assert 0.009 <= min(times) < max(times) < 0.09 + LATE_S
    assert max(times) - min(times) > 0.015


def test_latency_is_a_pipeline(toxi: Toxi) -> None:
    """Ten messages 20 ms apart arrive 20 ms apart, each 200 ms late: nothing piles up."""
    collector = Collector()
    with serving(collector) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "latency", "upstream", latency=200)
        with calling(proxy.port) as conn:
            started = time.monotonic()
            for n in range(10):
                conn.sendall(b"%d" % n)
                time.sleep(0.02)
            await_true(lambda: len(collector.data) == 10)
    assert collector.data == b"0123456789"
    assert 0.198 <= collector.arrived_s[0] - started < 0.2 + LATE_S
    assert collector.arrived_s[-1] - started < 0.2 + 10 * 0.025 + LATE_S


def test_latency_zero_is_harmless(toxi: Toxi, echo_port: int) -> None:
    """A latency of nothing delays nothing."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "latency")
    with calling(proxy.port) as conn:
        assert sorted(ask(conn, b"x") for _ in range(50))[25] < 0.01


def test_latency_and_closing_race(toxi: Toxi) -> None:
    """300 connections that the server closes right after its reply all bring the reply, under a latency."""

    def one_shot(conn: socket.socket) -> None:
        conn.recv(10)
        conn.sendall(b"reply")

    with serving(one_shot) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "latency", latency=1)
        for _ in range(300):
            with calling(proxy.port) as conn:
                conn.sendall(b"x")
                assert read_all(conn, 10) == b"reply"


# bandwidth


def test_bandwidth_limits_the_rate(toxi: Toxi) -> None:
    """480 KB at 1 MB/s take 480 ms, whatever the size of the writes."""
    collector = Collector()
    with serving(collector) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "bandwidth", "upstream", rate=1000)
        with calling(proxy.port, timeout_s=10) as conn:
            started = time.monotonic()
            for _ in range(15):
                conn.sendall(b"z" * 32_000)
            await_true(lambda: len(collector.data) == 480_000)
            assert 0.47 <= time.monotonic() - started < 0.48 + LATE_S


def test_bandwidth_trickles(toxi: Toxi, echo_port: int) -> None:
    """5000 bytes at 10 KB/s come a kilobyte each tenth of a second, the first after one, the last after half a one."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "bandwidth", rate=10)
    with calling(proxy.port) as conn:
        started = time.monotonic()
        conn.sendall(b"z" * 5000)
        assert len(conn.recv(5000)) == 1000
        assert 0.099 <= time.monotonic() - started < 0.1 + LATE_S
        assert len(read_all(conn, 4000)) == 4000
        assert 0.49 <= time.monotonic() - started < 0.5 + LATE_S


def test_bandwidth_zero_lets_nothing_through_until_removed(toxi: Toxi, echo_port: int) -> None:
    """At rate 0 nothing flows; removal releases what was held."""
    proxy = toxi.proxy(echo_port)
    name = toxi.toxic(proxy, "bandwidth", rate=0)
    with calling(proxy.port) as conn:
        conn.sendall(b"z" * 100)
        assert is_open(conn, 0.3)
        toxi.remove(proxy, name)
        conn.settimeout(5)
        assert read_all(conn, 100) == b"z" * 100


# timeout


def test_timeout_drops_all_and_closes_after_silence(toxi: Toxi, echo_port: int) -> None:
    """Nothing comes back, and the connection ends once no data came for that long; data starts the time anew."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "timeout", "upstream", timeout=300)
    with calling(proxy.port) as conn:
        for _ in range(5):
            conn.sendall(b"x")
            assert is_open(conn, 0.15)
        started = time.monotonic()
        conn.settimeout(5)
        assert conn.recv(1) == b""
        assert time.monotonic() - started < 0.3 + LATE_S


def test_timeout_zero_never_closes_but_its_removal_does(toxi: Toxi) -> None:
    """With 0 the connection hangs; removing the toxic closes it at both ends within a second."""
    collector = Collector()
    with serving(collector) as port:
        proxy = toxi.proxy(port)
        name = toxi.toxic(proxy, "timeout", "upstream", timeout=0)
        with calling(proxy.port) as conn:
            conn.sendall(b"lost")
            assert is_open(conn, 0.3)
            toxi.remove(proxy, name)
            conn.settimeout(1)
            assert conn.recv(1) == b""
            assert collector.ended.wait(1)
    assert collector.data == b""


def test_removing_a_timeout_closes_even_connections_it_did_not_hit(toxi: Toxi, echo_port: int) -> None:
    """Its removal closes every live connection, drawn or not: ending such a brownout is a burst of its own."""
    proxy = toxi.proxy(echo_port)
    name = toxi.toxic(proxy, "timeout", toxicity=0)
    with calling(proxy.port) as conn:
        ask(conn, b"x")
        toxi.remove(proxy, name)
        assert conn.recv(1) == b""


def test_timeout_does_not_hang_the_other_toxics(toxi: Toxi, echo_port: int) -> None:
    """A timeout before and after another toxic can be removed while data waits."""
    proxy = toxi.proxy(echo_port)
    for name, kind in [("a", "noop"), ("b", "timeout"), ("c", "latency")]:
        toxi.toxic(proxy, kind, "upstream", name=name)
    with calling(proxy.port) as conn:
        conn.sendall(b"hello")
        started = time.monotonic()
        for name in ("a", "c", "b"):
            toxi.remove(proxy, name)
        assert time.monotonic() - started < 1
        assert conn.recv(1) == b""


# reset_peer


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("timeout_ms", [0, 150])
def test_reset_peer_resets_new_connections(toxi: Toxi, echo_port: int, stream: str, timeout_ms: int) -> None:
    """The first data is dropped and the client sees a reset, after the timeout."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "reset_peer", stream, timeout=timeout_ms)
    with calling(proxy.port) as conn:
        started = time.monotonic()
        conn.sendall(b"x")
        assert resets(conn)
        assert timeout_ms / 1000 - 0.001 <= time.monotonic() - started < timeout_ms / 1000 + LATE_S


def test_reset_peer_leaves_the_idle_alone(toxi: Toxi, echo_port: int) -> None:
    """A connection without data is not reset."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "reset_peer", "upstream")
    with calling(proxy.port) as conn:
        assert is_open(conn, 0.3)


def test_removing_reset_peer_waits_for_its_end(toxi: Toxi, echo_port: int) -> None:
    """Its wait cannot be interrupted, so removal takes as long."""
    proxy = toxi.proxy(echo_port)
    name = toxi.toxic(proxy, "reset_peer", timeout=600)
    with calling(proxy.port) as conn:
        started = time.monotonic()
        conn.sendall(b"x")
        time.sleep(0.1)
        toxi.remove(proxy, name)
        assert 0.59 <= time.monotonic() - started < 0.6 + LATE_S
        assert resets(conn)


# slow_close


def test_slow_close_delays_only_the_end(toxi: Toxi) -> None:
    """Data passes at once, the close comes later."""

    def one_shot(conn: socket.socket) -> None:
        conn.sendall(b"data")

    with serving(one_shot) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "slow_close", delay=300)
        with calling(proxy.port) as conn:
            started = time.monotonic()
            assert read_all(conn, 4) == b"data"
            assert time.monotonic() - started < 0.1
            assert conn.recv(1) == b""
            assert 0.29 <= time.monotonic() - started < 0.3 + LATE_S


def test_removing_slow_close_lets_the_end_through(toxi: Toxi) -> None:
    """A close that is being delayed comes at once when the toxic goes."""
    with serving(lambda conn: None) as port:
        proxy = toxi.proxy(port)
        name = toxi.toxic(proxy, "slow_close", delay=20_000)
        with calling(proxy.port) as conn:
            assert is_open(conn, 0.1)
            toxi.remove(proxy, name)
            conn.settimeout(1)
            assert conn.recv(1) == b""


# slicer


def test_slicer_cuts_into_about_the_average(toxi: Toxi) -> None:
    """480 KB in pieces of 1024 ± 512 arrive whole; no piece is larger than both together."""
    sizes: list[int] = []
    done = threading.Event()

    def reader(conn: socket.socket) -> None:
        while data := conn.recv(1 << 20):
            sizes.append(len(data))
        done.set()

    with serving(reader) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "slicer", "upstream", average_size=1024, size_variation=512, delay=1000)
        with calling(proxy.port, timeout_s=10) as conn:
            conn.sendall(b"z" * 480_000)
            conn.close()
            assert done.wait(15)
    assert sum(sizes) == 480_000
    # Pieces that come while the reader is busy are read as one, so their count is a lower bound.
    assert 240 <= len(sizes) <= 720


def test_slicer_without_variation_halves(toxi: Toxi) -> None:
    """Without variation pieces are equal halves of halves, none above the average."""
    sizes: list[int] = []

    def reader(conn: socket.socket) -> None:
        while data := conn.recv(1 << 20):
            sizes.append(len(data))

    with serving(reader) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "slicer", "upstream", average_size=100, delay=20_000)
        with calling(proxy.port) as conn:
            conn.sendall(b"z" * 800)
            await_true(lambda: sum(sizes) == 800)
    assert sizes == [100] * 8


# limit_data


@pytest.mark.parametrize(
    ("limit", "messages", "passed"),
    [
        (0, [b"abc"], b""),
        (10, [b"aaaaaa", b"bbbbbb"], b"aaaaaabbbb"),
        (6, [b"aaaaaa"], b"aaaaaa"),
        (4, [b"aaaaaa"], b"aaaa"),
        (100, [b"a" * 60, b"b" * 40], b"a" * 60 + b"b" * 40),
    ],
)
def test_limit_data_closes_at_the_limit(
    toxi: Toxi, echo_port: int, limit: int, messages: list[bytes], passed: bytes
) -> None:
    """Exactly that many bytes come through, then the end."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "limit_data", bytes=limit)
    with calling(proxy.port) as conn:
        got = b""
        for message in messages:
            conn.sendall(message)
            got += read_all(conn, min(len(message), len(passed) - len(got)))
        assert got == passed
        assert conn.recv(1) == b""


def test_limit_data_counts_from_when_it_was_added(toxi: Toxi, echo_port: int) -> None:
    """Bytes before it do not count, and the count survives an update, up or down."""
    proxy = toxi.proxy(echo_port)
    with calling(proxy.port) as conn:
        ask(conn, b"z" * 50)
        name = toxi.toxic(proxy, "limit_data", bytes=10)
        ask(conn, b"z" * 6)
        toxi.change(proxy, name, attributes={"bytes": 20})
        ask(conn, b"z" * 6)
        toxi.change(proxy, name, attributes={"bytes": 5})
        conn.sendall(b"z")
        assert conn.recv(1) == b""


def test_limit_data_counts_each_connection(toxi: Toxi, echo_port: int) -> None:
    """A new connection begins at nothing."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "limit_data", bytes=5)
    for _ in range(3):
        with calling(proxy.port) as conn:
            conn.sendall(b"z" * 9)
            assert read_all(conn, 9) == b"z" * 5


def test_an_ended_direction_takes_the_other_with_it(toxi: Toxi) -> None:
    """When limit_data ends the reply, the server's side is closed as well."""
    collector_ended = threading.Event()

    def chatty(conn: socket.socket) -> None:
        conn.sendall(b"0123456789")
        while conn.recv(100):
            pass
        collector_ended.set()

    with serving(chatty) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "limit_data", bytes=4)
        with calling(proxy.port) as conn:
            assert read_all(conn, 10) == b"0123"
            assert collector_ended.wait(2)

"""How connections behave with no toxic, and while toxics come and go, on both servers."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time

import pytest

from tests.proxy.toxi import Collector, Toxi, ask, await_true, calling, is_open, read_all, serving

pytestmark = [pytest.mark.real, pytest.mark.quiet]


def test_a_message_gets_through(toxi: Toxi, echo_port: int) -> None:
    """Without toxics bytes pass both ways, in several messages, untouched."""
    with calling(toxi.proxy(echo_port).port) as conn:
        for message in (b"hello", b"world", b"x" * 100_000):
            ask(conn, message)


def test_a_big_message_in_one_go(toxi: Toxi) -> None:
    """Eight megabytes arrive complete and in order, and the end of them arrives as an end."""
    collector = Collector()
    data = b"".join(n.to_bytes(4, "big") for n in range(8 << 18))
    with serving(collector) as port, calling(toxi.proxy(port).port, timeout_s=20) as conn:
        conn.sendall(data)
        conn.close()
        assert collector.ended.wait(20)
    assert collector.data == data


def test_a_slow_reader_holds_up_the_sender(toxi: Toxi) -> None:
    """Back-pressure reaches the sender: a proxy does not swallow what its receiver does not read."""
    go_on = threading.Event()

    def lazy(conn: socket.socket) -> None:
        go_on.wait(20)
        while conn.recv(1 << 20):
            pass

    with serving(lazy) as port:
        proxy = toxi.proxy(port)
        toxi.toxic(proxy, "noop", "upstream")
        with calling(proxy.port, timeout_s=0.5) as conn:
            sent = 0
            with pytest.raises(TimeoutError):
                while sent < 200 << 20:
                    sent += conn.send(b"z" * (1 << 20))
            go_on.set()
            conn.settimeout(10)
            conn.sendall(b"z" * (1 << 20))


def test_an_upstream_that_is_down_is_an_end_not_a_refusal(toxi: Toxi) -> None:
    """The caller is accepted before the dial: it connects, and reads the end within half a second."""
    with calling(toxi.proxy(1).port) as conn:
        started = time.monotonic()
        assert conn.recv(1) == b""
        assert time.monotonic() - started < 0.5


def test_there_is_no_half_close(toxi: Toxi) -> None:
    """When the client ends its direction the whole server side is closed: a late reply is lost."""
    server_saw_end = threading.Event()

    def late(conn: socket.socket) -> None:
        while conn.recv(65536):
            pass
        server_saw_end.set()
        time.sleep(0.2)
        conn.sendall(b"LATE")

    with serving(late) as port, calling(toxi.proxy(port).port) as conn:
        conn.sendall(b"hi")
        conn.shutdown(socket.SHUT_WR)
        assert conn.recv(10) == b""
        assert server_saw_end.wait(2)


def test_a_server_that_speaks_first_is_heard(toxi: Toxi) -> None:
    """A greeting sent before the client has said anything arrives, as databases need it."""

    def greet(conn: socket.socket) -> None:
        conn.sendall(b"220 ready\r\n")
        conn.recv(1)

    with serving(greet) as port:
        proxy = toxi.proxy(port)
        for _ in range(50):
            with calling(proxy.port) as conn:
                assert read_all(conn, 11) == b"220 ready\r\n"


def test_a_client_that_speaks_at_once_is_heard(toxi: Toxi, echo_port: int) -> None:
    """Bytes that arrive while the server is still being dialled are not lost."""
    proxy = toxi.proxy(echo_port)
    for _ in range(100):
        with calling(proxy.port) as conn:
            ask(conn, b"early")


def test_disabling_closes_every_connection(toxi: Toxi, echo_port: int) -> None:
    """Live connections end when the proxy is disabled; those of another proxy do not."""
    proxy, other = toxi.proxy(echo_port), toxi.proxy(echo_port)
    with calling(proxy.port) as first, calling(proxy.port) as second, calling(other.port) as third:
        for conn in (first, second, third):
            ask(conn, b"x")
        toxi.call("PATCH", f"/proxies/{proxy.name}", {"enabled": False})
        assert first.recv(1) == b"" and second.recv(1) == b""
        ask(third, b"x")


def test_stopping_and_starting_many_times(toxi: Toxi, echo_port: int) -> None:
    """A proxy can be disabled and enabled over and over, and twice in a row, on the same port."""
    proxy = toxi.proxy(echo_port)
    for _ in range(20):
        for enabled in (False, False, True, True):
            toxi.call("PATCH", f"/proxies/{proxy.name}", {"enabled": enabled})
        with calling(proxy.port) as conn:
            ask(conn, b"again")


def test_a_new_upstream_closes_what_is_open_and_serves_what_comes(toxi: Toxi, echo_port: int) -> None:
    """Changing the upstream ends live connections; new ones go to the new place on the same port."""

    def constant(conn: socket.socket) -> None:
        conn.sendall(b"new")
        conn.recv(1)

    with serving(constant) as port:
        proxy = toxi.proxy(echo_port)
        with calling(proxy.port) as conn:
            ask(conn, b"old")
            toxi.call("PATCH", f"/proxies/{proxy.name}", {"upstream": f"127.0.0.1:{port}"})
            assert conn.recv(1) == b""
        with calling(proxy.port) as conn:
            assert read_all(conn, 3) == b"new"


def test_the_same_address_under_another_name_keeps_connections(toxi: Toxi, echo_port: int) -> None:
    """Updating `listen` to a host name of the same address leaves live connections alone."""
    proxy = toxi.proxy(echo_port)
    with calling(proxy.port) as conn:
        ask(conn, b"x")
        reply = toxi.call("PATCH", f"/proxies/{proxy.name}", {"listen": f"localhost:{proxy.port}"})
        assert reply.status == 200
        ask(conn, b"x")


def test_a_toxic_reaches_connections_that_are_open(toxi: Toxi, echo_port: int) -> None:
    """Adding, changing and removing take effect on a pooled connection at once."""
    proxy = toxi.proxy(echo_port)
    with calling(proxy.port) as conn:
        assert ask(conn, b"x") < 0.09
        name = toxi.toxic(proxy, "latency", latency=100)
        assert ask(conn, b"x") >= 0.099
        toxi.change(proxy, name, attributes={"latency": 10})
        assert ask(conn, b"x") < 0.09
        toxi.remove(proxy, name)
        assert ask(conn, b"x") < 0.09


def test_removal_releases_what_was_waiting(toxi: Toxi, echo_port: int) -> None:
    """Removing a long latency lets the held bytes go at once, in order."""
    proxy = toxi.proxy(echo_port)
    name = toxi.toxic(proxy, "latency", latency=30_000)
    with calling(proxy.port) as conn:
        for n in range(50):
            conn.sendall(b"%03d" % n)
            time.sleep(0.001)
        toxi.remove(proxy, name)
        assert read_all(conn, 150) == b"".join(b"%03d" % n for n in range(50))


def test_toxicity_zero_never_and_one_always(toxi: Toxi, echo_port: int) -> None:
    """At toxicity 0 nothing is delayed; updated to 1, all is, on the same connection."""
    proxy = toxi.proxy(echo_port)
    name = toxi.toxic(proxy, "latency", toxicity=0, latency=80)
    with calling(proxy.port) as conn:
        assert max(ask(conn, b"x") for _ in range(20)) < 0.08
        toxi.change(proxy, name, toxicity=1)
        assert min(ask(conn, b"x") for _ in range(3)) >= 0.079


def test_toxicity_is_drawn_once_a_connection(toxi: Toxi, echo_port: int) -> None:
    """All requests of one connection share its fate, and about half of the connections are hit at 0.5."""
    proxy = toxi.proxy(echo_port)
    toxi.toxic(proxy, "latency", toxicity=0.5, latency=80)
    fates = []
    for _ in range(40):
        with calling(proxy.port) as conn:
            fates.append({ask(conn, b"x") >= 0.079 for _ in range(3)})
    assert all(len(fate) == 1 for fate in fates)
    assert 5 <= sum(fate == {True} for fate in fates) <= 35  # p of being outside: 2e-7


def test_toxicity_is_drawn_again_on_update(toxi: Toxi, echo_port: int) -> None:
    """An update that changes nothing still draws anew."""
    proxy = toxi.proxy(echo_port)
    name = toxi.toxic(proxy, "latency", toxicity=0.5, latency=30)
    fates = []
    with calling(proxy.port) as conn:
        for _ in range(30):
            toxi.change(proxy, name)
            fates.append(ask(conn, b"x") >= 0.029)
    assert set(fates) == {True, False}  # p of all alike: 2e-9


def test_changes_on_a_broken_connection(toxi: Toxi) -> None:
    """Toxics can be added and removed while a connection is going down under them."""
    for _ in range(20):
        with serving(lambda conn: conn.recv(10) and None) as port:
            proxy = toxi.proxy(port)
            toxi.toxic(proxy, "latency", "upstream", latency=5)
            with calling(proxy.port) as conn:
                conn.sendall(b"x")
                toxi.toxic(proxy, "noop", "upstream", name="second")
                toxi.toxic(proxy, "slow_close", "downstream", delay=10)
            toxi.remove(proxy, "latency_upstream")
            toxi.remove(proxy, "second")
            toxi.remove(proxy, "slow_close_downstream")
            assert toxi.call("GET", f"/proxies/{proxy.name}/toxics").text == "[]"


def test_nothing_is_lost_or_reordered_under_a_latency_that_comes_and_goes(toxi: Toxi) -> None:
    """65,535 numbered two-byte pieces arrive complete and in order while a latency is added and removed."""
    collector = Collector()
    pieces = [n.to_bytes(2, "big") for n in range(65_535)]
    with serving(collector) as port:
        proxy = toxi.proxy(port)
        done = threading.Event()

        def churn() -> None:
            while not done.is_set():
                toxi.toxic(proxy, "latency", "upstream", latency=1000)
                toxi.remove(proxy, "latency_upstream")

        churner = threading.Thread(target=churn)
        churner.start()
        try:
            with calling(proxy.port, timeout_s=30) as conn:
                for at in range(0, len(pieces), 7):
                    conn.sendall(b"".join(pieces[at : at + 7]))
        finally:
            done.set()
            churner.join()
        await_true(lambda: len(collector.data) == 2 * 65_535 or collector.ended.is_set(), 20)
    assert collector.data == b"".join(pieces)


async def test_a_hundred_connections_under_churn(toxi: Toxi, echo_port: int) -> None:
    """100 connections keep every byte, in order, while toxics of every harmless kind come, change and go."""
    proxy = toxi.proxy(echo_port)
    finished = asyncio.Event()
    churned = 0

    async def one(number: int) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        expected = b"".join(b"%04d:%04d;" % (number, n) * (1 + n % 40) for n in range(120))

        async def send() -> None:
            for at in range(0, len(expected), 200):
                writer.write(expected[at : at + 200])
                await writer.drain()
                await asyncio.sleep(0.02)

        sending = asyncio.create_task(send())
        got = await reader.readexactly(len(expected))
        await sending
        writer.close()
        return got == expected

    async def churn() -> None:
        nonlocal churned
        kinds = itertools.cycle(
            [
                ("latency", {"latency": 20, "jitter": 15}, {"latency": 1}),
                ("slicer", {"average_size": 100, "size_variation": 50, "delay": 10}, {"average_size": 300}),
                ("bandwidth", {"rate": 2000}, {"rate": 500}),
                ("slow_close", {"delay": 20}, {"delay": 1}),
                ("limit_data", {"bytes": 1 << 40}, {"bytes": 1 << 41}),
                ("noop", {}, {}),
            ]
        )
        # The streams take turns; up to three toxics stand at a time, removed from the front, the middle or the end.
        standing: list[str] = []
        while not finished.is_set():
            kind, attributes, changed = next(kinds)
            stream = ("upstream", "downstream")[churned % 2]
            name = f"t{churned}"
            await asyncio.to_thread(toxi.toxic, proxy, kind, stream, 0.8, name, **attributes)
            standing.append(name)
            await asyncio.to_thread(toxi.change, proxy, name, attributes=changed)
            if len(standing) == 4:
                await asyncio.to_thread(toxi.remove, proxy, standing.pop(churned % 4))
            churned += 1
        for name in standing:
            await asyncio.to_thread(toxi.remove, proxy, name)

    churner = asyncio.create_task(churn())
    try:
        results = await asyncio.wait_for(asyncio.gather(*(one(n) for n in range(100))), 60)
    finally:
        finished.set()
        await churner
    assert results == [True] * 100
    assert churned > 20


def test_a_hundred_calls_one_after_another_under_churn(toxi: Toxi, echo_port: int) -> None:
    """100 connections, opened one by one while a latency flickers, are each answered."""
    proxy = toxi.proxy(echo_port)
    done = threading.Event()

    def churn() -> None:
        while not done.is_set():
            toxi.toxic(proxy, "latency", latency=3)
            toxi.remove(proxy, "latency_downstream")

    churner = threading.Thread(target=churn)
    churner.start()
    try:
        for n in range(100):
            with calling(proxy.port) as conn:
                ask(conn, b"hello %d" % n)
    finally:
        done.set()
        churner.join()


def test_proxied_round_trips_are_quick(toxi: Toxi, echo_port: int) -> None:
    """The proxy itself costs well under a millisecond a round trip."""
    with calling(toxi.proxy(echo_port).port) as conn:
        times = sorted(ask(conn, b"x") for _ in range(200))
    assert times[100] < 0.001


def test_an_idle_connection_stays(toxi: Toxi, echo_port: int) -> None:
    """Nothing closes a connection that merely says nothing."""
    with calling(toxi.proxy(echo_port).port) as conn:
        ask(conn, b"x")
        assert is_open(conn, 0.3)

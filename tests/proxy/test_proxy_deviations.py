"""Where the embedded proxy deliberately differs from Toxiproxy, and that --strict does not."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.proxy.test_proxy_toxics import resets
from tests.proxy.toxi import Toxi, ask, calling, is_open, running_embedded, serving

pytestmark = [pytest.mark.real, pytest.mark.quiet]

CRASHERS = [
    ("slicer", {}),
    ("slicer", {"average_size": -1}),
    ("slicer", {"average_size": 10, "size_variation": 20}),
    ("bandwidth", {"rate": -1}),
]


@pytest.mark.parametrize(("type", "attributes"), CRASHERS)
def test_attributes_that_kill_toxiproxy_are_refused(
    embedded: Toxi, strict: Toxi, echo_port: int, type: str, attributes: dict[str, int]
) -> None:
    """Refused by default and under --strict alike, on creation and on update, with the field named."""
    sound = {"slicer": {"average_size": 10}, "bandwidth": {"rate": 1}}[type]
    for toxi in (embedded, strict):
        proxy = toxi.proxy(echo_port)
        path = f"/proxies/{proxy.name}/toxics"
        reply = toxi.call("POST", path, {"type": type, "attributes": attributes})
        assert reply.status == 400 and reply.error.startswith(f"bad request body: {type}.")
        name = toxi.toxic(proxy, type, **sound)
        if attributes:
            assert toxi.call("PATCH", f"{path}/{name}", {"attributes": attributes}).status == 400
        assert toxi.call("GET", f"{path}/{name}").json()["attributes"] == {
            key: sound.get(key, 0) for key in toxi.call("GET", f"{path}/{name}").json()["attributes"]
        }
        with calling(proxy.port) as conn:
            ask(conn, b"still alive")


def test_a_negative_latency_cannot_be_meant(embedded: Toxi, strict: Toxi) -> None:
    """Toxiproxy takes it and does nothing; we say so instead of rehearsing without the fault."""
    body = {"type": "latency", "attributes": {"latency": -100}}
    reply = embedded.call("POST", f"/proxies/{embedded.proxy(1).name}/toxics", body)
    assert (reply.status, "cannot be negative" in reply.error) == (400, True)
    assert strict.call("POST", f"/proxies/{strict.proxy(1).name}/toxics", body).status == 200


def test_a_refused_update_changes_nothing(embedded: Toxi, strict: Toxi) -> None:
    """Toxiproxy answers 400 and keeps the half it had read; we keep what was."""
    for toxi, kept in ((embedded, 5), (strict, 8)):
        proxy = toxi.proxy(1)
        name = toxi.toxic(proxy, "latency", latency=5)
        path = f"/proxies/{proxy.name}/toxics/{name}"
        assert toxi.call("PATCH", path, {"attributes": {"latency": 8, "jitter": "x"}}).status == 400
        assert toxi.call("GET", path).json()["attributes"]["latency"] == kept


def test_no_listen_means_loopback(embedded: Toxi, strict: Toxi) -> None:
    """Toxiproxy opens such a proxy to the whole network."""
    for toxi, host in ((embedded, "127.0.0.1:"), (strict, "[::]:")):
        made = toxi.call("POST", "/proxies", {"name": "shop", "upstream": "127.0.0.1:1"}).json()
        assert made["listen"].startswith(host)


def test_a_reset_reaches_connections_that_are_open(embedded: Toxi, strict: Toxi, echo_port: int) -> None:
    """Toxiproxy resets only connections opened after the toxic; a pooled one merely ends there."""
    for toxi, reset in ((embedded, True), (strict, False)):
        proxy = toxi.proxy(echo_port)
        with calling(proxy.port) as conn:
            ask(conn, b"x")
            toxi.toxic(proxy, "reset_peer")
            conn.sendall(b"x")
            assert resets(conn) is reset


def test_a_reset_that_was_not_drawn_does_not_happen(embedded: Toxi, strict: Toxi) -> None:
    """In Toxiproxy a reset_peer of toxicity 0 still turns every orderly end into a reset."""
    for toxi, reset in ((embedded, False), (strict, True)):
        ended: list[str] = []
        done = threading.Event()

        def server(conn: socket.socket, ended: list[str] = ended, done: threading.Event = done) -> None:
            conn.recv(1)
            ended.append("reset" if resets(conn) else "end")
            done.set()

        with serving(server) as port:
            proxy = toxi.proxy(port)
            toxi.toxic(proxy, "reset_peer", toxicity=0)
            with calling(proxy.port) as conn:
                conn.sendall(b"x")
            assert done.wait(2)
        assert ended == (["reset"] if reset else ["end"])


def test_a_dial_that_hangs_holds_up_nobody_else(embedded: Toxi) -> None:
    """Each caller is put through on its own: others need not wait for an upstream that does not answer."""
    with socket.socket() as full:
        # A listener with a full queue: further dials hang without an answer.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        proxy = embedded.proxy(port)
        with calling(proxy.port) as stuck, calling(proxy.port) as also_stuck:
            assert is_open(stuck, 0.1) and is_open(also_stuck, 0.1)
            with serving(lambda conn: conn.sendall(b"ok")) as other:
                # Moving the upstream closes those that wait, and serves who comes then.
                embedded.call("PATCH", f"/proxies/{proxy.name}", {"upstream": f"127.0.0.1:{other}"})
                assert stuck.recv(1) == b""
                with calling(proxy.port) as conn:
                    assert conn.recv(2) == b"ok"
        for filler in fillers:
            filler.close()


def test_the_seed_decides_who_is_hit(echo_port: int) -> None:
    """The same seed hits the same connections of a proxy, by their number; another seed hits others."""

    def fates(seed: int) -> list[bool]:
        with running_embedded(seed=seed) as url:
            toxi = Toxi("embedded", url)
            proxy = toxi.proxy(echo_port, "shop")
            toxi.toxic(proxy, "latency", toxicity=0.5, latency=20)
            found = []
            for _ in range(30):
                with calling(proxy.port) as conn:
                    found.append(ask(conn, b"x") >= 0.019)
            return found

    first = fates(1)
    assert fates(1) == first
    assert fates(2) != first

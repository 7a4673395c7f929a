"""A plain client of Toxiproxy's API and plain servers to put behind a proxy. No cleverness, no retries."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """An HTTP reply, read to its end. Header names are in small letters."""

    status: int
    text: str
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        return str(self.json()["error"])


@dataclass(frozen=True)
class Proxied:
    """A proxy that was made: its name and the port it listens on."""

    name: str
    port: int


@dataclass
class Toxi:
    """One running proxy server, ours or the original."""

    kind: str
    url: str
    made: int = field(default=0)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """`body` goes out as it is when it is text, else as JSON."""
        address = urlsplit(self.url).netloc
        connection = http.client.HTTPConnection(address, timeout=40)
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        try:
            connection.request(method, path, body=None if data is None else data.encode(), headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            return Reply(answer.status, text, {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def proxy(self, upstream_port: int, name: str | None = None) -> Proxied:
        self.made += 1
        name = name or f"p{self.made}"
        upstream = f"127.0.0.1:{upstream_port}"
        reply = self.call("POST", "/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": upstream})
        assert reply.status == 201, reply
        return Proxied(name, int(reply.json()["listen"].rsplit(":", 1)[1]))

    def toxic(
        self,
        proxy: Proxied,
        type: str,
        stream: str = "downstream",
        toxicity: float = 1.0,
        name: str | None = None,
        **attributes: int,
    ) -> str:
        """Add a toxic and return its name."""
        name = name or f"{type}_{stream}"
        body = {"type": type, "stream": stream, "toxicity": toxicity, "name": name, "attributes": attributes}
        reply = self.call("POST", f"/proxies/{proxy.name}/toxics", body)
        assert reply.status == 200, reply
        return name

    def change(self, proxy: Proxied, toxic: str, **body: Any) -> None:
        reply = self.call("PATCH", f"/proxies/{proxy.name}/toxics/{toxic}", body)
        assert reply.status == 200, reply

    def remove(self, proxy: Proxied, toxic: str) -> None:
        reply = self.call("DELETE", f"/proxies/{proxy.name}/toxics/{toxic}")
        assert reply.status == 204, reply

    def forget_all(self) -> None:
        for name in self.call("GET", "/proxies").json():
            self.call("DELETE", f"/proxies/{name}")


@contextlib.contextmanager
def running_embedded(strict: bool = False, seed: int = 7) -> Iterator[str]:
    """Our own proxy in its own process, as the command line starts it; yields its URL."""
    start = f"from surgectl.cli.stage_proxy import serve_proxy; serve_proxy('127.0.0.1:0', {seed}, {strict}, True)"
    process = subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.stdin.close()
        try:
            code = process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        process.stdout.close()
    assert code == 0


Handler = Callable[[socket.socket], None]


def echo(conn: socket.socket) -> None:
    """Send everything back until the caller closes."""
    while data := conn.recv(65536):
        conn.sendall(data)


class Collector:
    """A server that keeps what it is sent; `ended` is set when a caller has closed."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.arrived_s: list[float] = []
        self.ended = threading.Event()

    def __call__(self, conn: socket.socket) -> None:
        try:
            while data := conn.recv(1 << 20):
                self.arrived_s.append(time.monotonic())
                self.data += data
        finally:
            self.ended.set()


@contextlib.contextmanager
def serving(handler: Handler) -> Iterator[int]:
    """Run `handler` in a thread for each caller; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    open_sockets: list[socket.socket] = []

    def one(conn: socket.socket) -> None:
        with contextlib.suppress(OSError), conn:
            handler(conn)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _ = listener.accept()
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_sockets.append(conn)
                threading.Thread(target=one, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for conn in open_sockets:
            conn.close()


@contextlib.contextmanager
def calling(port: int, timeout_s: float = 5.0) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield conn


def read_all(conn: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, or fewer where the connection ended first."""
    parts = []
    while size > 0 and (data := conn.recv(min(size, 1 << 20))):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def ask(conn: socket.socket, message: bytes) -> float:
    """Send to an echo server and read it back; returns the seconds that took."""
    started = time.monotonic()
    conn.sendall(message)
    assert read_all(conn, len(message)) == message
    return time.monotonic() - started


def is_open(conn: socket.socket, within_s: float) -> bool:
    """Whether nothing at all (no data, no end) comes within that time."""
    conn.settimeout(within_s)
    try:
        conn.recv(1)
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False
    return False


def await_true(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.005)

"""One client's turn: begun, let warm up, looked at twice, ended.

Only what lies between the two looks counts, so nobody pays for its start. The server counts the requests, the kernel
the CPU time; a client whose connections are not as many as asked for, or that tells another story, spoils its turn.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.client.cpu import machine_cpu_s, tree_cpu_s
from benchmarks.client.nginx import Nginx, Status
from benchmarks.client.peers.peer import Asked, Peer, Started

_UP_WITHIN_S = 30.0
_STOPPED_WITHIN_S = 10.0
_TELLS_WITHIN = 0.02
"""How far a client's own count may be from the server's, and one request per connection: those that were under way."""
_ROOT = Path(__file__).parents[2]


class SpoiltError(Exception):
    """A turn that must not be counted: what was wrong, and what the client said."""


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """How long a turn is."""

    warm_s: float = 2.0
    window_s: float = 4.0


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What happened between the two looks."""

    requests: int
    """Counted by the server."""
    cpu_s: float
    """Of the client and of all it started."""
    wall_s: float
    others_cores: float = 0.0
    """Cores that neither the client nor nginx kept busy, but somebody did: the more, the less the figure is worth."""
    own_count: int | None = None
    """Good answers of its whole life, as it says itself."""
    server_count: int = 0
    """Requests of its whole life, as the server says."""

    @property
    def per_cpu_s(self) -> float:
        """Requests per second of CPU time."""
        return self.requests / self.cpu_s

    @property
    def cores(self) -> float:
        """How many cores it kept busy."""
        return self.cpu_s / self.wall_s


def measure(peer: Peer, server: Nginx, connections: int, length: Length) -> Window:
    """One turn. SpoiltError where it cannot count."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{peer.name}-") as folder:
        seconds = round(_UP_WITHIN_S + length.warm_s + length.window_s) + 5
        asked = Asked(url=server.url, connections=connections, seconds=seconds, folder=Path(folder))
        before = _settled(server)
        output = Path(folder) / "output.txt"
        with _running(peer.start(asked), output) as process:
            _wait_until_up(peer, process, server, connections, output)
            time.sleep(length.warm_s)
            first, cpu_s, others_s, at_s = _look(server, process.pid)
            check_connections(peer, first, connections)
            time.sleep(length.window_s)
            second, until_cpu_s, until_others_s, until_s = _look(server, process.pid)
            check_connections(peer, second, connections)
            if process.poll() is not None:
                raise SpoiltError(f"{peer.name} ended inside the window: {_tail(output)}")
            peer.stop(process, asked)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOPPED_WITHIN_S)
        window = Window(
            requests=second.requests - first.requests,
            cpu_s=until_cpu_s - cpu_s,
            wall_s=until_s - at_s,
            others_cores=max(0.0, (until_others_s - others_s) / (until_s - at_s)),
            own_count=peer.counted(output.read_text(encoding="utf-8", errors="replace"), asked),
            server_count=_settled(server).requests - before.requests,
        )
        check_count(peer, window, connections, output)
        return window


def _look(server: Nginx, pid: int) -> tuple[Status, float, float, float]:
    """The server's counters; seconds of CPU of the client and of everybody else but nginx; the instant."""
    status, mine_s = server.status(), tree_cpu_s(pid)
    return status, mine_s, machine_cpu_s() - mine_s - tree_cpu_s(server.pid), time.monotonic()


def check_connections(peer: Peer, status: Status, connections: int) -> None:
    """SpoiltError where it does not hold what it was asked to."""
    if not _enough(peer, status, connections):
        raise SpoiltError(f"{peer.name} holds {status.connections} connections, not {connections}")


def _enough(peer: Peer, status: Status, connections: int) -> bool:
    if peer.shares:
        return connections / 2 <= status.connections <= connections
    return status.connections == connections


def check_count(peer: Peer, window: Window, connections: int, output: Path) -> None:
    """SpoiltError where its own story is not the server's."""
    if window.requests <= 0 or window.cpu_s <= 0:
        raise SpoiltError(f"{peer.name} did nothing in the window: {_tail(output)}")
    if window.own_count is None:
        raise SpoiltError(f"{peer.name} did not say what it did: {_tail(output)}")
    if abs(window.own_count - window.server_count) > connections + _TELLS_WITHIN * window.server_count:
        raise SpoiltError(
            f"{peer.name} says {window.own_count} good answers, the server got {window.server_count} requests:"
            f" {_tail(output)}"
        )


def _wait_until_up(peer: Peer, process: subprocess.Popen[bytes], server: Nginx, connections: int, output: Path) -> None:
    until = time.monotonic() + _UP_WITHIN_S
    while not _enough(peer, status := server.status(), connections):
        if process.poll() is not None:
            raise SpoiltError(f"{peer.name} ended before it began (exit {process.returncode}): {_tail(output)}")
        if time.monotonic() > until:
            raise SpoiltError(
                f"{peer.name} holds {status.connections} connections, not {connections}, after {_UP_WITHIN_S:.0f} s:"
                f" {_tail(output)}"
            )
        time.sleep(0.05)


def _settled(server: Nginx) -> Status:
    """The server's counters once whoever was there has hung up."""
    until = time.monotonic() + 5
    while (status := server.status()).connections > 0:
        if time.monotonic() > until:
            raise SpoiltError(f"{status.connections} connections are open to nginx, and nobody should be there")
        time.sleep(0.02)
    return status


@contextlib.contextmanager
def _running(started: Started, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process, in a group of its own; the whole group is gone afterwards, whatever happened."""
    with output.open("wb") as written:
        process = subprocess.Popen(
            started.words,
            stdin=subprocess.PIPE if started.feed is not None else subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={**os.environ, **started.environ},
            cwd=_ROOT,
            start_new_session=True,
        )
        feeding = threading.Thread(target=_feed, args=(process, started.feed), daemon=True)
        try:
            feeding.start()
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            feeding.join(_STOPPED_WITHIN_S)


def _feed(process: subprocess.Popen[bytes], feed: Iterator[bytes] | None) -> None:
    """What a client reads on its stdin, until it reads no more."""
    if feed is None or process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError), process.stdin:
        for chunk in feed:
            process.stdin.write(chunk)


def _tail(output: Path) -> str:
    said = output.read_text(encoding="utf-8", errors="replace").strip() if output.exists() else ""
    return said[-600:] or "it said nothing"

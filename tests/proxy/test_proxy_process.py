"""The embedded proxy as a process: how it says that it is ready, and when it goes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.proxy.toxi import Toxi, ask, calling

pytestmark = pytest.mark.real


@contextmanager
def started(listen: str = "127.0.0.1:0", until_stdin_closes: bool = True) -> Iterator[subprocess.Popen[str]]:
    code = (
        "import sys\nfrom surgectl.cli.stage_proxy import serve_proxy\nfrom surgectl.errors import SurgectlError\n"
        f"try: serve_proxy({listen!r}, 1, False, {until_stdin_closes})\n"
        "except SurgectlError as error: sys.exit(str(error))\n"
    )
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def test_it_says_one_line_when_ready(echo_port: int) -> None:
    """One JSON line with the URL, which answers at once, and nothing else on either stream to its end."""
    with started() as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready == {"ready": "proxy", "url": ready["url"]}
        toxi = Toxi("embedded", ready["url"])
        with calling(toxi.proxy(echo_port).port) as conn:
            ask(conn, b"x")
            process.send_signal(signal.SIGTERM)
            assert conn.recv(1) == b""
        assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it(number: signal.Signals) -> None:
    """SIGINT and SIGTERM end it in good order, also with a client that keeps its connection to the API."""
    with started(until_stdin_closes=False) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as conn:
            conn.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            assert conn.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
            process.send_signal(number)
            assert process.wait(5) == 0


def test_it_does_not_outlive_its_parent() -> None:
    """When its stdin ends, it ends; where it was not asked to watch stdin, it stays."""
    with started() as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(5) == 0
    with started(until_stdin_closes=False) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "192.0.2.1:0"])
def test_an_address_that_cannot_be_listened_on_is_one_clear_line(listen: str) -> None:
    """A bad --listen is one line that names it, and no traceback."""
    with started(listen) as process:
        out, err = process.communicate(timeout=10)
    assert process.returncode == 1 and out == ""
    assert err.count("\n") == 1 and f"--listen {listen}" in err and "Traceback" not in err

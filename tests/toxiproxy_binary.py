"""Finds and starts the original Toxiproxy, where this machine has one.

`go install` names the binary `server`, after the last part of its path; released ones are called
`toxiproxy-server`. So a `server` is only believed when it says that it is one.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

NOT_FOUND = "toxiproxy-server not found (go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0)"
"""Why a test is skipped."""

_START_S = 10.0


def find_toxiproxy() -> Path | None:
    """The original server's binary, or None."""
    on_path = shutil.which("toxiproxy-server")
    if on_path:
        return Path(on_path)
    return next((path for path in _candidates() if _is_toxiproxy(path)), None)


def _candidates() -> Iterator[Path]:
    if gobin := os.environ.get("GOBIN"):
        yield Path(gobin) / "server"
    if go := shutil.which("go"):
        asked = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, timeout=30, check=False)
        if asked.returncode == 0 and asked.stdout.strip():
            yield Path(asked.stdout.strip()) / "bin" / "server"
    yield Path.home() / "go" / "bin" / "server"


def _is_toxiproxy(path: Path) -> bool:
    if not os.access(path, os.X_OK):
        return False
    try:
        said = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.startswith("toxiproxy-server version")


def free_port() -> int:
    """A port that was free a moment ago, and that nobody's outgoing connection is given in between: it lies below the
    range from which the kernel takes those (Linux: 32768 to 60999), anywhere among thousands."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.SystemRandom().randrange(12_000, 32_000)))
            return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_toxiproxy(binary: Path) -> Iterator[str]:
    """Start the original on a free loopback port and yield its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [binary, "-host", "127.0.0.1", "-port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _await_version(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_version(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/version", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{url} did not come up (exit code {process.poll()})") from None
            time.sleep(0.02)

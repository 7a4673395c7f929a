"""Locust with its faster user, in a process of its own: gevent must not patch ours."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import signal
import subprocess
import sys

from benchmarks.client.peers.peer import JOURNEYS, Asked, Peer, Started

_TOTAL = re.compile(r"^\s*Aggregated\s+(\d+)\s+(\d+)\(", re.MULTILINE)


class LocustFast(Peer):
    """FastHttpUser, headless, one process, statistics on as they are by default."""

    name = "locust_fast"
    install = "pip install -c constraints.txt -e '.[bench]'"
    way = "FastHttpUser, wait_time constant(0), one user per connection, no catch_response"

    def find(self) -> str | None:
        if importlib.util.find_spec("locust") is None:
            return None
        versions = [f"{name} {importlib.metadata.version(name)}" for name in ("locust", "gevent", "geventhttpclient")]
        return ", ".join(versions)

    def start(self, asked: Asked) -> Started:
        words = [sys.executable, "-m", "locust", "-f", str(JOURNEYS / "order_locust.py"), "--headless"]
        words += ["--host", asked.url, "--users", str(asked.connections), "--spawn-rate", str(asked.connections)]
        return Started(words=[*words, "--run-time", f"{asked.seconds}s"], environ={"PYTHONUNBUFFERED": "1"})

    def stop(self, process: subprocess.Popen[bytes], asked: Asked) -> None:
        """SIGTERM: SIGINT would come as an exception somewhere inside a user."""
        process.send_signal(signal.SIGTERM)

    def counted(self, output: str, asked: Asked) -> int | None:
        tables = _TOTAL.findall(output)
        return int(tables[-1][0]) - int(tables[-1][1]) if tables else None

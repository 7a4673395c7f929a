"""Our own product, as a person runs it: journal, histograms, dashboard, extraction and keys all on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

import surgectl
from benchmarks.client.peers.peer import Asked, Peer, Started

PROFILE = Path(__file__).parent.parent / "profile.yaml"
_TALLY_WITHIN_S = 15.0


class _Tally(msgspec.Struct):
    sent: int = 0


class _Manifest(msgspec.Struct):
    tally: _Tally | None = None


class Product(Peer):
    """`surgectl run benchmarks/client/profile.yaml --driver wire|aiohttp`: as many fans as connections."""

    install = "pip install -e ."

    def __init__(self, driver: str) -> None:
        self.name = driver
        self.way = f"surgectl run --no-stage --driver {driver}: a fan per connection, at most"
        self.shares = True

    def find(self) -> str | None:
        return f"surgectl {surgectl.__version__}"

    def start(self, asked: Asked) -> Started:
        words = [sys.executable, "-m", "surgectl", "run", str(PROFILE), "--no-stage", "--workers", "1"]
        words += ["--driver", self.name, "--reports", str(asked.folder)]
        words += ["--set", f"BENCH_URL={asked.url}", "--set", "settle.at_most=300ms"]
        words += ["--set", f"load[0].fans={asked.connections}", "--set", f"load[1].for={asked.seconds}s"]
        return Started(words=words)

    def stop(self, process: subprocess.Popen[bytes], asked: Asked) -> None:
        """The first signal lets the fans go and writes the tally; the second spares us the audit of all the orders."""
        process.send_signal(signal.SIGINT)
        until = time.monotonic() + _TALLY_WITHIN_S
        while process.poll() is None and time.monotonic() < until and self.counted("", asked) is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)

    def counted(self, output: str, asked: Asked) -> int | None:
        """Requests in the manifest's tally: a fan whose answer was no good would have ended, and its connection."""
        return tally_of(asked.folder)


def tally_of(reports: Path) -> int | None:
    """Requests sent, from the manifest of the newest recording in `reports`; None until its fans are all gone."""
    for file in reports.glob("*/latest/run.json"):
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=_Manifest)
        except (OSError, msgspec.DecodeError):
            continue
        if manifest.tally is not None and manifest.tally.sent:
            return manifest.tally.sent
    return None

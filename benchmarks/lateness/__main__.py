"""How late fans come: an open load against nginx, at about 50 % and 90 % of one core of our own process.

    python -m benchmarks.lateness [--json | --markdown] [--driver wire|aiohttp]

A first run finds what a fan costs; the two that count have the rates that follow from it. Lateness is the recording's
own: the instant of each intent minus the instant it was due. Linux only, and nginx.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.client.cpu import machine_cpu_s, tree_cpu_s
from benchmarks.client.machine import Machine, this_machine
from benchmarks.client.nginx import Nginx, NginxError
from benchmarks.client.peers.product import tally_of
from surgectl.recording.repair import read_rows
from surgectl.recording.rows import DroppedRow, IntentRow

_PROFILE = Path(__file__).parent / "profile.yaml"
_ROOT = Path(__file__).parents[2]
_FIRST_RATE_PER_S = 1_000
_SHARES = (0.5, 0.9)
_WARM_S, _WINDOW_S = 1.5, 6.0
_UP_WITHIN_S, _DOWN_WITHIN_S = 20.0, 20.0


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """One run, between warm-up and end."""

    asked_share: float
    """Of one core."""
    cpu_share: float
    """What it really was: less where others left it no more."""
    others_cores: float
    """Cores that neither it nor nginx kept busy, but somebody did."""
    cpu_us_per_fan: float
    rate_per_s: float
    arrivals: int
    dropped: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """`--json`."""

    driver: str
    runs: list[Lateness]
    machine: Machine


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lateness", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    form.add_argument("--markdown", action="store_true", help="print what RESULTS.md shows")
    parser.add_argument("--driver", choices=("wire", "aiohttp"), default="wire")
    options = parser.parse_args(arguments)
    runs: list[Lateness] = []
    try:
        with Nginx() as server:
            last = _run(server, options.driver, 0.0, _FIRST_RATE_PER_S)
            for share in _SHARES:
                last = _run(server, options.driver, share, 1e6 / last.cpu_us_per_fan * share)
                runs.append(last)
    except NginxError as error:
        print(error, file=sys.stderr)
        return 2
    found = Found(driver=options.driver, runs=runs, machine=this_machine())
    print(msgspec.json.encode(found).decode() if options.json else table(found, markdown=options.markdown))
    return 0


def table(found: Found, *, markdown: bool = False) -> str:
    """A line for each run."""
    return "\n".join(
        f"{'- ' if markdown else ''}{found.driver} at {run.cpu_share:.0%} of a core (meant: {run.asked_share:.0%};"
        f" {run.rate_per_s:,.0f} fans/s, {run.cpu_us_per_fan:,.0f} µs each; {run.dropped:,} of {run.arrivals:,}"
        f" dropped; others kept {run.others_cores:.2f} cores busy): p50 {run.p50_ms:.2f} ms, p99 {run.p99_ms:.2f} ms,"
        f" max {run.max_ms:.2f} ms"
        for run in found.runs
    )


def _run(server: Nginx, driver: str, share: float, rate_per_s: float) -> Lateness:
    with tempfile.TemporaryDirectory(prefix="bench-lateness-") as folder:
        reports = Path(folder)
        words = [sys.executable, "-m", "surgectl", "run", str(_PROFILE), "--no-stage", "--workers", "1"]
        words += ["--driver", driver]
        words += ["--reports", folder, "--set", f"BENCH_URL={server.url}", "--set", f"load[0].rate={rate_per_s:.0f}/s"]
        before = server.status().requests
        process = subprocess.Popen(
            words, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until = time.monotonic() + _UP_WITHIN_S
            while server.status().requests == before:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"nobody came: {' '.join(words)}")
                time.sleep(0.02)
            time.sleep(_WARM_S)
            first = _look(server, process.pid)
            time.sleep(_WINDOW_S)
            cpu_share, others_cores = _shares(first, _look(server, process.pid))
            # When the tally stands, the load is over and all is written; the audit of it is not what we want.
            until = time.monotonic() + _DOWN_WITHIN_S
            while process.poll() is None and tally_of(reports) is None and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            process.kill()
            process.wait()
        return _read(reports, share, cpu_share, others_cores, rate_per_s)


def _look(server: Nginx, pid: int) -> tuple[float, float, float]:
    """Seconds: of CPU of the client, of CPU of everybody else but nginx, of the clock."""
    mine_s = tree_cpu_s(pid)
    return mine_s, machine_cpu_s() - mine_s - tree_cpu_s(server.pid), time.monotonic()


def _shares(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float]:
    """Of one core between two looks: the client's, the others'."""
    mine_s, others_s, wall_s = (after - before for before, after in zip(first, second, strict=True))
    return mine_s / wall_s, max(0.0, others_s / wall_s)


def _read(reports: Path, share: float, cpu_share: float, others_cores: float, rate_per_s: float) -> Lateness:
    from_ns, to_ns = round(_WARM_S * 1e9), round((_WARM_S + _WINDOW_S) * 1e9)
    late_ms, dropped = [], 0
    for file in sorted(reports.glob("*/latest/ops/*.zst")):
        for _, row in read_rows(file):
            if isinstance(row, (IntentRow, DroppedRow)) and from_ns <= row.due_ns < to_ns:
                dropped += isinstance(row, DroppedRow)
                late_ms.append((row.at_ns - row.due_ns) / 1e6)
    if len(late_ms) == dropped:
        raise RuntimeError("no arrivals are recorded")
    late_ms.sort()
    return Lateness(
        asked_share=share,
        cpu_share=round(cpu_share, 3),
        others_cores=round(others_cores, 2),
        cpu_us_per_fan=round(cpu_share * _WINDOW_S * 1e6 / (len(late_ms) - dropped), 1),
        rate_per_s=round(rate_per_s, 1),
        arrivals=len(late_ms),
        dropped=dropped,
        p50_ms=round(late_ms[len(late_ms) // 2], 3),
        p99_ms=round(late_ms[len(late_ms) * 99 // 100], 3),
        max_ms=round(late_ms[-1], 3),
    )


if __name__ == "__main__":
    # Whoever is told to end ends what it started: a signal is an exception here, and every `with` is left.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())

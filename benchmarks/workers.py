"""How many more requests a second two workers send than one, against a server that is not the limit.

    python -m benchmarks.workers [--rounds 3] [--seconds 6] [--fans 64] [--others 0.15] [--json]

nginx with a fixed answer, and the journey of benchmarks/client (every fan orders over and over, all bookkeeping on).
One worker and two take turns. Requests are counted by nginx itself in the middle of each run; processor time is read
from /proc for every process that sends, for nginx, and for everybody else. Rounds in which others used more than
`--others` cores are left out where there are better ones, for they measure those others. On two cores two workers and
nginx share two cores: what is left at best is told beside the ratio. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.client.cpu import machine_cpu_s, tree_cpu_s
from benchmarks.client.nginx import NO_NGINX, Nginx, find_nginx
from tests.rehearsal.acting import alive, descendants, environment

ROOT = Path(__file__).parents[1]
PROFILE = ROOT / "benchmarks" / "client" / "profile.yaml"


class Seen(NamedTuple):
    """What one run did in the time it was looked at."""

    workers: int
    per_s: float
    per_cpu_s: float
    sending: float
    """Cores used by the processes that send, their parent included."""
    serving: float
    """Cores used by nginx."""
    others: float
    """Cores used by whoever else is on this machine."""


def measure(server: Nginx, workers: int, seconds: float, fans: int) -> Seen:
    """One rehearsal with so many workers, looked at once it is under way, then told to leave."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "surgectl", "run", str(PROFILE), "--reports", place, "--no-tui"]
        command += ["--workers", str(workers), "--set", f"load[0].fans={fans}"]
        run = subprocess.Popen(
            command,
            cwd=place,
            env=environment(BENCH_URL=server.url, PYTHONPATH=str(ROOT)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 60
            before = server.status().requests
            while server.status().requests - before < 20_000 and time.monotonic() < deadline and run.poll() is None:
                time.sleep(0.1)
            begun, whole = time.monotonic(), machine_cpu_s()
            sent, busy, served = server.status().requests, tree_cpu_s(run.pid), tree_cpu_s(server.pid)
            time.sleep(seconds)
            sent = server.status().requests - sent
            busy, served = tree_cpu_s(run.pid) - busy, tree_cpu_s(server.pid) - served
            others = max(0.0, machine_cpu_s() - whole - busy - served)
            lasted = time.monotonic() - begun
        finally:
            children = descendants(run.pid)
            run.send_signal(signal.SIGKILL)  # what it sent is counted: reading and judging it is another benchmark's
            run.wait()
            while alive(children):
                time.sleep(0.1)
    return Seen(workers, sent / lasted, sent / busy, busy / lasted, served / lasted, others / lasted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--fans", type=int, default=64)
    parser.add_argument("--others", type=float, default=0.15)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if find_nginx() is None:
        sys.exit(NO_NGINX)
    seen: list[Seen] = []
    with Nginx() as server:
        for _ in range(asked.rounds):
            pair = [measure(server, workers, asked.seconds, asked.fans) for workers in (1, 2)]
            print(*pair, sep="\n", file=sys.stderr, flush=True)
            seen += pair
    tell(alone(seen, asked.others) or seen, as_json=asked.json)


def alone(seen: list[Seen], most: float) -> list[Seen]:
    """The rounds, each of two runs, in which nobody else used more than so many cores."""
    pairs = zip(seen[::2], seen[1::2], strict=True)
    return [run for pair in pairs if all(run.others <= most for run in pair) for run in pair]


def tell(seen: list[Seen], *, as_json: bool) -> None:
    """The medians, their ratio, and what the cores allow."""
    one, two = (Seen(*map(statistics.median, zip(*(s for s in seen if s.workers == n), strict=True))) for n in (1, 2))
    cores = len(os.sched_getaffinity(0))
    # All that two workers and nginx can have between them, at one worker's cost of a request on both sides.
    ratio = two.per_s / one.per_s
    ceiling = min(2.0, cores / (one.sending + one.serving))
    if as_json:
        numbers = {"ratio": ratio, "per_cpu_ratio": two.per_cpu_s / one.per_cpu_s, "ceiling": ceiling, "cores": cores}
        print(json.dumps({name: round(value, 2) for name, value in numbers.items()}))
        return
    print("| workers | requests/s | per CPU-second | cores sending | nginx | others |\n|---|---|---|---|---|---|")
    for s in (one, two):
        numbers = f"{s.per_s:,.0f} | {s.per_cpu_s:,.0f} | {s.sending:.2f} | {s.serving:.2f} | {s.others:.2f}"
        print(f"| {s.workers:.0f} | {numbers} |")
    rounds = len(seen) // 2
    per_cpu = two.per_cpu_s / one.per_cpu_s
    print(
        f"\nMedians of {rounds} rounds. Two give {ratio:.2f} times as many as one; {cores} cores allow {ceiling:.2f}."
    )
    print(f"In the same processor time two send {per_cpu:.2f} times as many as one.")


if __name__ == "__main__":
    main()

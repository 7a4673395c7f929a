"""Where each microsecond of a request goes: `python -m benchmarks.hot_path [--seconds 8] [--connections 64]`.

py-spy (extra `bench`) looks 500 times a second at `surgectl run` while it storms an nginx, and says in which room of
the program each look found it. Beside it stand nginx's own count of requests and the process's CPU time in the same
window: together they are microseconds a request. Linux; py-spy must be allowed to look (its own child: it is).
"""

from __future__ import annotations

import argparse
import collections
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.client.cpu import tree_cpu_s
from benchmarks.client.nginx import Nginx

_ROOT = Path(__file__).parents[1]
_PROFILE = _ROOT / "benchmarks" / "client" / "profile.yaml"
_WARM_S = 4.0
_WITHIN_S = 30.0
ROOMS = (
    ("kernel and loop: write", ("Connection._write (",)),
    ("kernel and loop: poll, read, call back", ("Runner.run (", "run_until_complete")),
    ("HTTP: bytes out, reply in, pool, deadlines", ("engine/drivers/wire/",)),
    ("browser: cookies, redirects, one send", ("engine/drivers/",)),
    ("attempt, tab, fan: who is told what", ("surgectl/engine/",)),
    ("recording: rows, frames, zstd, write", ("surgectl/recording/",)),
    ("script: what the fan does next", ("surgectl/fans/",)),
    ("journey: render, judge, extract", ("surgectl/journey/", "surgectl/profile/")),
    ("chance: a fresh idempotency key", ("surgectl/chance.py",)),
    ("live: counts for the screen", ("surgectl/live/",)),
    ("clock", ("surgectl/clock.py",)),
)


def room_of(frame: str) -> str:
    """The first that fits, from the most special on."""
    return next((room for room, marks in ROOMS if any(mark in frame for mark in marks)), "the rest")


def folded(text: str) -> collections.Counter[str]:
    """Looks by room, from py-spy's raw format: `frame;frame;… count`, the innermost frame last."""
    found: collections.Counter[str] = collections.Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        found[room_of(stack.rpartition(";")[2])] += int(count)
    return found


def main() -> int:
    """Measure and print a table."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--seconds", type=float, default=8.0)
    asked.add_argument("--connections", type=int, default=64)
    options = asked.parse_args()
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        print("py-spy is not installed: pip install -c constraints.txt -e '.[bench]'", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-hot-") as folder, Nginx() as server:
        words = [sys.executable, "-m", "surgectl", "run", str(_PROFILE), "--no-stage", "--workers", "1"]
        words += ["--reports", folder, "--set", f"BENCH_URL={server.url}"]
        words += ["--set", f"load[0].fans={options.connections}", "--set", f"load[1].for={options.seconds + 60:.0f}s"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(words, cwd=_ROOT, **quiet)  # type: ignore[call-overload]  # three times the same
        try:
            until, before = time.monotonic() + _WITHIN_S, server.status().requests
            while server.status().requests < before + 1000:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"nobody came: {' '.join(words)}")
                time.sleep(0.05)
            time.sleep(_WARM_S)
            # First without anybody looking: py-spy stops the process for each look.
            requests, cpu_s = server.status().requests, tree_cpu_s(process.pid)
            time.sleep(options.seconds)
            requests, cpu_s = server.status().requests - requests, tree_cpu_s(process.pid) - cpu_s
            raw = Path(folder) / "looks"
            look = [spy, "record", "--pid", str(process.pid), "--rate", "500", "--format", "raw", "--output", str(raw)]
            subprocess.run([*look, "--duration", f"{options.seconds:.0f}"], check=True, capture_output=True)
            looks = folded(raw.read_text(encoding="utf-8"))
        finally:
            process.kill()
            process.wait()
    each_us = cpu_s / requests * 1e6
    print(f"{requests:,} requests in {cpu_s:.2f} CPU-seconds: {each_us:.1f} µs each\n")
    print("| room | share | µs |\n|---|---|---|")
    for room, count in looks.most_common():
        share = count / looks.total()
        print(f"| {room} | {share:.0%} | {share * each_us:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

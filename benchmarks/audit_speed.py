"""How long a verdict takes: ten million recorded events, half a million orders, on two cores.

    python -m benchmarks.audit_speed [--events 10_000_000] [--orders 500_000] [--keep DIR] [--phases]

Writes a recording (recorded_sale.py), then runs `surgectl audit` on it as a person would: once cold, with the
conversion of its lines into columns, and once warm. Prints what it took, and exits 1 where a limit is missed: 60 s and
2 GB for the cold one. `--phases` also says where the time went, checker by checker.
Memory is what all processes of the audit hold together, looked at ten times a second: Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks.recorded_sale import VIOLATIONS, Size, record

LIMIT_S = 60.0
LIMIT_BYTES = 2 * 10**9
T = TypeVar("T")
_PAGE = resource.getpagesize()


class Took(msgspec.Struct, frozen=True):
    """What one audit took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    exit_code: int


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--orders", type=int, default=500_000)
    parser.add_argument("--keep", type=Path, help="keep the recording here, and use it again where it is there")
    parser.add_argument("--phases", action="store_true", help="say where the time went")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        _inside(options.inside)
        return 0
    with tempfile.TemporaryDirectory(prefix="audit-speed-") as home:
        folder = (options.keep or Path(home)) / f"{options.events}-{options.orders}"
        if not (folder / "events").exists():
            begun = time.monotonic()
            events = record(folder, Size(options.events, options.orders))
            (folder / "events").write_text(str(events))
            print(f"written in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        return _measure(folder, options.orders, options.phases)


def _measure(folder: Path, orders: int, phases: bool) -> int:
    events = int((folder / "events").read_text())
    shutil.rmtree(folder / "parquet", ignore_errors=True)
    command = [sys.executable, "-m", "surgectl", "audit", str(folder), "--json"]
    cold, report = _took(command)
    warm, _ = _took(command)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "parquet" not in path.parts)
    print(f"events {events:,}  orders {orders:,}  on disk {size / 1e6:,.0f} MB  cores {len(os.sched_getaffinity(0))}")
    print(f"conversion {max(0.0, cold.wall_s - warm.wall_s):6.1f} s")
    print(f"audit      {warm.wall_s:6.1f} s   cpu {warm.cpu_s:6.1f} s   peak {warm.peak_bytes / 1e6:,.0f} MB   (warm)")
    print(f"together   {cold.wall_s:6.1f} s   cpu {cold.cpu_s:6.1f} s   peak {cold.peak_bytes / 1e6:,.0f} MB   (cold)")
    wrong = _wrong(report)
    print(f"verdict    {report.get('verdict')}, exit {cold.exit_code}" + "".join(f"\n  {line}" for line in wrong))
    if phases:
        subprocess.run([sys.executable, "-m", "benchmarks.audit_speed", "--inside", str(folder)], check=True)
    missed = []
    if cold.wall_s > LIMIT_S:
        missed.append(f"{cold.wall_s:.1f} s, {LIMIT_S:.0f} s are allowed")
    if cold.peak_bytes > LIMIT_BYTES:
        missed.append(f"{cold.peak_bytes / 1e6:,.0f} MB, {LIMIT_BYTES / 1e6:,.0f} MB are allowed")
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed or wrong else 0


def _wrong(report: dict[str, object]) -> list[str]:
    """Where the verdict is not what was planted: fast and wrong is worth nothing."""
    findings = {finding["id"]: finding for finding in report.get("invariants", [])}  # type: ignore[attr-defined,index]
    wrong = []
    for name, finding in findings.items():
        if finding["kind"] != "ledger":
            continue
        planted = VIOLATIONS.get(name, 0)
        found = finding["violations"]
        if found != planted:
            wrong.append(f"{name}: {found} violations, {planted} were planted ({finding['summary']})")
        elif not planted and finding["verdict"] != "pass" and finding["considered"]:
            wrong.append(f"{name} is {finding['verdict']}: {finding['reason'] or finding['summary']}")
    return wrong if findings else ["there is no report"]


def _took(command: list[str]) -> tuple[Took, dict[str, object]]:
    """Run it, and look at the memory of it and all its children while it runs."""
    peak = 0
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=said)
        ended = threading.Event()

        def look() -> None:
            nonlocal peak
            while not ended.wait(0.1):
                peak = max(peak, _held(process.pid))

        watcher = threading.Thread(target=look)
        watcher.start()
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - begun
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    peak = max(peak, used.ru_maxrss * 1024)
    took = Took(wall_s, used.ru_utime + used.ru_stime, peak, process.returncode)
    try:
        return took, json.loads(text)
    except ValueError:
        return took, {}


def _held(root: int) -> int:
    """Resident bytes of a process and all its descendants; pages that they share count more than once."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    ours = {root}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    total = 0
    for pid in ours:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue
    return total


def _inside(folder: Path) -> None:
    """One warm audit in this process, with a clock at every door."""
    from surgectl.audit import coverage, run
    from surgectl.audit.books import lay
    from surgectl.audit.checkers.registry import CHECKERS
    from surgectl.audit.measures import RunMeasures
    from surgectl.audit.metrics import metrics
    from surgectl.cli import judge
    from surgectl.recording import manifest as manifests
    from surgectl.recording.relations import Relations
    from surgectl.report.series import over_time

    spent: list[tuple[str, float, float]] = []

    def timed(name: str, work: Callable[[], T]) -> T:
        wall, cpu = time.monotonic(), time.process_time()
        done = work()
        spent.append((name, time.monotonic() - wall, time.process_time() - cpu))
        return done

    wanted = judge.expectations(manifests.load(folder))
    with timed("open and link", lambda: Relations.from_folder(folder)) as relations:
        timed("lay the books", lambda: lay(relations))
        for name, check in CHECKERS.items():
            timed(name, lambda check=check: check(relations, wanted))  # type: ignore[misc]
        measures = timed("faults", lambda: RunMeasures(relations, wanted))
        for text in wanted.thresholds:
            timed(text, lambda text=text: run._judged(text, measures, True))  # type: ignore[misc]
        timed("coverage", lambda: coverage.coverage(relations, wanted))
        timed("metrics", lambda: metrics(measures))
        timed("over time", lambda: over_time(relations))
    for name, wall_s, cpu_s in sorted(spent, key=lambda row: -row[1]):
        print(f"{wall_s:7.2f} s  cpu {cpu_s:7.2f} s  {name}")


if __name__ == "__main__":
    sys.exit(main())

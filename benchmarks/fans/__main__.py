"""What a fan costs: not yet here, waiting in the line, with a connection of its own, with a request on its way.

    python -m benchmarks.fans [--json | --markdown] [--parked 100000] [--connected 2000] [--million]

Each figure is what one process of its own grew by, over its fans. `--million` really lets a million wait (minutes).
Linux only.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
import uvloop

from benchmarks.fans.parked import Parked, connected, kept, parked
from benchmarks.fans.planned import Planned, planned

_MILLION = 1_000_000
T = TypeVar("T")


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """`--json`."""

    planned: Planned
    parked: Parked
    kept: Parked
    connected: Parked
    million: Parked | None = None


def main(arguments: list[str] | None = None) -> int:
    """Measure, each in a process of its own."""
    options = _options(arguments)
    if options.inside:
        _inside(*options.inside)
        return 0
    costs = Costs(
        planned=_measured("planned", options.planned, Planned),
        parked=_measured("parked", options.parked, Parked),
        kept=_measured("kept", options.connected, Parked),
        connected=_measured("connected", options.connected, Parked),
        million=_measured("parked", _MILLION, Parked) if options.million else None,
    )
    print(msgspec.json.encode(costs).decode() if options.json else table(costs, markdown=options.markdown))
    return 0


def table(costs: Costs, *, markdown: bool = False) -> str:
    """A line for each figure."""
    plan = costs.planned
    lines = [
        f"planned: {plan.bytes_per_fan:,.0f} B a fan ({plan.fans:,} fans; {plan.plan_cpu_s:.2f} CPU-seconds to plan,"
        f" {plan.walk_cpu_s:.2f} to walk through all arrivals, {plan.digest_cpu_s:.2f} to digest)"
    ]
    stands = [
        ("parked", costs.parked),
        ("parked, with a connection of its own", costs.kept),
        ("with a request on its way", costs.connected),
        ("parked", costs.million),
    ]
    lines += [
        f"{name}: {one.bytes_per_fan:,.0f} B a fan ({one.fans:,} fans, {one.sockets:,} connections; RSS"
        f" {one.rss_bytes / 1e6:,.0f} MB; all there after {one.cpu_s:.1f} CPU-seconds, {one.wall_s:.1f} s)"
        for name, one in stands
        if one is not None
    ]
    return "\n".join(("- " if markdown else "") + line for line in lines)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fans", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    form.add_argument("--markdown", action="store_true", help="print what RESULTS.md shows")
    parser.add_argument("--planned", type=int, default=_MILLION, help="fans in the plan")
    parser.add_argument("--parked", type=int, default=100_000, help="fans in the line")
    parser.add_argument("--connected", type=int, default=5_000, help="fans with a connection each")
    parser.add_argument("--million", action="store_true", help="park a million, too")
    parser.add_argument("--inside", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _measured(what: str, fans: int, kind: type[T]) -> T:
    """One measurement, in a process that does nothing else. CalledProcessError where it fails: it said why."""
    with tempfile.TemporaryDirectory(prefix="bench-fans-") as folder:
        words = [sys.executable, "-m", "benchmarks.fans", "--inside", what, str(fans), folder]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=kind)


def _inside(what: str, fans: str, folder: str) -> None:
    """One measurement, here; prints what it found."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if what == "planned":
        print(msgspec.json.encode(planned(int(fans), Path(folder))).decode())
    else:
        uvloop.run({"parked": parked, "kept": kept, "connected": connected}[what](int(fans), Path(folder)))


if __name__ == "__main__":
    sys.exit(main())

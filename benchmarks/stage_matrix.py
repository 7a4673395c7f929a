"""Every profile on every stage: SQLite or PostgreSQL with Redis, through the embedded proxy or the original Toxiproxy.

    python -m benchmarks.stage_matrix [--profile NAME …] [--books sqlite|servers] [--proxy embedded|original]
        [--reports DIR]

Runs one rehearsal after the other (never two at once: they would spoil each other's figures), each as a person would
start it, and prints a Markdown table as it goes. Exit 1 where a profile did not keep the promise of its first lines.
What a machine lacks is left out, and said.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers import NO_POSTGRES, NO_REDIS, find_postgres, find_redis, running_postgres, running_redis
from tests.toxiproxy_binary import NOT_FOUND, find_toxiproxy

PROFILES = ("smoke", "ticket-drop", "flash-sale", "dealdash", "black-friday", "arena-seats")
PROFILES = (*PROFILES, "peak-load", "payment-brownout", "failover")
BOOKS = ("sqlite", "servers")
PROXIES = ("embedded", "original")
_HEAD = ("profile", "books", "proxy", "exit", "verdict", "invariants", "confirmed", "p95(confirm)", "shed p99")
_HEAD = (*_HEAD, "amplification calm / fault", "recovery", "drain", "other pages", "took")
_AT_MOST_S = 600


def main() -> int:
    """Run what was asked for."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--profile", action="append", choices=PROFILES)
    asked.add_argument("--books", action="append", choices=BOOKS)
    asked.add_argument("--proxy", action="append", choices=PROXIES)
    asked.add_argument("--reports", type=Path, help="keep the recordings here")
    said = asked.parse_args()
    _row(_HEAD)
    _row(["---"] * len(_HEAD))
    kept = True
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory(prefix="surgectl-matrix-") as place:
        for books in said.books or BOOKS:
            sets = stack.enter_context(_books(books))
            for proxy in said.proxy or PROXIES:
                flags = _proxy(proxy, Path(place))
                for profile in said.profile or PROFILES:
                    if sets is not None and flags is not None:
                        kept &= _rehearse(
                            profile, books, proxy, [*sets, *flags[0]], flags[1], said.reports or Path(place)
                        )
    return 0 if kept else 1


@contextlib.contextmanager
def _books(kind: str) -> Iterator[list[str] | None]:
    if kind == "sqlite":
        yield []
    elif find_postgres() is None or find_redis() is None:
        print(f"left out: {NO_POSTGRES if find_postgres() is None else NO_REDIS}", file=sys.stderr)
        yield None
    else:
        with running_postgres() as database, running_redis() as cache:
            yield ["--set", f"stage.database={database}", "--set", f"stage.cache={cache}"]


def _proxy(kind: str, place: Path) -> tuple[list[str], dict[str, str]] | None:
    """Flags and environment for a proxy; None where this machine has none such."""
    if kind == "embedded":
        return ["--embedded-proxy"], dict(os.environ)
    binary = find_toxiproxy()
    if binary is None:
        print(f"left out: {NOT_FOUND}", file=sys.stderr)
        return None
    folder = place / "bin"
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (folder / "toxiproxy-server").symlink_to(binary)
    return [], {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def _rehearse(profile: str, books: str, proxy: str, flags: list[str], env: dict[str, str], reports: Path) -> bool:
    begun = time.monotonic()
    words = [sys.executable, "-m", "surgectl", "run", profile, *flags, "--json", "--reports", str(reports)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=_AT_MOST_S, check=False)
    took_s = time.monotonic() - begun
    if not done.stdout.strip():
        _row(
            [
                profile,
                books,
                proxy,
                done.returncode,
                done.stderr.strip().splitlines()[-1:],
                *["–"] * 8,
                f"{took_s:.0f} s",
            ]
        )
        return False
    report = json.loads(done.stdout)
    _row([profile, books, proxy, done.returncode, report["verdict"], *_figures(report), f"{took_s:.0f} s"])
    if done.returncode:
        print(f"  {profile} {books} {proxy}: {report['headline']}", file=sys.stderr, flush=True)
    return done.returncode == 0


def _figures(report: dict[str, Any]) -> list[str]:
    found = report["metrics"]
    bearing = found["bearing"]
    ledger = [f for f in report["invariants"] if f["kind"] == "ledger" and f["configured"]]
    passed = sum(f["verdict"] == "pass" for f in ledger)
    pages = [page for page in found["availability"].values() if page]
    faults = bearing["faults"]
    in_fault = [f["amplification"] for f in faults if f["amplification"] is not None]
    return [
        f"{passed} of {len(ledger)} pass",
        f"{found['funnel']['confirmed']:,}",
        _ms(found["confirm"]["p95_ms"]),
        f"{_ms(bearing['refusals_p99_ms'])} of {bearing['refusals']:,}" if bearing["refusals"] else "none",
        f"{_number(bearing['amplification_calm'])} / {_number(max(in_fault, default=None))}",
        ", ".join(_s(f["recovery_s"]) for f in faults) or "–",
        ", ".join(_s(f["drain_s"]) for f in faults) or "–",
        f"{sum(p['good'] for p in pages):,} of {sum(p['total'] for p in pages):,}",
    ]


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def _s(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _row(cells: Any) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())

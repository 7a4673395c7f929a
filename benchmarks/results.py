"""Measure everything anew and put it into RESULTS.md: `python -m benchmarks.results [--million] [--quick]`.

A quarter of an hour. What stands outside the two marks is written by hand and stays.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

_FILE = Path(__file__).parent / "RESULTS.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> int:
    """Run the harnesses one after the other: two at once would measure each other."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--million", action="store_true", help="park a million fans, too")
    asked.add_argument("--quick", action="store_true", help="three short rounds at 64 connections only")
    options = asked.parse_args()
    parts = [
        ("Requests per second of CPU time", "client", ["--quick"] if options.quick else []),
        ("What a fan costs", "fans", ["--million"] if options.million else []),
        ("How late fans come", "lateness", []),
    ]
    said = []
    for title, name, flags in parts:
        words = [sys.executable, "-m", f"benchmarks.{name}", "--markdown", *flags]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            return done.returncode
        said.append(f"## {title}\n\n`python -m benchmarks.{' '.join([name, *flags])}`\n\n{done.stdout.strip()}")
    _FILE.write_text(replaced(_FILE.read_text(encoding="utf-8"), "\n\n".join(said)), encoding="utf-8")
    return 0


def replaced(page: str, measured: str) -> str:
    """The page with what stands between the marks replaced. ValueError where a mark is not there once."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or END in tail or BEGIN in rest:
        raise ValueError(f"{_FILE.name} needs {BEGIN} and {END}, once each")
    return f"{head}{BEGIN}\n\n{measured}\n\n{END}{tail}"


if __name__ == "__main__":
    sys.exit(main())

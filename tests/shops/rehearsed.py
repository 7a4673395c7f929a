"""Plays a profile against a shop that stands, and reads what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

TARGETS = Path(__file__).parents[2] / "profiles/targets"


def rehearsed(profile: str, sets: list[str], environment: dict[str, str], reports: Path) -> tuple[int, dict[str, Any]]:
    """→ exit code, report.json."""
    words = [sys.executable, "-m", "surgectl", "run", profile, "--reports", str(reports), "--json", *sets]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def finding(report: dict[str, Any], name: str) -> dict[str, Any]:
    """One invariant of a report."""
    return next(f for f in report["invariants"] if f["id"] == name)


def source(report: dict[str, Any], kind: str) -> dict[str, Any]:
    """How the reading of one book went, or what a counter said beside it."""
    return next(s for s in report["sources"] if s["kind"] == kind)


def told_at_the_terminal(folder: Path) -> str:
    """What `surgectl report` prints of a recording."""
    words = [sys.executable, "-m", "surgectl", "report", str(folder)]
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "400"}
    return subprocess.run(words, capture_output=True, text=True, env=env).stdout


def bought_by_somebody(name: str, sets: list[str], environment: dict[str, str], place: Path) -> None:
    """One ticket of a gig of its own, by the same target without its teardown: it must still stand afterwards."""
    for script in TARGETS.glob(f"{name}_*.py"):
        shutil.copy(script, place)
    lines = (TARGETS / f"{name}.yaml").read_text().splitlines(keepends=True)
    (place / f"{name}.yaml").write_text("".join(line for line in lines if not line.startswith("teardown:")))
    words = [sys.executable, "-m", "surgectl", "check", str(place / f"{name}.yaml"), "--try", *sets]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr


def taken_down(name: str, words: list[str], run: str, environment: dict[str, str]) -> dict[str, int]:
    """The target's teardown by hand → what it says it did."""
    words = [words[0], f"{name}_teardown.py", *words[1:]]
    env = {**os.environ, **environment}
    done = subprocess.run(words, input=json.dumps({"run": run}), capture_output=True, text=True, env=env, cwd=TARGETS)
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found

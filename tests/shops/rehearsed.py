"""Plays a profile against a shop that stands, and reads what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def rehearsed(profile: str, sets: list[str], environment: dict[str, str], reports: Path) -> tuple[int, dict[str, Any]]:
    """→ exit code, report.json."""
    words = [sys.executable, "-m", "surgectl", "run", profile, "--reports", str(reports), "--json", *sets]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def finding(report: dict[str, Any], name: str) -> dict[str, Any]:
    """One invariant of a report."""
    return next(f for f in report["invariants"] if f["id"] == name)

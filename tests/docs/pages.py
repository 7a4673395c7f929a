"""The pages people read, in pieces that a test can hold against the program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def pages() -> list[Path]:
    """Every page of the repository that may link to another."""
    return sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "docker/README.md", ROOT / "reports/README.md"]
    )


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    return found[1]


def table(text: str) -> list[list[str]]:
    """The cells of the first table, without its head."""
    rows = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]


def after(comment: str, text: str = README) -> str:
    """The fenced block that follows `<!-- comment -->`."""
    found = re.search(rf"^<!-- {re.escape(comment)} -->\n```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, f"no block after {comment}"
    return found[1]


def surgectl(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command line as a reader would, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "surgectl", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

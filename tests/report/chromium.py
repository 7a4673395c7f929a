"""A real browser without a window and without a network, for looking at a report."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needed = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH: the report was not opened in a browser")


class Seen(msgspec.Struct, frozen=True):
    """What the browser made of a page."""

    dom: str
    console: list[str]


def open_page(page: Path, *more: str, dump: bool = True) -> Seen:
    """Open a file as a person would, without any network, and hand back what became of it."""
    with TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--proxy-server=127.0.0.1:9",  # nobody listens there: whatever is fetched fails, and is said
                f"--user-data-dir={profile}",
                "--enable-logging=stderr",
                "--v=0",
                "--virtual-time-budget=15000",
                *(["--dump-dom"] if dump else []),
                *more,
                page.as_uri(),
            ],
            capture_output=True,
            timeout=120,
            check=False,
        )
    said = done.stderr.decode(errors="replace")
    return Seen(done.stdout.decode(errors="replace"), re.findall(r"CONSOLE[^\n]*", said))

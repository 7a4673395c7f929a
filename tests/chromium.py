"""The system's Chromium without a window, driven by Playwright: everything is waited for, nothing is timed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 60_000


@contextmanager
def chromium(what: str) -> Iterator[Any]:
    """A browser. Where Playwright or Chromium is absent the test is skipped: `what` names what was not done."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason=f"playwright is not installed (extra `browser`): {what}"
    )
    if CHROMIUM is None:
        pytest.skip(f"no chromium on PATH: {what}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()

"""Steps in Python for tests, offered as if a package had been installed."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from surgectl.journey.calling import GROUP


def offer(monkeypatch: pytest.MonkeyPatch, **steps: Callable[[Any], Any]) -> None:
    """The names of `surgectl.steps`, all of a package called `ours`; underscores stand for hyphens."""

    def entry_points(*, group: str, name: str | None = None) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(name=word, value=word, dist=SimpleNamespace(name="ours"), load=lambda made=made: made)
            for word, made in ((step.replace("_", "-"), made) for step, made in steps.items())
            if group == GROUP and name in (None, word)
        ]

    monkeypatch.setattr("surgectl.plugins.metadata.entry_points", entry_points)

"""The files that a judged run leaves, ours and other packages'."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surgectl import plugins
from surgectl.report.artefacts import WRITERS, artefacts
from surgectl.report.summary import Summary
from tests.report.sample import summary


def offer(monkeypatch: pytest.MonkeyPatch, name: str, reporter: Callable[[Summary], Any]) -> None:
    """As if a package with such an entry point were installed."""
    monkeypatch.setattr(plugins, "require", lambda group, asked: {("surgectl.reporters", name): reporter}[group, asked])


def test_each_form_is_written_once() -> None:
    """report.json, junit.xml, summary.md and report.html, none of them empty."""
    made = dict(artefacts(summary()))
    assert set(made) == set(WRITERS) == {"report.json", "junit.xml", "summary.md", "report.html"}
    assert all(len(content) > 1_000 for content in made.values())


def test_a_profile_can_name_another_packages_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given the summary; its files bear its name, so they can never be ours or the recording's."""
    offer(monkeypatch, "chat", lambda told: {"report.json": told.headline.encode()})
    made = dict(artefacts(summary(), ["chat"]))
    assert made["chat-report.json"] == summary().headline.encode()
    assert made["report.json"].startswith(b"{")


@pytest.mark.parametrize("given", [None, {"../x": b""}, {"x": "text"}, {1: b""}])
def test_what_a_reporter_may_not_give_is_refused(monkeypatch: pytest.MonkeyPatch, given: object) -> None:
    """Nothing, a path, text instead of bytes: each is said with the reporter's name, after our own files."""
    offer(monkeypatch, "chat", lambda told: given)
    written = []
    with pytest.raises(ValueError, match='surgectl.reporters: "chat"'):
        for name, _ in artefacts(summary(), ["chat"]):
            written.append(name)
    assert set(written) == set(WRITERS)


def test_a_reporter_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is named, and nothing of ours is lost."""

    def broken(told: Summary) -> dict[str, bytes]:
        raise RuntimeError("no network")

    offer(monkeypatch, "chat", broken)
    with pytest.raises(ValueError, match="RuntimeError: no network"):
        list(artefacts(summary(), ["chat"]))


def test_a_profile_that_names_nobody_is_refused(tmp_path: Path) -> None:
    """An unknown reporter is found before anything is sent, with its line."""
    from surgectl.errors import UsageError
    from surgectl.profile.load import load_rehearsal
    from surgectl.profile.lookup import shipped

    text = (shipped() / "smoke.yaml").read_text("utf-8") + "\nreporters: [chat]\n"
    profile = tmp_path / "mine.yaml"
    profile.write_text(text.replace("target: targets/", f"target: {shipped()}/targets/"))
    with pytest.raises(UsageError, match='no such reporter: "chat"'):
        load_rehearsal(str(profile))

"""`surgectl init` as it is typed: it asks only people, overwrites nothing, and what it writes passes `check`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from surgectl.cli import init as verb
from surgectl.cli.main import app
from surgectl.drafting.skeleton import Answers, skeleton
from surgectl.drafting.write import write
from surgectl.errors import UsageError
from tests.drafting.recorded import entry, har, target_of
from tests.drafting.test_openapi import SHOP

SOLD = har(entry("POST", "/orders", sent={"email": "ann@shop.example"}, reply={"status": "paid"}))


def run(*words: object, said: str = "") -> str:
    """What it printed. Raises what it raises."""
    done = CliRunner().invoke(app, ["init", *map(str, words)], input=said, catch_exceptions=False)
    if isinstance(done.exception, SystemExit):
        assert done.exit_code == 0
    return done.output


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """A file that is there stays as it was, until --force."""
    recording, file = tmp_path / "a.har", tmp_path / "shop.yaml"
    recording.write_bytes(SOLD)
    file.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        run("--from-har", recording, "-o", file)
    assert file.read_text() == "mine"
    told = run("--from-har", recording, "-o", file, "--force")
    assert "surgectl-target: 1" in file.read_text() and "check these" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.har", "shop.yaml"]


def test_without_a_terminal_there_are_no_questions(tmp_path: Path) -> None:
    """Usage error, and what to give instead."""
    with pytest.raises(UsageError, match="no terminal") as told:
        run("-o", tmp_path / "shop.yaml")
    assert "--from-har" in str(told.value.hint) and not list(tmp_path.iterdir())


def test_answers_become_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven questions; Enter seven times is a file that passes `check`."""
    monkeypatch.setattr(verb, "_is_terminal", lambda: True)
    run("-o", tmp_path / "shop.yaml", said="http://127.0.0.1:7\n/gig\n\n/buy\nform\nmail\n410\n")
    target = target_of((tmp_path / "shop.yaml").read_text(), tmp_path)
    assert [step.step for step in target.journey] == ["page", "hold", "pay"]
    assert (target.base_url, target.journey[0].get, target.journey[2].form) == (
        "http://127.0.0.1:7",
        "/gig",
        {"mail": "{email}"},
    )
    run("-o", tmp_path / "second.yaml", said="\n" * 7)


@pytest.mark.parametrize("odd", ["{x}", "${A}", "a'\"\n# b", "\u202e", ""])
def test_odd_answers_pass_check(odd: str) -> None:
    """Braces, quotes and control characters are only text."""
    verb._prove(write(skeleton(Answers(url="http://127.0.0.1:1", page=odd, hold=odd, pay=odd, email=odd))))


@pytest.mark.parametrize(
    "said",
    [Answers(url="ftp://x"), Answers(url="http://x", sends="xml"), Answers(url="http://x", sold_out=7)],
)
def test_answers_that_cannot_be_meant(said: Answers) -> None:
    """Are refused with what is wrong."""
    with pytest.raises(UsageError):
        skeleton(said)


def test_a_description_is_drafted(tmp_path: Path) -> None:
    """--from-openapi writes the file and says which operations it took for what."""
    (tmp_path / "api.yaml").write_text(SHOP)
    told = run("--from-openapi", tmp_path / "api.yaml", "-o", tmp_path / "shop.yaml")
    assert "hold = POST /holds, pay = POST /orders" in told and "SHOP_PARTNER" in told
    with pytest.raises(UsageError, match="exclude each other"):
        run("--from-openapi", tmp_path / "api.yaml", "--from-har", tmp_path / "api.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        run("--from-har", tmp_path / "none.har", "-o", tmp_path / "third.yaml")

"""What goes where: results on stdout, the rest on stderr, secrets nowhere, and the start when it was asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.rehearsal.acting import HERE, Ended, environment, readable, rehearse, surgectl, with_folder
from tests.rehearsal.behind import BOXOFFICE
from tests.rehearsal.plays import brownout
from tests.rehearsal.programme import Play

pytestmark = pytest.mark.real

SECRET = "hunter2-correct-horse-battery"
PASSWORD = "swordfish-0451-in-the-url"


def with_a_secret(place: Path) -> Ended:
    """The drill with a target that sends a value of the environment in a header and in a page's address."""
    target = yaml.safe_load(BOXOFFICE.read_text())
    target["headers"]["X-Gate"] = "${MY_SECRET}"
    target["journey"][0]["get"] += "?pass=${GATE_WORD}"
    target["mint"]["email"] = "fan-{intent}-${MY_SECRET}@example.org"  # what links the books is hidden on both sides
    target["mint"]["note"] = "${MY_SECRET}-{intent}"
    (place / "gated.yaml").write_text(yaml.safe_dump(target, sort_keys=False))
    (place / "fans").symlink_to(HERE / "fans")
    profile = yaml.safe_load((HERE / "drill.yaml").read_text()) | {"target": "./gated.yaml"}
    (place / "gated-drill.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
    ended = surgectl(
        *("run", place / "gated-drill.yaml", "--reports", place / "reports", "--embedded-proxy"),
        env=environment(MY_SECRET=SECRET, GATE_WORD=PASSWORD, NO_COLOR="1"),
    )
    return with_folder(ended, place / "reports")


def as_json(place: Path) -> Ended:
    return rehearse(place / "reports", "--embedded-proxy", "--json", env=environment(TERM="dumb"))


def started_at(place: Path) -> Ended:
    at = datetime.now(UTC) + timedelta(seconds=25)
    ended = rehearse(place / "reports", "--embedded-proxy", "--start-at", at.isoformat())
    ended.extra["at"] = at
    return ended


@pytest.mark.parametrize("played", [Play("secret", with_a_secret)], indirect=True)
def test_a_value_of_the_environment_is_written_nowhere(played: Ended) -> None:
    """Not into any file that surgectl writes about the run, nor on stdout or stderr; and it was a real run."""
    assert played.code == 0, played.said
    files = [file for file in played.path.rglob("*") if file.is_file()]
    assert len(files) > 10
    for secret in (SECRET, PASSWORD):
        assert secret not in played.out + played.err
        for file in files:
            if "stage" in file.relative_to(played.path).parts:
                continue  # the shop's own books: it may write down what it was sent
            assert secret not in readable(file), file


@pytest.mark.parametrize("played", [Play("as-json", as_json)], indirect=True)
def test_json_is_alone_on_stdout(played: Ended) -> None:
    """`--json` prints report.json and nothing else there; how it went is on stderr."""
    assert json.loads(played.out)["schema"] == "surgectl.report/1"
    assert played.out.encode() == (played.path / "report.json").read_bytes()
    assert "arrived" in played.err
    assert "leak" not in played.err  # a library that finds its objects alive at the very end would say so there


@pytest.mark.parametrize("played", [Play("as-json", as_json), brownout("slow", "embedded")], indirect=True)
def test_without_a_terminal_there_are_plain_lines(played: Ended) -> None:
    """No colours, no cursor movements, no screen."""
    assert "\x1b" not in played.out + played.err
    assert "the doors open" in played.err


@pytest.mark.parametrize("played", [Play("start-at", started_at)], indirect=True)
def test_a_rehearsal_starts_when_it_was_told_to(played: Ended) -> None:
    """`--start-at`: row time zero is that instant, and nobody came before it."""
    assert played.code == 0, played.said
    assert abs(played.manifest["started_epoch_s"] - played.extra["at"].timestamp()) < 0.05
    assert min(row["at_ns"] for row in played.rows if row["t"] == "invoke") >= 0
    rows = (played.path / "stage" / "shop" / "requests.jsonl").read_text().splitlines()
    assert min(json.loads(row)["at"] for row in rows) >= played.extra["at"].timestamp() - 0.05

"""What the README says of its commands is so. That they can be typed, and are: test_blocks.py, test_executed.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.pages import README, ROOT, after, section, surgectl

SAMPLE = "reports/sample"
pytestmark = pytest.mark.real


def test_the_sample_is_judged_again() -> None:
    """`surgectl audit reports/sample` gives the findings that were written when it was made: exit 11, DUPCHARGE."""
    done = surgectl("audit", SAMPLE, "--json")
    assert done.returncode == 11, done.stderr
    told = json.loads(done.stdout)
    assert [f["id"] for f in told["invariants"] if f["verdict"] == "fail"] == ["DUPCHARGE"]
    written = json.loads((ROOT / SAMPLE / "report.json").read_text("utf-8"))
    counted = ("id", "verdict", "considered", "violations", "pending", "unattributed")  # words may be put better later
    then = {f["id"]: [f[name] for name in counted] for f in written["invariants"]}
    now = {f["id"]: [f[name] for name in counted] for f in told["invariants"]}
    assert {name: now[name] for name in then} == then
    assert told["links"] == written["links"]
    guilty = {f["id"]: [e["intent"] for e in f["examples"]] for f in written["invariants"]}
    assert {f["id"]: [e["intent"] for e in f["examples"]] for f in told["invariants"] if f["id"] in guilty} == guilty


def test_the_sample_names_nobodys_machine() -> None:
    """A recording that is published holds no path and no key."""
    for path in (ROOT / SAMPLE).rglob("*.json*"):
        if path.suffix != ".zst" and "parquet" not in path.parts:
            text = path.read_text("utf-8")
            assert not re.search(r'"/(work|home|root|tmp|Users)/|sk_test', text), path.name


def test_the_readmes_target_is_whole(tmp_path: Path) -> None:
    """The target file in 25 lines passes `check`, which says what it can prove."""
    text = after("makes: shop.yaml")
    assert len(text.splitlines()) <= 25
    (tmp_path / "shop.yaml").write_text(text)
    done = surgectl("check", "shop.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = re.search(r"can prove: (.*)", done.stdout)
    told = re.search(r"this one can prove (.*?),? and which books", section(README, "Your own shop"))
    assert said and told
    assert re.findall(r"[A-Z_0-9]{4,}", said[1]) == re.findall(r"`([A-Z_0-9]+)`", told[1])


@pytest.mark.parametrize("profile", ["ticket-drop", "smoke"])
def test_the_shipped_rehearsals_can_be_checked_and_drawn(profile: str) -> None:
    """`check` and `plan` need nobody to answer."""
    assert surgectl("check", profile).returncode == 0
    drawn = surgectl("plan", profile)
    assert drawn.returncode == 0
    assert "digest" in drawn.stdout


def test_the_numbers_of_the_first_rehearsal_are_its_plans() -> None:
    """How many fans, tickets and seconds the README promises for ticket-drop."""
    told = re.search(r"([\d,]+) fans come for ([\d,]+) tickets within (\d+) seconds", README)
    assert told
    drawn = surgectl("plan", "ticket-drop").stdout
    assert f"{told[1]} fans in {told[3]}s" in drawn
    assert f"{told[2]} are on sale" in drawn

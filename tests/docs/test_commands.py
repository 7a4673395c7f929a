"""What the README tells people to type does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.pages import README, ROOT, after, section, surgectl

SAMPLE = "reports/sample"
pytestmark = pytest.mark.real


def lines(text: str) -> list[str]:
    """The commands in a page's fenced blocks, without their comments."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = [line.split("   #")[0].strip() for kind, block in blocks if not kind for line in block.splitlines()]
    return [line for line in found if line.startswith("surgectl ")]


def test_the_sample_is_judged_again() -> None:
    """`surgectl audit reports/sample` gives the findings that were written when it was made: exit 11, DUPCHARGE."""
    assert f"surgectl audit {SAMPLE}" in lines(README)
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


@pytest.mark.parametrize(
    "command",
    [line for page in (README, (ROOT / "reports/README.md").read_text()) for line in lines(page) if " sql " in line],
)
def test_questions_to_the_sample_are_answered(command: str) -> None:
    """Each SQL command of the pages gives rows."""
    found = re.fullmatch(r'surgectl sql (\S+)(?: "(.*)")?', command)
    assert found
    done = surgectl("sql", found[1], *([found[2]] if found[2] else []), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) > 1


def test_the_sample_names_nobodys_machine() -> None:
    """A recording that is published holds no path and no key."""
    for path in (ROOT / SAMPLE).rglob("*.json*"):
        if path.suffix != ".zst" and "parquet" not in path.parts:
            text = path.read_text("utf-8")
            assert not re.search(r'"/(work|home|root|tmp|Users)/|sk_test', text), path.name


def test_the_readmes_target_is_whole(tmp_path: Path) -> None:
    """The target file in 25 lines passes `check`, which says what it can prove."""
    text = after("target")
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


def test_every_command_of_the_readme_exists() -> None:
    """Each `surgectl VERB` that is shown is a verb, and each flag one of its flags."""
    verbs = {line.split()[1] for line in lines(README)}
    assert {"run", "check", "plan", "audit", "sql"} <= verbs
    helps = {verb: surgectl(verb, "--help") for verb in verbs}
    for verb, told in helps.items():
        assert told.returncode == 0, verb
    for line in lines(README):
        for flag in re.findall(r" (--[\w-]+)", line):
            assert flag in helps[line.split()[1]].stdout, line

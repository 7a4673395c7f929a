"""Each planted defect is found, by its own invariant, and proved line by line."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.rehearsal.acting import Ended, texts
from tests.rehearsal.plays import defect
from tests.report.golden import words

pytestmark = pytest.mark.real

FOUND_BY = {
    "oversell": "OVERSELL",
    "double-charge": "DUPCHARGE",
    "charged-no-ticket": "CHARGED_NO_TICKET",
    "ticket-no-charge": "TICKET_NO_CHARGE",
    "lost-ticket": "LOST_TICKET",
    "leaked-holds": "LEAK",
}
LANES = {
    "OVERSELL": {"fan", "shop"},
    "DUPCHARGE": {"fan", "provider", "link"},
    "CHARGED_NO_TICKET": {"fan", "provider", "link"},
    "TICKET_NO_CHARGE": {"fan", "shop", "link"},
    "LOST_TICKET": {"fan", "shop"},
    "LEAK": set(),
}
# Every defect through the embedded proxy is what `surgectl selftest` plays (tests/selftest/test_quick.py).
GUILTY = [(defect(name, "real"), finding) for name, finding in FOUND_BY.items()]
GUILTY += [(defect("double-charge", "embedded"), "DUPCHARGE")]
IDS = [play.name for play, _ in GUILTY]


def proven(played: Ended, finding: str) -> list[dict[str, Any]]:
    return [e for e in played.finding(finding)["examples"] if e["fan"] is not None]


@pytest.mark.parametrize(("played", "finding"), GUILTY, indirect=["played"], ids=IDS)
def test_a_defect_is_found_by_its_own_invariant(played: Ended, finding: str) -> None:
    """Exit 11, the verdict is fail, and the invariant that the defect breaks says so."""
    assert played.code == 11, played.said
    assert played.report["verdict"] == "fail"
    found = played.finding(finding)
    assert found["verdict"] == "fail", found
    assert found["violations"] >= 1


@pytest.mark.parametrize(("played", "finding"), GUILTY, indirect=["played"], ids=IDS)
def test_a_finding_names_a_fan_whose_story_proves_it(played: Ended, finding: str) -> None:
    """An example names one fan (a leak: a hold), and its story has moments in every ledger it speaks of."""
    examples = played.finding(finding)["examples"]
    assert examples, "a violation without an example"
    named = proven(played, finding)
    if not named:
        assert finding == "LEAK", examples
        assert any(e["keys"].get("hold") for e in examples), examples
        return
    intents = {row["intent"]: row["fan"] for row in played.rows if row["t"] == "intent"}
    for example in named:
        assert intents[example["intent"]] == example["fan"]
    assert any({m["lane"] for m in e["timeline"]} >= LANES[finding] for e in named), [
        {m["lane"] for m in e["timeline"]} for e in named
    ]


@pytest.mark.parametrize(("played", "finding"), GUILTY, indirect=["played"], ids=IDS)
def test_every_pointer_of_a_story_leads_to_the_line_that_proves_it(played: Ended, finding: str) -> None:
    """`where` names a file of the recording and a line in it that really speaks of this fan, order, charge or fault."""
    files: dict[str, list[str]] = {}
    for example in played.finding(finding)["examples"]:
        about = [v for v in (example["intent"], *example["keys"].values()) if v]
        # Whatever the story itself mentions may be what a line is about: the second order, the refund, the fault.
        for moment in example["timeline"]:
            if not moment["where"]:
                assert moment["text"].startswith("… "), moment
                continue
            name, _, number = moment["where"].rpartition(":")
            if name not in files:
                files[name] = texts(played.path / name)
            line = files[name][int(number) - 1]
            mentioned = [word.strip(".,:;()[]") for word in moment["text"].split()]
            assert any(v in line for v in about) or (
                moment["lane"] != "fan" and any(len(w) > 5 and f'"{w}"' in line for w in mentioned)
            ), (moment, line)


@pytest.mark.parametrize(("played", "finding"), GUILTY, indirect=["played"], ids=IDS)
def test_a_defect_is_told_to_people_and_to_build_servers(played: Ended, finding: str) -> None:
    """The terminal, the page and the JUnit file all say that this one failed, not only that it was looked at."""
    assert re.search(rf"^fail +{finding} ", played.out, re.MULTILINE), played.out
    rows = [line.split(" | ") for line in words((played.path / "report.html").read_text()).splitlines()]
    assert ["fail"] == [row[1] for row in rows if row[0] == finding and len(row) > 4]
    cases = ElementTree.parse(played.path / "junit.xml").iter("testcase")
    (case,) = [case for case in cases if case.get("name") == finding]
    assert case.find("failure") is not None

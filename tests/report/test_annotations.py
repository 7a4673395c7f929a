"""`::error` and `::warning` lines, as GitHub's runner reads them."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from surgectl.audit.finding import Finding
from surgectl.report import annotations
from surgectl.report.summary import Summary
from tests.report.hostile import EVIL, hostile
from tests.report.sample import summary


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Level, properties and message of each line (actions/runner, ActionCommand.TryParseV2)."""
    found = []
    for line in text.split("\n")[:-1]:
        match = re.fullmatch(r"::(\w+)(?: (.*?))?::(.*)", line)
        assert match, line
        properties = dict(pair.split("=", 1) for pair in (match[2] or "").split(",") if pair)
        found.append((match[1], {key: unquote(value) for key, value in properties.items()}, unquote(match[3])))
    return found


def many(count: int, verdict: str) -> Summary:
    finding = next(f for f in summary().invariants if f.verdict == "fail")
    made: list[Finding] = [msgspec.structs.replace(finding, id=f"N{n}", verdict=verdict) for n in range(count)]
    return msgspec.structs.replace(summary(), invariants=made, thresholds=[], coverage=[], chaos=[])


def test_a_failure_is_an_error_and_an_unknown_a_warning() -> None:
    """Each with its name as title, the profile's file, and a message that says what was seen; passes say nothing."""
    said = read(annotations.render(summary(), file="profiles/ticket-drop.yaml"))
    assert [(level, named["title"]) for level, named, _ in said] == [
        ("error", "DUPCHARGE"),
        ("error", "p99(confirm) < 3s"),
        ("warning", "CONSERVE"),
        ("warning", "p95(refund) < 2s"),
    ]
    assert {named["file"] for _, named, _ in said} == {"profiles/ticket-drop.yaml"}
    assert "fan 377 was charged twice" in said[0][2] and said[0][2].count("\n") > 3


def test_a_run_that_passed_says_nothing() -> None:
    """No line at all."""
    good = many(2, "pass")
    assert annotations.render(msgspec.structs.replace(good, verdict="pass", exit_code=0)) == ""


def test_a_run_that_was_cut_short_says_so() -> None:
    """Nothing failed and nothing passed: the headline is the line."""
    told = msgspec.structs.replace(many(0, "pass"), verdict="unknown", exit_code=143, headline="It was stopped.")
    assert read(annotations.render(told)) == [("warning", {"title": "exit 143"}, "It was stopped.")]


def test_no_more_are_written_than_are_shown() -> None:
    """Ten of a kind, the last of which names the others: GitHub drops the eleventh in silence."""
    said = read(annotations.render(many(25, "fail")))
    assert len(said) == annotations.MOST == 10
    assert said[-1][1]["title"] == "and 16 more" and "N24" in said[-1][2]
    assert len(read(annotations.render(many(10, "unknown")))) == 10


def test_a_hostile_shop_leaves_them_intact() -> None:
    """One command a line, whatever was said: no line break, no comma and no colon gets out of its place."""
    text = annotations.render(hostile(), file=EVIL)
    said = read(text)
    assert {level for level, _, _ in said} <= {"error", "warning"} and len(said) <= 20
    assert all(set(named) <= {"file", "title"} for _, named, _ in said)
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert len(text) < 60_000


def test_properties_and_messages_are_escaped_as_the_toolkit_does() -> None:
    """Percent, breaks; in a property the colon and the comma, too."""
    assert annotations.command("error", "100%\r\na:b,c", title="x:1,2%", file="") == (
        "::error title=x%3A1%2C2%25::100%25%0D%0Aa:b,c"
    )

"""report.json is a contract: its keys, its numbers, and the way back."""

from __future__ import annotations

import json as standard
from typing import Any

import msgspec
import pytest

from surgectl.report import json
from surgectl.report.summary import SCHEMA, RunNote, Summary
from tests.report.hostile import EVIL, FLOOD, hostile
from tests.report.sample import summary

# Design, contracts: `"schema": "surgectl.report/1"`. Keys may be added; none of these may go.
KEYS: dict[str, set[str]] = {
    "": {
        "schema",
        "run",
        "verdict",
        "exit_code",
        "invariants",
        "coverage",
        "links",
        "thresholds",
        "chaos",
        "metrics",
        "generator",
    },
    "run": {"id", "profile", "target", "seed", "version", "started_at", "duration_s", "status"},
    "invariants": {
        "id",
        "kind",
        "verdict",
        "severity",
        "considered",
        "violations",
        "pending",
        "unattributed",
        "summary",
        "examples",
    },
    "coverage": {"id", "required", "seen"},
    "links": {"orders", "charges"},
    "thresholds": {"expression", "verdict", "observed"},
    "chaos": {"link", "brownout", "planned_from_s", "planned_to_s", "applied", "healed", "verified"},
    "generator": {"lag_p99_ms", "dropped", "cpu"},
}


def read(told: Summary) -> dict[str, Any]:
    """What another program reads: strict JSON, in which NaN is an error."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    found = standard.loads(json.render(told), parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_every_key_of_the_contract_is_there() -> None:
    """The keys of surgectl.report/1 are there, in each entry of each list, even of an empty run."""
    found = read(summary())
    assert found["schema"] == SCHEMA == "surgectl.report/1"
    for path, keys in KEYS.items():
        held = found[path] if path else found
        for entry in held if isinstance(held, list) else [held]:
            assert keys <= entry.keys(), path
    empty = Summary(
        run=RunNote(
            id="r", profile="p", target="t", seed=1, version="0", started_at="", duration_s=0.0, status="failed"
        ),
        verdict="unknown",
        exit_code=12,
    )
    assert KEYS[""] <= read(empty).keys()


def test_an_example_names_its_fan_its_keys_and_the_lines_that_prove_it() -> None:
    """Fan, intent, keys and a timeline whose moments each have second, lane, text and recording line."""
    example = read(summary())["invariants"][0]["examples"][0]
    assert {"what", "intent", "fan", "keys", "timeline"} <= example.keys()
    assert all({"at_s", "lane", "text", "where"} <= moment.keys() for moment in example["timeline"])
    assert example["timeline"][0]["where"] == "ops/0.jsonl.zst:4031"


def test_the_way_back_is_the_same_summary() -> None:
    """parse(render(x)) is x, and rendering again gives the same bytes."""
    told = summary()
    data = json.render(told)
    assert json.parse(data) == told
    assert json.render(json.parse(data)) == data


def test_a_hostile_shop_leaves_it_intact() -> None:
    """Half characters, NUL, NaN and a flood: still strict JSON of bearable size, that is read again."""
    data = json.render(hostile(FLOOD))
    found = read(hostile("flood"))
    assert found["metrics"]["nan"] is None and found["generator"]["lag_p99_ms"] is None
    assert found["headline"] == EVIL.replace("\ud83d", "\\ud83d")
    assert len(json.render(msgspec.structs.replace(summary(), headline=FLOOD))) < 1_000_000
    assert b"more characters]" in data
    assert json.parse(data).verdict == "fail"


def test_no_build_server_takes_it_for_a_command() -> None:
    """A runner reads the log that shows it: no line begins with ::, none holds ##; what is read back is the same."""
    told = msgspec.structs.replace(summary(), headline="##[error]x ##vso[y]", next_steps=["::error::z", "###"])
    data = json.render(told)
    assert b"##" not in data and not [line for line in data.splitlines() if line.lstrip().startswith(b"::")]
    assert json.parse(data) == told


@pytest.mark.parametrize("data", [b"", b"[]", b'{"schema": "surgectl.report/1"}', b"\xff\xfe"])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    """Anything else raises msgspec's error, never a half-read summary."""
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        json.parse(data)

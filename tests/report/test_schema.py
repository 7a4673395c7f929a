"""docs/report.schema.json: what report.json holds, for people who write tools of their own."""

from __future__ import annotations

import json as standard
from typing import Any

import jsonschema
import pytest

from surgectl.report import json, schema
from tests.docs.pages import ROOT
from tests.report.hostile import hostile
from tests.report.sample import summary

VALIDATOR = jsonschema.Draft202012Validator(schema.schema())


def complaints(report: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in VALIDATOR.iter_errors(report)]


def test_the_published_schema_is_that_of_the_code() -> None:
    """docs/report.schema.json is what `surgectl check --schema report` prints: write it again where this fails."""
    assert (ROOT / "docs/report.schema.json").read_bytes() == schema.render()


def test_it_is_a_schema_that_describes_itself() -> None:
    """Valid draft 2020-12, under a name of its own, with the structs' words."""
    jsonschema.Draft202012Validator.check_schema(schema.schema())
    made = schema.schema()
    assert made["$id"] == "surgectl:report/1" and made["title"] == "surgectl.report/1"
    for name, described in made["$defs"].items():
        assert described["description"], name
    assert "recording line" in made["$defs"]["Moment"]["properties"]["where"]["description"]


def test_reports_fit() -> None:
    """The sample recording's, the made-up run's, and one that a hostile shop had a say in."""
    assert complaints(standard.loads((ROOT / "reports/sample/report.json").read_bytes())) == []
    for told in (summary(), hostile()):
        assert complaints(standard.loads(json.render(told))) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("verdict", "green"), ("exit_code", 1), ("schema", "other/1"), ("run", {}), ("invariants", [{"id": "X"}])],
)
def test_it_bites(key: str, value: object) -> None:
    """A verdict that is none, a code that nobody documented, another schema's name, a run without a seed."""
    report = standard.loads(json.render(summary()))
    assert complaints({**report, key: value})
    assert complaints({name: held for name, held in report.items() if name != key}) or key in ("invariants",)


def test_later_versions_may_say_more() -> None:
    """A member that this version does not know is no error: report.json only grows."""
    assert complaints({**standard.loads(json.render(summary())), "tomorrow": 1}) == []

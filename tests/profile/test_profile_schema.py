"""The JSON Schemas say what the loader says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from surgectl.errors import UsageError
from surgectl.profile import lookup
from surgectl.profile.brownouts import NAMES
from surgectl.profile.kind import kind_of
from surgectl.profile.reading import plain_data
from surgectl.profile.schema import schema
from surgectl.profile.yaml import read


def fits(value: Any, rule: dict[str, Any], defs: dict[str, Any], path: str = "$") -> list[str]:
    """What of a value a schema refuses: the part of JSON Schema that we write."""
    if "$ref" in rule:
        return fits(value, defs[rule["$ref"].rpartition("/")[2]], defs, path)
    bad: list[str] = []
    if "anyOf" in rule:
        bad = min((fits(value, option, defs, path) for option in rule["anyOf"]), key=len)
    if "const" in rule and value != rule["const"]:
        bad.append(f"{path}: {value!r} is not {rule['const']!r}")
    if "enum" in rule and value not in rule["enum"]:
        bad.append(f"{path}: {value!r} is not one of {rule['enum']}")
    kinds = rule.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    python = {"string": str, "integer": int, "number": (int, float), "object": dict, "array": list, "boolean": bool}
    if kinds and not any(isinstance(value, python.get(kind, type(None))) for kind in kinds):
        return [f"{path}: {value!r} is no {kinds}"]
    if isinstance(value, str) and "pattern" in rule and not re.search(rule["pattern"], value):
        bad.append(f"{path}: {value!r} does not match {rule['pattern']}")
    if isinstance(value, list) and "items" in rule:
        for number, item in enumerate(value):
            bad += fits(item, rule["items"], defs, f"{path}[{number}]")
    if isinstance(value, dict):
        bad += [f"{path}.{name}: is missing" for name in rule.get("required", []) if name not in value]
        for name, inner in value.items():
            other = rule.get("additionalProperties", {})
            sub = rule.get("properties", {}).get(name, other)
            bad += [f"{path}.{name}: unknown"] if sub is False else fits(inner, sub, defs, f"{path}.{name}")
            bad += fits(name, rule.get("propertyNames", {}), defs, f"{path}.{name} (its name)")
    return bad


def refused(path: Path, kind: str) -> list[str]:
    rule = schema(kind)
    return fits(plain_data(read(path, str(path))), rule, rule["$defs"])


SHIPPED = [
    *((kind_of(path), path) for path in sorted(lookup.shipped().glob("*.yaml"))),
    *(("target", path) for path in sorted((lookup.shipped() / "targets").glob("*.yaml"))),
    *(("fan", path) for path in sorted((lookup.shipped() / "fans").glob("*.yaml"))),
]


@pytest.mark.parametrize(("kind", "path"), SHIPPED, ids=[path.stem for _, path in SHIPPED])
def test_the_schema_accepts_what_is_shipped(kind: str, path: Path) -> None:
    """An editor shows no complaint in a file that surgectl loads."""
    assert refused(path, kind) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("at_most: 90s", "at_most: 90"),
        ("at_most: 90s", "at_mots: 90s"),
        ("seed: 2026", "seed: soon"),
        ("rate: 20/s", "rate: -20/s"),
        ("brownout: lost-reply", "brownout: lost-replies"),
        ("price: 89.00 EUR", "price: 89.00"),
        ("surgectl: 1", "surgectl: 2"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, good: str, bad: str) -> None:
    """Unknown keys, missing units and unknown words are underlined in the editor."""
    text = (lookup.shipped() / "ticket-drop.yaml").read_text()
    assert good in text
    spoilt = tmp_path / "x.yaml"
    spoilt.write_text(text.replace(good, bad, 1))
    assert len(refused(spoilt, "profile")) == 1


def test_the_schema_explains_itself() -> None:
    """Structs and fields carry their docstrings, and the brownouts are listed."""
    rule = schema("profile")
    assert rule["$schema"].endswith("2020-12/schema")
    definitions = rule["$defs"]
    assert definitions["Sale"]["description"].startswith("What is sold")
    assert "no limit" in definitions["Sale"]["properties"]["limit"]["description"]
    assert definitions["Fault"]["properties"]["brownout"]["enum"] == [*NAMES, None]
    assert definitions["Phase"]["required"] == ["phase"]
    assert definitions["Generator"]["properties"]["late_at_most"]["default"] == "1s"
    assert definitions["Generator"]["properties"]["behind"]["enum"] == ["drop", "late"]


def test_a_schema_of_nothing_is_refused() -> None:
    """Only three kinds of file exist."""
    with pytest.raises(UsageError, match='did you mean "profile"'):
        schema("profil")

"""The dashboard that people import asks for what is really there."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from surgectl import gate
from surgectl.outlets.catalogue import CATALOGUE

BOARD = json.loads((Path(__file__).parents[2] / "docs/grafana/surgectl.json").read_text("utf-8"))
ASKED = {
    name
    for family in CATALOGUE
    for name in (
        [f"{family.sample}_{part}" for part in ("bucket", "sum", "count")]
        if family.kind == "histogram"
        else [family.sample]
    )
}
LABELS = {family.sample: {*family.labels, "instance", "job", "le"} for family in CATALOGUE}


def expressions(node: Any = BOARD) -> Iterator[str]:
    """Everything that is asked of Prometheus."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("expr", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def test_every_metric_that_it_asks_for_exists() -> None:
    """Names are those of the exporter, and so are the labels that they are filtered and grouped by."""
    found = list(expressions())
    assert len(found) > 20
    for text in found:
        names = re.findall(r"surgectl_\w+", text)
        assert names and set(names) <= ASKED, text
        family = re.sub(r"_(bucket|sum|count)$", "", names[0])
        said = re.findall(r"[{,](\w+)=", text) + [
            label.strip() for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(",")
        ]
        assert set(said) <= LABELS.get(family, LABELS.get(names[0], set())), text


def test_its_panels_stand_side_by_side() -> None:
    """Ids are unique, every panel says what it shows, and none covers another."""
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"] and (panel["type"] == "row" or panel["description"].endswith("."))
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_it_can_be_put_anywhere() -> None:
    """The data source and the run are variables; faults are annotations on every chart."""
    variables = {variable["name"]: variable for variable in BOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    asked = [panel["datasource"]["uid"] for panel in BOARD["panels"] if panel["type"] != "row"]
    assert set(asked) == {"${datasource}"} and BOARD["schemaVersion"] >= 39
    assert any("surgectl_fault_active" in each["expr"] and each["enable"] for each in BOARD["annotations"]["list"])


def test_its_verdicts_are_those_of_the_gate() -> None:
    """Each exit code that a run can end with after it began has its word."""
    (verdict,) = [panel for panel in BOARD["panels"] if panel["title"] == "Verdict"]
    told = {int(code) for code in verdict["fieldConfig"]["defaults"]["mappings"][0]["options"]}
    assert told == set(gate.MEANING) - {gate.USAGE, gate.REFUSED}

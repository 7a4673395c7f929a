"""docs/outlets.md says what there is to be had."""

from __future__ import annotations

import re

import pytest
import typer
from click.testing import CliRunner

from surgectl.cli import main
from surgectl.outlets.catalogue import CATALOGUE
from tests.docs.pages import ROOT, surgectl, table

PAGE = (ROOT / "docs/outlets.md").read_text("utf-8")


def test_its_metrics_are_those_of_the_exporter() -> None:
    """Each with its kind, labels and meaning, in order."""
    told = table(PAGE.split("<!-- metrics -->\n")[1])
    assert told[: len(CATALOGUE)] == [
        [f"`{f.sample}`", f.kind, " ".join(f"`{label}`" for label in f.labels), f.about] for f in CATALOGUE
    ]


def test_its_commands_can_be_typed() -> None:
    """Every verb and flag that the page shows is one."""
    lines = re.findall(r"^(?:\w+='[^']*' )?surgectl (.*)$", PAGE, re.MULTILINE)
    assert len(lines) >= 6
    helps: dict[str, str] = {}
    app = typer.main.get_command(main.app)
    wide = {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    for line in lines:
        words = re.sub(r'"[^"]*"', "", line).split()
        verb = " ".join(words[: 2 if words[0] == "chaos" else 1])
        if verb not in helps:
            helps[verb] = CliRunner().invoke(app, [*verb.split(), "--help"], env=wide).stdout
        for flag in [word for word in words if word.startswith("-")]:
            assert flag in helps[verb], line
    for flag in re.findall(r"^\| `(--[\w-]+)", PAGE, re.MULTILINE):
        assert flag in helps["run"]


@pytest.mark.real
def test_its_questions_have_answers() -> None:
    """The SQL that leads from a recording to its traces runs on the sample."""
    asked = re.findall(r'surgectl sql \S+ "(.*)"', PAGE)
    assert len(asked) == 2
    for query in asked:
        done = surgectl("sql", "reports/sample", query, "--format", "csv")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("attempt,")

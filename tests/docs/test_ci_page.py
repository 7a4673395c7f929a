"""docs/ci.md: its files are files, its commands are commands, and its paths are where a run leaves things."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from surgectl.cli.lazily import Lazily
from surgectl.cli.main import app
from surgectl.report.artefacts import WRITERS
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/ci.md").read_text("utf-8")
FILES = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
LATER = {"gate", "compare", "--baseline"}
"""Are being built beside this page: once they are there they are checked like all others, and this can go."""


def commands() -> list[list[str]]:
    """Every `surgectl VERB …` of the page, in blocks, in YAML and in the text."""
    text = PAGE.replace("${BASELINE:+--baseline", "--baseline").replace('"$BASELINE"}', '"$BASELINE"')
    text = re.sub(r"^sh '(.*)'$", r"\1", text, flags=re.MULTILINE)
    found = re.findall(r"surgectl ((?:run|gate|compare|audit|report|check|plan|sql)\b[^`\n]*)", text)
    return [shlex.split(line.partition(" > ")[0].rstrip(".")) for line in found if "DIR" not in line]


def steps() -> list[dict[str, Any]]:
    """The steps of the GitHub files."""
    (action,) = [file for file in FILES if "runs" in file]
    (workflow,) = [file for file in FILES if "jobs" in file]
    return [*action["runs"]["steps"], *workflow["jobs"]["rehearsal"]["steps"]]


def test_there_is_something_to_check() -> None:
    """An action, a workflow, a pipeline and a profile's line; and the verbs that a pipeline needs."""
    assert len(FILES) >= 5
    assert {words[0] for words in commands()} >= {"run", "gate", "compare", "check"}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_the_options_it_is_shown_with(words: list[str]) -> None:
    """Its verb is a verb, and `--help` knows each option."""
    verb, options = words[0], [word.partition("=")[0] for word in words if word.startswith("--")]
    if verb in LATER - set(Lazily.VERBS):
        pytest.skip(f"surgectl {verb} is not there yet")
    assert verb in Lazily.VERBS
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert shown.exit_code == 0
    for option in options:
        if option in LATER and option not in shown.output:
            pytest.skip(f"surgectl {verb} {option} is not there yet")
        assert re.search(rf"{option}\b", shown.output), f"{verb} {option}"


def test_the_action_is_one() -> None:
    """A composite action names the shell of each command, and uses only the inputs that it declares."""
    (action,) = [file for file in FILES if "runs" in file]
    assert action["runs"]["using"] == "composite"
    for step in action["runs"]["steps"]:
        assert ("run" in step) == ("shell" in step) and ("run" in step) != ("uses" in step)
        assert "${{" not in step.get("run", ""), "an input inside of a script is a script of somebody else's"
    named = set(re.findall(r"\$\{\{ inputs\.(\w+) \}\}", yaml.safe_dump(action)))
    assert named == set(action["inputs"])
    (workflow,) = [file for file in FILES if "jobs" in file]
    (use,) = [step for step in workflow["jobs"]["rehearsal"]["steps"] if "rehearse" in step.get("uses", "")]
    required = {name for name, told in action["inputs"].items() if told.get("required")}
    assert required <= set(use["with"]) <= set(action["inputs"])


def test_what_is_kept_is_kept_whatever_the_verdict() -> None:
    """Artefacts and reporters run after a red rehearsal, too; GitLab's `when` says the same."""
    late = [step for step in steps() if "artifact" in step.get("uses", "") or "junit" in step.get("uses", "")]
    assert len(late) == 2 and all(step["if"] == "always()" for step in late)
    (pipeline,) = [file["rehearsal"] for file in FILES if "rehearsal" in file]
    assert pipeline["artifacts"]["when"] == "always"


def test_the_paths_are_where_a_run_leaves_things() -> None:
    """Each file that the page names is one that is written, in a folder whose name begins with the year."""
    named = set(re.findall(r"reports/[\w*]+/(?:20\*|latest)/([\w.]+)", PAGE)) - {"parquet"}
    assert named and named <= set(WRITERS)

"""docs/links.md says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from surgectl.chaos.brownouts import BROWNOUTS
from surgectl.journey.compile import compile_target
from surgectl.profile.load import load_target
from tests.docs.pages import ROOT, section, table

PAGE = (ROOT / "docs/links.md").read_text("utf-8")
HEAD = 'surgectl-target: 1\nname: example\nbase_url: "http://127.0.0.1:1"\nmint: {order: "{uuid}"}\n'
CODE = "".join(path.read_text("utf-8") for path in (ROOT / "surgectl").rglob("*.py"))


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_loads(example: str, tmp_path: Path) -> None:
    """As it stands, in a target that has nothing else."""
    file = tmp_path / "example.yaml"
    file.write_text(HEAD + example + "journey: [{step: one, get: /}]\n" * ("journey:" not in example))
    target = load_target(file, environ={})
    compile_target(target)
    assert target.links or target.bind


def test_the_faults_have_their_names() -> None:
    """Every fault of the table is one that a profile may name."""
    named = [row[0].strip("`") for row in table(section(PAGE, "What a fault looks like inside TLS"))]
    assert len(named) == 6 and set(named) <= set(BROWNOUTS)


@pytest.mark.parametrize(
    "said",
    [
        "the certificate is not believed",
        "what answers there does not speak TLS",
        "leads back to",
        "where the proxy itself listens",
        "no proxy named",
        "is disabled",
        "Toxiproxy's API has no address for",
        "carries another run's mark",
        "listens on",
    ],
)
def test_what_it_says_is_what_is_said(said: str) -> None:
    """The words of an error that the page explains stand in the program."""
    assert said in PAGE and said in CODE

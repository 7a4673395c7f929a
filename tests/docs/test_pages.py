"""What the pages say about the program is what the program says."""

from __future__ import annotations

import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from surgectl import gate
from surgectl.audit.checkers.registry import CHECKERS
from surgectl.chaos.brownouts import BROWNOUTS
from surgectl.profile import brownouts
from surgectl.profile.words import COVERAGE
from surgectl.stage.boxoffice.defects import DEFECTS
from surgectl.stage.payments.defects import DEFECTS as PROVIDER_DEFECTS
from surgectl.thresholds.grammar import parse
from tests.docs.pages import README, ROOT, after, pages, section, table


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    words = re.sub(r"[`*]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files that a page links to exist, and so do the headings inside them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if urllib.parse.urlsplit(link).scheme:
            continue
        name, _, anchor = link.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{page.name}: {link}"


def test_the_map_names_every_room() -> None:
    """docs/whats-here.md has a line for every folder and file at the top of the package, and names only what exists."""
    text = (ROOT / "docs/whats-here.md").read_text("utf-8")
    rooms = section(text, "Folder by folder")
    for path in (ROOT / "surgectl").iterdir():
        if path.name.startswith("__") or path.name in ("shipped", "py.typed"):
            continue
        assert (f"`surgectl/{path.name}/`" if path.is_dir() else f"{path.name}`") in rooms, path.name
    for named in re.findall(r"`((?:surgectl|tests|profiles|docs|docker|reports)/[\w./-]+)`", text):
        assert (ROOT / named).exists() or named == "surgectl/shipped", named
    for row in table(rooms):
        folder = re.match(r"`(surgectl/\w+)/`", row[0])
        if folder:
            inside = re.findall(r"`([\w/]+\.py|\w+/)`", f"{row[1]} {row[2]}")
            for name in inside:
                there = [ROOT / folder[1] / name, ROOT / "surgectl" / name]
                assert any(path.exists() for path in there), f"{folder[1]}: {name}"


def test_the_exit_codes_are_those_of_the_gate() -> None:
    """Code and meaning, in the README's table and nowhere else told differently."""
    told = {int(code): meaning for code, meaning in table(section(README, "CI"))}
    assert told == gate.MEANING
    advised = {
        int(code) for row in table((ROOT / "docs/ci.md").read_text("utf-8")) for code in re.findall(r"\d+", row[0])
    }
    assert advised == set(gate.MEANING)


def test_the_brownouts_are_those_of_the_profile() -> None:
    """The README's table has each of them once, in order, and names the side of the wire that is cut."""
    rows = table(section(README, "Brownouts"))
    assert [row[0].strip("`") for row in rows] == list(brownouts.NAMES)
    for name, wire, _story in rows:
        for toxic in BROWNOUTS[name.strip("`")].toxics:
            assert toxic.stream in wire, name


def test_the_invariants_are_those_of_the_audit() -> None:
    """Each checker stands in the README's table, and nothing else does."""
    told = [name for row in table(section(README, "What it proves")) for name in re.findall(r"`([A-Z_0-9]+)`", row[1])]
    assert sorted(told) == sorted(CHECKERS)


def test_the_defects_are_those_of_the_shop() -> None:
    """How many there are, the handful that the README names, and the table in docs/stage.md."""
    sentence = section(README, "Try the defects").strip().split("\n")[0].split("(")[0]
    every = {*DEFECTS, *PROVIDER_DEFECTS}
    assert set(re.findall(r"`([\w-]+)`", sentence)) <= every
    assert re.findall(r"in (\d+) ways", sentence) == [str(len(every))]
    rows = table(section((ROOT / "docs/stage.md").read_text("utf-8"), "Defects"))
    assert sorted(row[0].strip("`") for row in rows) == sorted(DEFECTS)


def test_every_demand_that_is_shown_can_be_made() -> None:
    """Thresholds parse, coverage ids are known."""
    text = section(README, "What it proves")
    thresholds = re.findall(r"`(\w+\(\w+\) [<>]=? [^`]+)`", text)
    assert len(thresholds) >= 4
    for threshold in thresholds:
        parse(threshold)
    demanded = re.findall(r"`(\w+): [\d%]+`", text)
    assert demanded and set(demanded) <= set(COVERAGE)


def test_ci_finds_the_test_command() -> None:
    """`.ci/run` takes it from the README by a line of its own, which is run here."""
    (line,) = [line for line in (ROOT / ".ci/run").read_text("utf-8").splitlines() if line.startswith("command=$(")]
    found = subprocess.run(
        ["bash", "-ec", f'{line}; echo "$command"'], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False
    )
    assert found.stdout == after("test-command"), found.stderr


def test_pictures_stay_small() -> None:
    """A README that takes seconds to load is not read."""
    found = list((ROOT / "docs/pictures").glob("*.png"))
    assert {path.name for path in found} >= set(re.findall(r"docs/pictures/([\w.]+)", README))
    assert all(path.stat().st_size < 300_000 for path in found)

"""Every fence of the pages says what it is, and every command in one could be typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from surgectl.cli.main import app
from surgectl.errors import SurgectlError
from tests.docs.pages import ROOT, pages
from tests.docs.shell import COMMANDS, OTHERS, Block, Line, blocks, files, lines, made, outputs

SHELL = [block for page in pages() for block in blocks(page) if block.kind in COMMANDS]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_fence_says_what_stands_in_it(page: Path) -> None:
    """Commands, commands that a test executes, output, or data: one without a mark is refused."""
    unmarked = [f"{block.name}: ```{block.kind}" for block in blocks(page) if block.kind not in (*COMMANDS, *OTHERS)]
    assert not unmarked, f"say what it is (tests/docs/shell.py): {unmarked}"


def ours(line: Line) -> list[list[str]]:
    """What it says to surgectl, wherever that is installed."""
    return [words[1:] for words in line.commands() if words[0].rpartition("/")[2] == "surgectl"]


def refused(words: list[str]) -> str:
    """Why the command line would not take them; nothing is run."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    try:
        while hasattr(command, "get_command"):
            name, *rest = rest
            found = command.get_command(None, name)
            if found is None:
                return f"no such verb: {name}"
            command = found
        command.make_context("surgectl", rest)
    except SurgectlError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - click's own, which typer may have from click or brings along
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    return ""


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.name)
def test_every_command_could_be_typed(block: Block) -> None:
    """Verbs, options and number of arguments are the program's; files are there, or an earlier line makes them."""
    known = made(block.page, block.at)
    for line in lines(block):
        for words in ours(line):
            assert not (why := refused(words)), f"{block.name}: {line.text}: {why}"
        for words in line.commands():
            written = [*outputs(" ".join(words)), *outputs(line.text)]
            for file in files(words[1:]):
                if file in known or file in written or (ROOT / file).exists() or Line(text=file).placeholder:
                    continue
                folder, _, profile = file.partition("/")
                assert folder == "reports" and (ROOT / f"profiles/{profile.split('/')[0]}.yaml").exists(), (
                    f"{block.name}: {file} is nowhere: say where it comes from (<!-- makes: {file} -->)"
                )
        known |= dict.fromkeys(outputs(line.text))


def test_what_cannot_be_typed_is_found(tmp_path: Path) -> None:
    """A misspelt verb, option or word and a missing argument are refused; lines are read as a shell reads them."""
    assert refused(["rnu", "smoke"]) and refused(["chaos", "hael", "x"]) and refused(["run", "smoke", "--defetc", "x"])
    assert refused(["sql"]) and refused(["plan", "smoke", "--seed", "many"])
    assert not refused(["run", "smoke", "--defect", "double-charge"]) and not refused(["stage", "up"])
    page = tmp_path / "page.md"
    page.write_text("```\nls\n```\n\n```sh\nA=1 surgectl x 'B C' > f.json \\\n  && ls   # exit 3\n```\n")
    bare, shell = blocks(page)
    assert bare.kind == "" and shell.kind == "sh" and bare.text == "ls\n"
    (line,) = lines(shell)
    assert line.commands() == [["surgectl", "x", "B C"], ["ls"]] and line.exit_code == 3
    assert made(page, 999) == {"f.json": None}
    assert Line(text="surgectl run PROFILE").placeholder and Line(text="x http://…").placeholder
    assert not Line(text='A_B=1 surgectl sql x "SELECT a" --set stage.DB=x $HOME').placeholder

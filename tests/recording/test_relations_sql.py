"""Asking a recording by hand: `surgectl sql`, and the questions that the documentation shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from surgectl.cli.sql import sql
from surgectl.errors import UsageError
from surgectl.recording.relations import Relations
from surgectl.recording.tables import TABLES
from tests.recording.test_relations import CHAOS, EVIDENCE, OPS, VITALS, write_run

PAGE = (Path(__file__).parents[2] / "docs" / "recording.md").read_text("utf-8")
QUESTIONS = re.findall(r"^```sql\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)

app = typer.Typer()
app.command()(sql)


def run(*arguments: str) -> str:
    """What `surgectl sql` prints; its errors are raised."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_the_documented_questions_can_be_asked(question: str) -> None:
    """Every SQL example of docs/recording.md is answered by a recording, and by an empty one."""
    with Relations.from_rows(OPS, EVIDENCE, CHAOS, VITALS) as relations:
        relations.rows(question)
    with Relations.from_rows() as relations:
        assert relations.rows(question) == []


def test_the_documented_questions_find_what_they_ask_for() -> None:
    """The example for charges without a ticket finds one where the ticket was taken away, and none before."""
    (question,) = [question for question in QUESTIONS if "NOT EXISTS" in question]
    with Relations.from_rows(OPS, EVIDENCE) as relations:
        assert relations.rows(question) == []
    with Relations.from_rows(OPS, {**EVIDENCE, "tickets": []}) as relations:
        found = relations.dicts(question)
    assert [(row["intent"], row["charge"], row["net_minor"]) for row in found] == [("i1", "ch_1", 17800)]


def test_the_documented_columns_are_the_tables() -> None:
    """docs/recording.md lists each table with exactly its columns."""
    documented = dict(re.findall(r"^\| `(\w+)` \| ([\w ]+) \|$", PAGE.partition("## Tables")[2], flags=re.MULTILINE))
    with Relations.from_rows() as relations:
        for table, columns in documented.items():
            named = columns.split()
            assert relations.columns(table) == [*named, *(["file", "line"] if table in TABLES else [])]
    assert documented.keys() >= TABLES.keys() - {"invokes", "dones"}


def test_an_answer_comes_as_csv_json_or_table(tmp_path: Path) -> None:
    """Into a pipe an answer is CSV; JSON and a table are there for the asking."""
    folder = str(write_run(tmp_path))
    question = "select charge, keys, captured_minor from charges"
    assert run(folder, question) == "charge,keys,captured_minor\nch_1,[],17800\n"
    assert json.loads(run(folder, question, "--format", "json")) == [
        {"charge": "ch_1", "keys": [], "captured_minor": 17800}
    ]
    assert "17800" in run(folder, question, "--format", "table")
    assert "attempts,2," in run(folder)


REFUSED = {
    "a change": ("delete from orders", "can only be read"),
    "a file written": ("copy orders to 'x.csv'", "can only be read"),
    "two questions": ("select 1; select 2", "one question at a time"),
    "nothing": ("", "0 statements"),
    "nonsense": ("selct 1", "Parser Error"),
    "another file": ("from read_text('/etc/hostname')", "disabled by configuration"),
    "a table that is none": ("select * from ordrs", 'Did you mean "orders'),
    "the lock": ("set enable_external_access = true", "can only be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_recording_can_only_be_read(name: str, tmp_path: Path) -> None:
    """A question that would change or reach anything else is refused in one line."""
    question, reason = REFUSED[name]
    with pytest.raises(UsageError, match=re.escape(reason)) as caught:
        run(str(write_run(tmp_path)), question)
    assert "\n" not in str(caught.value)


def test_what_a_shop_says_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    """Control characters and markup in a shop's words stay text on a terminal."""
    shown = run(str(write_run(tmp_path)), "select chr(27) || '[31m [bold]x' as said", "--format", "table")
    assert "\x1b" not in shown
    assert "[bold]x" in shown

"""`surgectl plan`, `check` and `run` know a list of rehearsals when they see one."""

from __future__ import annotations

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from surgectl.cli.check import check
from surgectl.cli.plan import plan
from surgectl.cli.run import run
from surgectl.errors import UsageError

app = typer.Typer()
for verb in (plan, check, run):
    app.command()(verb)


def asked(*words: str) -> Result:
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "80"})
    if shown.exception and not isinstance(shown.exception, SystemExit):
        raise shown.exception
    return shown


def test_a_list_is_planned_in_its_order() -> None:
    """Each rehearsal drawn with its question, then how long they take together."""
    text = asked("plan", "readiness").stdout
    places = [text.index(f": {name} ") for name in ("peak-load", "payment-brownout", "failover")]
    assert places == sorted(places)
    assert "Is everybody's money right" in text
    assert "together 110s of load" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_list_is_planned_for_a_script() -> None:
    """One plan for each, with what --set and --seed say of all of them."""
    told = msgspec.json.decode(asked("plan", "readiness", "--json", "--seed", "7", "--set", "sale.tickets=9").stdout)
    assert told["schema"] == "surgectl.plans/1"
    assert [(one["profile"], one["seed"]) for one in told["rehearsals"]] == [
        ("peak-load", 7),
        ("payment-brownout", 7),
        ("failover", 7),
    ]


def test_a_list_is_checked_with_all_that_it_names() -> None:
    """The list, each profile, each target."""
    text = asked("check", "readiness").stdout
    assert "3 rehearsals: peak-load, payment-brownout, failover" in text
    assert text.count("ok profile") == 3
    with pytest.raises(UsageError, match="cannot be tried"):
        asked("check", "readiness", "--try")


def test_whoever_asks_what_there_is_is_told_of_the_list() -> None:
    """`surgectl run` without a name names it, and what it plays."""
    text = " ".join(asked("run").stdout.split())
    assert "readiness Peak load, payment brownout and failover" in text
    assert "(a list: peak-load, payment-brownout, failover)" in text


def test_a_list_has_no_baseline_and_its_mistakes_are_told_before_anything_is_sent() -> None:
    """Exit 2, with what to do instead."""
    with pytest.raises(UsageError, match="compare them one by one"):
        asked("run", "readiness", "--baseline", "reports/sample")
    with pytest.raises(UsageError, match="no such defect"):
        asked("run", "readiness", "--defect", "no-such-one")

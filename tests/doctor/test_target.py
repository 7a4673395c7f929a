"""What a profile demands and the target's books cannot show, and what nobody has set."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from surgectl.doctor.target import look_at_hooks, look_at_target
from surgectl.doctor.variables import look_at_variables
from surgectl.profile.rehearsal import Rehearsal
from tests.doctor.patients import patient, plan, said, shop, wrong

ORDERS = {"orders": {"http": {"get": "/orders"}}}


def requiring(*words: str) -> Rehearsal:
    rehearsal = plan(10).rehearsal
    invariants = msgspec.structs.replace(rehearsal.expect.invariants, require=list(words))
    return msgspec.structs.replace(rehearsal, expect=msgspec.structs.replace(rehearsal.expect, invariants=invariants))


@pytest.mark.parametrize(
    ("require", "verdict", "words"),
    [
        (["DUPCHARGE"], "fail", "add evidence: charges"),
        (["money"], "note", "of money not"),
        (["OVERSELL"], "note", "not SEAT2"),
    ],
)
def test_a_demand_that_no_book_can_meet(require: list[str], verdict: str, words: str) -> None:
    """An invariant that is required and cannot be shown would end every run inconclusive."""
    found = said(look_at_target(shop(evidence=ORDERS), requiring(*require)), "provable")
    assert found[0] == verdict and words in found[1]


def test_a_target_without_books() -> None:
    """Nothing can be proved; that is worth a word, and no fault where nothing is required."""
    verdict, words = said(look_at_target(shop()), "provable")
    assert verdict == "note" and "nothing can be proved" in words


def test_a_hook_that_is_not_there(tmp_path: Path) -> None:
    """Found on PATH, or from the target's folder, or our own Python; nothing is run."""
    (tmp_path / "ours.sh").write_text("#!/bin/sh\n")
    (tmp_path / "ours.sh").chmod(0o755)
    hooks = {"setup": {"run": ["python", "x.py"]}, "teardown": {"run": ["no-such-program"]}}
    assert wrong(look_at_hooks(shop(**hooks), tmp_path)) == ["teardown hook"]
    assert wrong(look_at_hooks(shop(teardown={"run": ["./ours.sh"]}), tmp_path)) == []


def test_what_is_not_set() -> None:
    """Each variable, and each command of the profile that lacks one; the stage's own are set by the run."""
    lacking = look_at_variables(patient(shop(), unset=("SHOP_DSN",), unfilled=("exec stop ${PID}: not set",)))
    assert wrong(lacking) == ["${SHOP_DSN}", "command"]
    stage = look_at_variables(patient(shop(stage={"use": "boxoffice"}), unset=("SHOP_URL",)))
    assert [one.verdict for one in stage] == ["note"]
    assert [one.verdict for one in look_at_variables(patient(shop()))] == ["pass"]

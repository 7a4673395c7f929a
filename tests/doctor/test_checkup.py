"""What an examination ends with, and how it is told."""

from __future__ import annotations

from typing import get_args

import pytest

from surgectl import gate
from surgectl.cli.doctor_view import line
from surgectl.doctor import checkup
from surgectl.doctor.checkup import Checkup, Part, Verdict, exit_code, fit_to_show


def one(part: Part, verdict: Verdict) -> Checkup:
    return Checkup(part=part, name="x", verdict=verdict, what="seen")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([("links", "fail"), ("allow", "fail"), ("variables", "fail")], 2),
        ([("links", "fail")], 12),
        ([("links", "fail"), ("allow", "fail")], 12),
        ([("allow", "fail"), ("shop", "unknown"), ("clocks", "unknown")], 13),
        ([("machine", "note"), ("links", "unknown"), ("shop", "pass")], 0),
        ([], 0),
    ],
)
def test_the_exit_code_is_that_of_what_is_wrong(found: list[tuple[Part, Verdict]], code: int) -> None:
    """2 for what cannot be read, 13 where only an allowance is missing, 12 for all else; notes weigh nothing."""
    assert exit_code([one(part, verdict) for part, verdict in found]) == code


def test_the_codes_are_the_gates() -> None:
    """The room stands below the gate, and says the same numbers."""
    ours = (checkup.WELL, checkup.USAGE, checkup.INCONCLUSIVE, checkup.REFUSED)
    assert ours == (gate.PASS, gate.USAGE, gate.INCONCLUSIVE, gate.REFUSED)


def test_what_a_shop_says_is_shown_and_never_obeyed() -> None:
    """An escape code, a line break and a flood from outside end as one plain line."""
    (told,) = fit_to_show([Checkup(part="shop", name="x", verdict="fail", what="\x1b[2J\n::error::" + "a" * 5_000)])
    assert told.what.startswith("\\x1b[2J") and "\n" not in told.what and len(told.what) < 700
    assert "\x1b" not in line(told) and len(get_args(Part)) == 11

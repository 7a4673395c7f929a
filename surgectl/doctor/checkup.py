"""One thing that was looked at, what was seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from surgectl.text import one_line, tamed

Verdict = Literal["pass", "note", "unknown", "fail"]
"""pass: seen, and as it should be · note: seen, and good to know · unknown: could not be looked at · fail: to be put
right before a rehearsal. Only the last weighs anything."""
Part = Literal[
    "target",
    "variables",
    "allow",
    "shop",
    "accounts",
    "logins",
    "streams",
    "links",
    "evidence",
    "clocks",
    "machine",
]
SCHEMA = "surgectl.doctor/1"
_MOST = 600

# As gate.py has them; the doctor stands below it.
WELL, USAGE, INCONCLUSIVE, REFUSED = 0, 2, 12, 13


class Checkup(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    part: Part
    name: str
    """What it is called there: `base_url`, `payments listener`."""
    verdict: Verdict
    what: str
    where: str = ""
    """The path in the target or profile, where there is one."""
    fix: str = ""


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was looked at: what `surgectl doctor --json` prints."""

    schema: str
    target: str
    profile: str | None
    exit_code: int
    checkups: list[Checkup]


def exit_code(checkups: Iterable[Checkup]) -> int:
    """0: nothing must be put right · 2: a `${…}` is not set · 13: an allowance is missing, nothing else · 12: all else.

    What is unknown weighs nothing by itself: whatever a verdict needs and nobody could reach is a `fail`.
    """
    wrong = {checkup.part for checkup in checkups if checkup.verdict == "fail"}
    if not wrong:
        return WELL
    if "variables" in wrong:
        return USAGE
    return REFUSED if wrong == {"allow"} else INCONCLUSIVE


def fit_to_show(checkups: Sequence[Checkup]) -> list[Checkup]:
    """Shops, databases and files may have put anything into these texts: one line each, nothing in them active."""
    return [tamed(checkup, lambda text: one_line(text, _MOST)) for checkup in checkups]


def unseen(part: Part, name: str, why: str, where: str = "") -> Checkup:
    """What could not be looked at."""
    return Checkup(part=part, name=name, verdict="unknown", what=why, where=where)

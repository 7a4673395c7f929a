"""A history with what a checker must say of it: guilty, innocent or doubtful.

Each checker has a module of its own name here with `CHECKER`, its id, and the lists GUILTY, INNOCENT and DOUBTFUL; none
may be empty, unless NEVER_GUILTY says why that checker cannot convict. test_histories.py plays them all. The mutation
check breaks each checker and expects one to object; EQUIVALENT names the breakages that change nothing, and why.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.histories.night import Night


class Guilty(NamedTuple):
    """The checker must convict: `violations` times, and name `intent` first where that is given."""

    night: Night
    violations: int = 1
    intent: str | None = None
    changes: dict[str, Any] = {}
    """Of the expectations (Night.expectations)."""
    says: str = ""
    """Stands in the first example's sentence or keys."""
    severity: str | None = None
    unattributed: int | None = None
    """Rows that belong to nobody."""
    indeterminate: int | None = None


class Innocent(NamedTuple):
    """The checker must pass, on the strength of something that could have been wrong."""

    night: Night
    changes: dict[str, Any] = {}
    considered: int | None = None
    """How many things could have been wrong, where it is worth counting."""
    unattributed: int | None = None
    indeterminate: int | None = None
    numbers: dict[str, Any] = {}
    """What it counts beside."""


class Doubtful(NamedTuple):
    """The checker must say unknown, and why: `says` stands in its reason."""

    night: Night
    says: str
    changes: dict[str, Any] = {}
    pending: int | None = None
    """How much may still put itself right."""
    weighs: bool | None = None
    """Whether not knowing it weighs (Finding.configured)."""
    unattributed: int | None = None
    indeterminate: int | None = None

"""comparison.json: what two runs say when they are held beside each other (schema `surgectl.comparison/1`)."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = "surgectl.comparison/1"

Said = Literal["same", "better", "worse", "can't tell"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One number of both runs, and what their difference is worth."""

    id: str
    name: str
    unit: Literal["ms", "per s", "share", "times"]
    less_is_better: bool
    main: bool = False
    """One of the few that decide whether the whole is the same; the others can only make it better or worse."""
    weighs: bool = True
    """False: shown only (our own lateness is no quality of the shop)."""
    baseline: float | None
    candidate: float | None
    scale: Literal["relative", "points"]
    """relative: 0.3 is 30 % more than the baseline; points: 0.003 is 0.3 percentage points more."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    """The 95 % interval of the difference; null = nobody knows."""
    band: float
    """Differences up to this are nobody's business."""
    p: float = 1.0
    """The chance of a difference so far beyond the band where there is none; before Holm's correction."""
    said: Said = "can't tell"
    why: str = ""
    samples: tuple[int, int] = (0, 0)
    block_s: float = 1.0
    """Mean length of the blocks that were drawn."""
    pieces: float = 0.0
    """Independent pieces of time."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger invariant in both runs: no chance is involved, and what broke is worse whatever the numbers say."""

    id: str
    baseline: str
    candidate: str
    violations: tuple[int, int] = (0, 0)
    said: Said
    why: str = ""


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """A number that a run has once: shown, never judged, since nobody knows how far it wavers."""

    name: str
    baseline: str
    candidate: str


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not the same for both runs. `refuses`: they are not comparable without --force."""

    path: str
    baseline: str
    candidate: str
    refuses: bool


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two runs."""

    run: str
    profile: str
    target: str
    seed: int
    version: str
    started_at: str
    verdict: str
    exit_code: int
    place: str
    """As the command line named it."""
    headline: str = ""
    timed: str = ""
    """Why its timings cannot be compared; empty = they can."""
    rich: bool = True
    """Its seconds hold how long every step took, not only the payment's median and 95th percentile."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """comparison.json, whole."""

    schema: str = SCHEMA
    said: Said
    exit_code: int
    headline: str
    next_steps: list[str] = []
    baseline: Which
    candidate: Which
    forced: bool = False
    band: float
    """The share by which a number may differ without anybody's minding."""
    seconds: int
    """Of the runs' clocks that were held beside each other."""
    replicates: int
    rows: list[Row] = []
    facts: list[Fact] = []
    once: list[Once] = []
    differs: list[Differs] = []
    notes: list[str] = []

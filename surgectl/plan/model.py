"""The plan: what will happen, as data. Built from a profile and a seed alone; touches no network."""

from __future__ import annotations

from typing import Any

import msgspec


class PlannedPhase(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of arrivals with its place on the run's clock."""

    name: str
    start_ns: int
    end_ns: int
    first_fan: int
    """Index of its first fan; fans are numbered in phase order over the whole plan."""
    fans: int
    peak_rate_per_s: float


class Arrival(msgspec.Struct, frozen=True):
    """One fan's due time and character: all that is needed to let it loose."""

    fan: int
    due_ns: int
    phase: str
    profile: str
    qty: int


class PlannedFault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault with its window on the run's clock and the toxics that make it."""

    fault: str
    """Its number in the timeline: `0`, `1` …"""
    from_ns: int
    to_ns: int
    link: str = ""
    brownout: str = ""
    """The preset's name, `toxics` for raw ones, `exec` for a command."""
    toxicity: float | None = None
    toxics: tuple[dict[str, Any], ...] = ()
    """Raw toxics as Toxiproxy spells them: type, stream, toxicity, attributes."""
    run: tuple[str, ...] = ()
    heal: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    """Exit 0 while it is broken."""
    exec_timeout_ns: int = 30_000_000_000
    optional: bool = False
    """May be left out where its link is not there."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One effective value and where it came from (default, profile, target, environment, flag)."""

    path: str
    value: str
    origin: str


class Settling(msgspec.Struct, frozen=True, kw_only=True):
    """How long eventual conditions may stay open, and why (invariants.md R3)."""

    window_ns: int
    """What the shop's constants ask for: hold TTL + time-outs × tries + webhook + reconciler, + 20 %."""
    at_most_ns: int
    parts: tuple[tuple[str, int], ...]

    @property
    def enough(self) -> bool:
        return self.at_most_ns >= self.window_ns

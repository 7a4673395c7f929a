"""Rounds: each plays every client once, in an order that moves on by one, so that no client has the best place."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.client.window import Window


class Spread(msgspec.Struct, frozen=True):
    """Least, median and most over the rounds."""

    min: float
    median: float
    max: float


class Measured(msgspec.Struct, frozen=True):
    """All windows at one number of connections: client → one window per round."""

    connections: int
    windows: dict[str, list[Window]]


def order_of(names: Sequence[str], round_: int) -> list[str]:
    """Who plays when in a round (the first is 0)."""
    first = round_ % len(names)
    return [*names[first:], *names[:first]]


def play(names: Sequence[str], rounds: int, connections: int, turn: Callable[[str], Window]) -> Measured:
    """Every client once per round. What `turn` raises ends it: a figure that lacks a client's bad round would lie."""
    windows: dict[str, list[Window]] = {name: [] for name in names}
    for round_ in range(rounds):
        for name in order_of(names, round_):
            windows[name].append(turn(name))
    return Measured(connections=connections, windows=windows)


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(min(values), statistics.median(values), max(values))


def rates(measured: Measured) -> dict[str, Spread]:
    """Client → requests per second of its CPU time."""
    return {name: spread([one.per_cpu_s for one in windows]) for name, windows in measured.windows.items()}


def ratios(measured: Measured, ours: str) -> dict[str, Spread]:
    """Client → how many requests `ours` makes for each of the client's on the same CPU time, round by round.

    Both figures of a ratio come from the same round: what slows the machine for a minute slows both. Empty where `ours`
    was not played.
    """
    of_ours = measured.windows.get(ours, [])
    return {
        name: spread([mine.per_cpu_s / theirs.per_cpu_s for mine, theirs in zip(of_ours, windows, strict=True)])
        for name, windows in measured.windows.items()
        if name != ours and of_ours
    }

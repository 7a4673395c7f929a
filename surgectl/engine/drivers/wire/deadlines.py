"""Whose patience is over: one look every hundredth of a second, instead of a timer for each request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

_TICK_NS = 10_000_000


class Patient(Protocol):
    """Something that waits, but not for ever."""

    def expire(self) -> None:
        """Its time is over."""
        ...


class Deadlines:
    """Calls `expire` at most a tick too late and never too early. Its timer runs only while somebody waits."""

    __slots__ = ("_next", "_now_ns", "_slots", "_timer", "_waiting")

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._slots: dict[int, set[Patient]] = {}
        self._waiting = 0
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline_ns: int, patient: Patient) -> int:
        """Expects an end by this instant. Returns the slot, for `remove`."""
        if self._timer is None:
            self._slots.clear()
            self._next = self._now_ns() // _TICK_NS
            self._arm()
        # The slot after the one that the instant falls into: nobody's patience ends early.
        slot = max(deadline_ns // _TICK_NS + 1, self._next)
        waiting = self._slots.get(slot)
        if waiting is None:
            waiting = self._slots[slot] = set()
        waiting.add(patient)
        self._waiting += 1
        return slot

    def remove(self, slot: int, patient: Patient) -> None:
        """It ended in time; or it expired already, then nothing happens."""
        waiting = self._slots.get(slot)
        if waiting is not None and patient in waiting:
            waiting.remove(patient)
            self._waiting -= 1

    def close(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._slots.clear()
        self._waiting = 0

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_TICK_NS / 1e9, self._sweep)

    def _sweep(self) -> None:
        over: list[Patient] = []
        now = self._now_ns() // _TICK_NS
        while self._next <= now:
            over += self._slots.pop(self._next, ())
            self._next += 1
        self._waiting -= len(over)
        if self._waiting:
            self._arm()
        else:
            self._timer = None
        for patient in over:
            patient.expire()

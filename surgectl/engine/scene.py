"""What all fans of one shard share: the clock, the journal, the way to the shop, and the counters."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from surgectl.clock import SHORTEST_SLEEP_NS, Clock, SystemClock, since
from surgectl.engine.barrier import Barriers
from surgectl.engine.drivers.driver import Driver, Listening
from surgectl.engine.timers import Timers
from surgectl.fans.dialogue import Script
from surgectl.plan.model import Arrival
from surgectl.recording.journal import Journal
from surgectl.recording.manifest import Tally
from surgectl.recording.rows import IntentRow
from surgectl.units import show_duration

SLOW_CALL_NS = 10_000_000
"""An extension that takes longer keeps a crowd waiting: at a hundred fans a second it leaves no time for anything."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The part that a fan plays: what it wants, and its script."""

    intent: IntentRow
    script: Script
    status: Callable[[Script], Script | None] | None = None
    """Asked once after settling, where the intent ended accepted or unknown: hands back the script that reads its
    status, with what the played one had learnt, or None where nothing is known to ask with."""
    cookies: bool = True


Casting = Callable[[Arrival, int], Part]
"""(arrival, now in ns since the start) → its part."""


class Counts:
    """Counters of one shard; read by the vitals and the dashboard while they move."""

    def __init__(self) -> None:
        self.arrived = 0
        self.dropped = 0
        self.late = 0
        self.paused = 0
        self.active = 0
        self.left = 0
        self.sent = 0
        self.in_flight = 0
        self.cut_off = 0
        self.script_errors = 0
        self.first_script_error = ""
        self.target_errors = 0
        self.first_target_error = ""
        self.calls = 0
        self.calls_ns = 0
        self.slow_calls = 0
        self.first_slow_call = ""
        self.status_reads = 0
        self.statuses_unread = 0
        self.worst_arrival_lag_ns = 0
        """Worst lateness of an arrival since the vitals looked last."""

    def script_error(self, what: str) -> None:
        """A script or judge failed: our own fault, to be surfaced at the end (exit 70)."""
        self.script_errors += 1
        self.first_script_error = self.first_script_error or what

    def target_error(self, what: str) -> None:
        """A step could not be sent for want of a variable: an error of the target file, to be reported once."""
        self.target_errors += 1
        self.first_target_error = self.first_target_error or what

    def worked(self, name: str, took_ns: int) -> None:
        """An extension was called; everybody else waited for it."""
        self.calls += 1
        self.calls_ns += took_ns
        if took_ns > SLOW_CALL_NS:
            self.slow_calls += 1
            self.first_slow_call = self.first_slow_call or f"{name} took {show_duration(took_ns)}"

    def tally(self) -> Tally:
        """The counters as they stand."""
        return Tally(
            arrived=self.arrived,
            dropped=self.dropped,
            late=self.late,
            paused=self.paused,
            active=self.active,
            left=self.left,
            sent=self.sent,
            cut_off=self.cut_off,
            script_errors=self.script_errors,
            first_script_error=self.first_script_error,
            target_errors=self.target_errors,
            first_target_error=self.first_target_error,
            calls=self.calls,
            calls_ns=self.calls_ns,
            slow_calls=self.slow_calls,
            first_slow_call=self.first_slow_call,
            status_reads=self.status_reads,
            statuses_unread=self.statuses_unread,
        )


class Scene:
    """What a fan finds when it arrives."""

    def __init__(
        self, *, clock: Clock, start_ns: int, journal: Journal, driver: Driver, barriers: Barriers | None = None
    ) -> None:
        self.clock = clock
        self.start_ns = start_ns
        self.journal = journal
        self.driver = driver
        self.counts = Counts()
        self.paused = False
        """Somebody wants nobody else to come for now: whoever is due meanwhile never comes."""
        self.barriers = barriers or Barriers()
        self.ears: dict[object, Listening] = {}
        """What those tabs listen with who do just now."""
        self.now_ns = since(clock, start_ns)
        """Nanoseconds since the run's start."""
        self.timers = Timers(self.now_ns, least_ns=SHORTEST_SLEEP_NS if type(clock) is SystemClock else 0)

    async def sleep_until_ns(self, at_ns: int) -> None:
        """Return at or after that instant of the run, never before it."""
        await self.clock.sleep_until_ns(self.start_ns + at_ns)

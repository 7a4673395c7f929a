"""What a shard of a rehearsal needs to know, wherever it plays, and how it is opened: here, or in a worker."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from surgectl.cli.casting import Company
from surgectl.cli.driving import DriverName, driver_for
from surgectl.cli.metering import meter_for
from surgectl.clock import Clock
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.drivers.traced import Traced, Tracing
from surgectl.engine.guard import Permit
from surgectl.engine.runners.inline import InlineRunner
from surgectl.engine.runners.processes import Crew
from surgectl.live.meter import Meter
from surgectl.live.portion import Portion
from surgectl.live.tap import Tap
from surgectl.live.view import LiveView
from surgectl.plan.build import Plan
from surgectl.profile.accounts import Accounts
from surgectl.profile.load import OpenTarget
from surgectl.profile.substitute import Secrets

FANS_OF_A_WORKER = 1_000
"""Fewer are not worth a process more: each costs half a second of processor and 50 MB before its first fan."""
_ENTRY = (sys.executable, "-m", "surgectl.cli.worker")


class Playbill(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that all shards of one rehearsal have in common. It may hold secrets: it travels by pipe alone."""

    run: str
    folder: Path
    plan: Plan
    target: OpenTarget
    setup: dict[str, object]
    driver: DriverName
    permit: Permit
    secrets: Secrets
    tracing: Tracing | None = None
    """The fans' requests carry `traceparent`."""
    accounts: Accounts | None = None
    """Who the fans are: all of them, or those of one shard."""
    metered: bool = False
    """Somebody wants to see each second by step."""

    def meter(self) -> Meter | None:
        """What counts a shard's rows second by second, where somebody wants that."""
        return meter_for(self.plan.rehearsal, wanted=self.metered)

    def company(self) -> Company:
        """The fans."""
        return Company(self.target, self.plan, run=self.run, setup=self.setup, accounts=self.accounts)

    def runner(
        self, company: Company, tap: Tap, clock: Clock, start_ns: int, *, shard: int = 0, of: int = 1
    ) -> InlineRunner:
        """One shard, to be played in this process. The first has the prober with it."""
        rehearsal = self.plan.rehearsal
        logins = company.logins(lambda token: self.secrets.add_all([token]), shard)
        probing = company.probing(rehearsal.probe) if rehearsal.probe and shard == 0 else None
        return InlineRunner(
            self.folder,
            clock=clock,
            start_ns=start_ns,
            arrivals=self.plan.arrivals(shard, of),
            load_ns=self.plan.duration_ns,
            casting=company.cast,
            driver=self._fans_driver(clock, start_ns),
            late_at_most_ns=int(rehearsal.generator.late_at_most),
            behind=rehearsal.generator.behind,
            probing=probing,
            probe_driver=self._driver(clock, start_ns) if probing else None,
            logins=logins,
            tap=tap,
            redact=self.secrets.redact if len(self.secrets) or logins is not None else None,
            shard=shard,
            of=of,
        )

    def crew(self, of: int, *, hear: Callable[[int, Portion], None], lost: Callable[[int, str], None]) -> Crew:
        """Workers for all shards, not yet started."""
        parts = [pickle.dumps(Part(bill=self._for(shard, of), shard=shard, of=of)) for shard in range(of)]
        return Crew(_ENTRY, parts, hear=hear, lost=lost)

    def _for(self, shard: int, of: int) -> Playbill:
        """What one worker has to know: the people of its own shard."""
        if self.accounts is None:
            return self
        return msgspec.structs.replace(self, accounts=self.accounts.shard(shard, of))

    def _fans_driver(self, clock: Clock, start_ns: int) -> Driver:
        driver = self._driver(clock, start_ns)
        return driver if self.tracing is None else Traced(driver, self.tracing)

    def _driver(self, clock: Clock, start_ns: int) -> Driver:
        return driver_for(self.driver, self.target, clock, start_ns, self.permit)


def tracing_of(share: float | None, seed: int) -> Tracing | None:
    """Whose traces are kept, as `--trace-sample` says."""
    return None if share is None else Tracing(share, seed)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker is told."""

    bill: Playbill
    shard: int
    of: int


def view_of(plan: Plan, meter: Meter | None = None) -> LiveView:
    """What is seen of it while it happens: of the whole, or of one shard."""
    late_ns = int(plan.rehearsal.generator.late_at_most)
    return LiveView(plan.phases, plan.faults, plan.fans_total, plan.duration_ns, late_at_most_ns=late_ns, meter=meter)


def how_many_workers(asked: int | None, fans: int, *, own_stage: bool) -> int:
    """As many as were asked for; else one a core, without one core that our own stage needs, where so many have work.

    One means that the shard plays in this very process.
    """
    if asked is not None:
        return asked
    return max(1, min(cores_here() - own_stage, fans // FANS_OF_A_WORKER))


def cores_here() -> int:
    """Those that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1

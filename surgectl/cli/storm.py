"""The storm of one rehearsal: crowd and faults side by side, then heal, drain, settle, and read the books."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec

from surgectl.chaos.nemesis import Nemesis
from surgectl.cli.aborting import guarded
from surgectl.cli.casting import Company
from surgectl.cli.ending import ended
from surgectl.cli.evening import Evening
from surgectl.cli.judge import still_open
from surgectl.cli.live_books import live_books
from surgectl.cli.losses import Losses, examined
from surgectl.cli.settling import Settling
from surgectl.cli.shards import Playbill
from surgectl.cli.steering import Steering
from surgectl.cli.watching import watched
from surgectl.engine.run import start_instant
from surgectl.engine.runners.processes import ProcessRunner
from surgectl.engine.runners.runner import Runner
from surgectl.errors import InconclusiveError, SurgectlError
from surgectl.plan.build import Plan
from surgectl.recording import manifest as manifests
from surgectl.recording.manifest import Manifest, Tally
from surgectl.units import show_duration, show_money

_LEAD_NS = 300_000_000
_CREW_LEAD_NS = 1_000_000_000
"""Every worker has its recording open by then, also on a machine that is busy."""
_STATUS_READING_NS = 15_000_000_000


class Storm:
    """Everything is up and stands ready. `await rage()` once."""

    def __init__(self, evening: Evening, bill: Playbill, nemesis: Nemesis, losses: Losses) -> None:
        self._evening = evening
        self._bill = bill
        self._nemesis = nemesis
        self._losses = losses
        self._runner: Runner | None = None
        self._start_ns = 0
        load_ns = evening.prepared.plan.duration_ns
        self._steering = Steering(nemesis, evening.interrupts, evening.logbook, load_ns=load_ns)

    def stop_arrivals(self) -> bool:
        """Nobody else comes; the rest heals, drains and writes as always. False: nobody has come yet."""
        if self._runner is None:
            return False
        self._runner.stop_arrivals()
        return True

    async def rage(self, manifest: Manifest) -> None:
        """From the first arrival to the last row. InconclusiveError where its time had passed; nothing was sent then.

        What fails later is told by the manifest: the recording up to there is good.
        """
        evening, folder = self._evening, self._bill.folder
        logbook, clock = evening.logbook, evening.clock
        target, plan = evening.prepared.target.target, evening.prepared.plan
        manifest, wall = self._begun(manifest)
        company = self._bill.company()
        runner = self._runner_of(company)
        currency = plan.rehearsal.sale.price.currency
        evening.view.links = self._nemesis.links
        secrets = evening.prepared.rehearsal.secrets
        async with (
            evening.outlets.during(evening.view, evening.tap, manifest, clock, logbook),
            watched(
                evening.console,
                plan.rehearsal.name,
                evening.view,
                evening.tap,
                logbook.now_ns,
                lambda minor: show_money(minor, currency),
                tui=evening.wishes.tui,
                steering=self._steering,
            ),
        ):
            variables = company.static_variables
            books = live_books(evening.prepared.target, variables, wall, clock, secrets.redact, evening.view.ledger)
            async with runner, books:
                self._runner = runner
                self._steering.crowd(runner)
                settling = Settling(
                    target,
                    variables,
                    since_epoch_s=wall,
                    clock=clock,
                    folder=folder,
                    root=evening.prepared.target.folder,
                    secrets=secrets,
                    interrupts=evening.interrupts,
                    say=logbook.say,
                )
                try:
                    logbook.say("storm", "the doors open")
                    async with guarded(evening, 0 if self._losses.crew is None else len(self._losses.crew.workers)):
                        await self._load(runner, plan)
                    logbook.say("draining", "no more arrivals; the last fans go home")
                    await self._drain(runner)
                    manifest = manifests.replace(manifest, last_fan_ns=logbook.now_ns())
                    manifest = await self._settle(settling, runner, folder, manifest)
                except SurgectlError as error:
                    # The recording up to here is good; what failed is said, and the audit sees what is missing.
                    why, ours = logbook.redacted(str(error)), error.exit_code == 70
                    manifest = manifests.replace(manifest, status="failed", why=why, our_fault=ours)
                    logbook.note(str(error), "error")
                finally:
                    await self._nemesis.heal()
        if self._losses.workers:
            losses = await asyncio.to_thread(examined, self._losses.workers, folder)
            manifest = manifests.replace(manifest, lost_workers=losses)
        manifest = manifests.replace(manifest, by_hand=self._steering.by_hand)
        tally = self._tally(runner)
        if tally.target_errors:
            logbook.complain(f"{tally.target_errors:,} tabs could not go on: {tally.first_target_error}")
        if tally.slow_calls:
            logbook.complain(f"{tally.slow_calls:,} calls kept everybody waiting: {tally.first_slow_call}")
        manifest = ended(manifest, tally, stage_broke=self._losses.stage, stop=evening.interrupts.first)
        manifest = manifests.replace(
            manifest, ended_at=manifests.stamp(clock.wall()), duration_s=round(logbook.now_ns() / 1e9, 3)
        )
        manifests.save(manifest, folder)

    def _begun(self, manifest: Manifest) -> tuple[Manifest, float]:
        """Fix row time zero → the manifest that knows it, and that instant by the wall clock, in seconds."""
        evening = self._evening
        clock, asked = evening.clock, evening.wishes.start_at
        lead_ns = _LEAD_NS if self._losses.crew is None else _CREW_LEAD_NS
        self._start_ns = start_instant(clock, asked, lead_ns=lead_ns)
        late_ns = clock.now_ns() - self._start_ns
        if late_ns > 0:
            raise InconclusiveError(
                f"its time had passed by {show_duration(late_ns)} when all was ready",
                where="--start-at",
                hint="putting up stage and links takes some seconds: begin earlier, or start later",
            )
        wall = clock.wall().timestamp() + (self._start_ns - clock.now_ns()) / 1e9
        started = datetime.fromtimestamp(wall, tz=clock.wall().tzinfo)
        manifest = manifests.replace(
            manifest,
            started_epoch_s=wall,
            started_at=manifests.stamp(started),
            started_monotonic_ns=self._start_ns,
        )
        manifests.save(manifest, self._bill.folder)
        manifests.point_latest(self._bill.folder)
        evening.logbook.begin(self._start_ns)
        self._nemesis.start_at(self._start_ns)
        return manifest, wall

    def _tally(self, runner: Runner) -> Tally:
        """The counters; what a target's own Python complained of may hold a secret."""
        tally, redacted = runner.tally(), self._evening.logbook.redacted
        return msgspec.structs.replace(
            tally,
            first_target_error=redacted(tally.first_target_error),
            first_script_error=redacted(tally.first_script_error),
        )

    def _runner_of(self, company: Company) -> Runner:
        """What plays the shards: this process, or the crew that stands ready."""
        evening, crew = self._evening, self._losses.crew
        if crew is None:
            return self._bill.runner(company, evening.tap, evening.clock, self._start_ns)
        load_ns = evening.prepared.plan.duration_ns
        return ProcessRunner(crew, clock=evening.clock, start_ns=self._start_ns, load_ns=load_ns)

    async def _load(self, runner: Runner, plan: Plan) -> None:
        """The crowd and the faults, side by side. Heal before the drain: a reply hung in a fault would never come."""
        play = asyncio.create_task(self._nemesis.play(plan.faults))
        try:
            await runner.load()
        finally:
            if not play.done():
                play.cancel()
            await asyncio.gather(play, return_exceptions=True)
            await self._nemesis.heal()
        if not play.cancelled() and (error := play.exception()) is not None:
            raise error

    async def _drain(self, runner: Runner) -> None:
        """Let the last fans go home; a stop while we wait shortens their time."""
        evening = self._evening
        if not await evening.interrupts.race(runner.drain(evening.patience_ns())):
            await runner.drain(evening.patience_ns())

    async def _settle(self, settling: Settling, runner: Runner, folder: Path, manifest: Manifest) -> Manifest:
        """Wait, ask, read. Once more at the end of the window where something still looked open before it."""
        evening, logbook, interrupts = self._evening, self._evening.logbook, self._evening.interrupts
        window_ns = min(evening.prepared.plan.settling.window_ns, evening.patience_ns())
        last_fan_ns = manifest.last_fan_ns or logbook.now_ns()
        if interrupts.first is None:
            await settling.wait_until_at_rest(window_ns)
            logbook.say("settling", "asking for the fate of what was left open")
            await runner.read_statuses(_STATUS_READING_NS)
        await settling.read_the_books(None if interrupts.first is None else evening.patience_ns())
        manifest = manifests.replace(manifest, settled_ns=logbook.now_ns(), tally=self._tally(runner))
        manifests.save(manifest, folder)
        window_over = logbook.now_ns() - last_fan_ns >= window_ns
        if interrupts.first is None and not window_over and await asyncio.to_thread(still_open, folder):
            await settling.wait_out(self._start_ns + last_fan_ns + window_ns)
            await settling.read_the_books()
            manifest = manifests.replace(manifest, settled_ns=logbook.now_ns(), tally=self._tally(runner))
        return manifest

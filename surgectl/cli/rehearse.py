"""One rehearsal from its profile to its recording: stage, links, storm, chaos, healing, settling, evidence.

This is the only place where all parts meet. What is learnt stands in the recording; judging it is judge.py's work.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console

from surgectl import chance
from surgectl.chaos.nemesis import Nemesis
from surgectl.cli.casting import Company, hook_output
from surgectl.cli.driving import driver_for
from surgectl.cli.ending import ended, examined
from surgectl.cli.interrupts import Interrupts
from surgectl.cli.judge import still_open
from surgectl.cli.live_books import live_books
from surgectl.cli.located import located
from surgectl.cli.manifest_of import manifest_of
from surgectl.cli.prepare import Prepared, Wishes, flags_of
from surgectl.cli.reach import reach
from surgectl.cli.settling import Settling
from surgectl.cli.shards import Playbill, how_many_workers
from surgectl.cli.staging import put_up
from surgectl.cli.watching import watched
from surgectl.clock import Clock, SystemClock
from surgectl.engine.guard import Permit, guard, raise_open_files
from surgectl.engine.run import start_instant
from surgectl.engine.runners.processes import Crew, ProcessRunner
from surgectl.engine.runners.runner import Runner
from surgectl.errors import InconclusiveError, SurgectlError
from surgectl.journey.compile import compile_target
from surgectl.live.snapshot import LiveView
from surgectl.live.tap import Tap
from surgectl.pauses import rare_pauses, usual_pauses
from surgectl.plan.build import Plan
from surgectl.profile.target import Target
from surgectl.recording import manifest as manifests
from surgectl.recording.journal import LineFile
from surgectl.recording.manifest import LostWorker, Manifest
from surgectl.recording.rows import NoteRow
from surgectl.units import show_duration, show_money

_LEAD_NS = 300_000_000
_CREW_LEAD_NS = 1_000_000_000
"""Every worker has its recording open by then, also on a machine that is busy."""
_STATUS_READING_NS = 15_000_000_000
_HEAL_ALONE_S = 1.5
"""Of the seconds that a second signal leaves us (cli/interrupts.py)."""


class Rehearsing:
    """One rehearsal under way. `await run()` once."""

    def __init__(self, wishes: Wishes, prepared: Prepared, console: Console) -> None:
        self._wishes = wishes
        self._prepared = prepared
        self._console = console
        self._clock: Clock = SystemClock()
        self._interrupts = Interrupts(kindly=self._stop_kindly, at_once=self._heal_now)
        self._main: asyncio.Task[object] | None = None
        self._runner: Runner | None = None
        self._workers = how_many_workers(wishes.workers, prepared.plan.fans_total, own_stage=prepared.stage is not None)
        self._crew: Crew | None = None
        self._lost: list[LostWorker] = []
        self._nemesis: Nemesis | None = None
        self._folder: Path | None = None
        self._let_go: Callable[[], Awaitable[None]] | None = None
        self._notes: LineFile | None = None
        self._broken_stage = ""
        """Why the stage itself is not to be believed."""
        self._start_ns = 0
        self._tap = Tap()
        secrets = prepared.rehearsal.secrets
        self._redact: Callable[[str], str] | None = secrets.redact if len(secrets) else None
        plan = prepared.plan
        self._view = LiveView(plan.phases, plan.faults, plan.fans_total, plan.duration_ns)

    async def run(self) -> Path:
        """The whole rehearsal. Whatever happens after the first send, every fault is healed and a recording is left.

        Raises UsageError, RefusedError and InconclusiveError only while nothing has been sent.
        """
        target, plan = self._prepared.target.target, self._prepared.plan
        permit = await guard([target.base_url, *target.origins.values()], target.allow)
        raise_open_files()
        located(self._prepared.target, compile_target)  # what cannot be meant is refused before a folder is made
        driver_for(self._wishes.driver, self._prepared.target, self._clock, 0, permit)
        now = self._clock.wall()
        folder = manifests.create_run_folder(self._wishes.reports, plan.rehearsal.name, now, plan.seed)
        run = f"{now:%m%d%H%M%S}{chance.token()[:6]}"
        manifest = manifest_of(
            run,
            plan,
            self._prepared.rehearsal,
            self._prepared.target,
            self._prepared.rehearsal.secrets,
            now=now,
            pid=os.getpid(),
            own_stage=self._prepared.stage is not None,
            asked=self._wishes.profile,
            flags=flags_of(self._wishes),
            workers=self._workers,
        )
        manifests.save(manifest, folder)
        self._folder = folder
        self._main = asyncio.current_task()
        try:
            return await self._on_stage(folder, manifest, permit)
        except asyncio.CancelledError:
            if self._interrupts.first is None:
                raise
            # Stopped before anything was sent: whatever was put up has been taken down on the way here.
            why = f"stopped by {self._interrupts.first.name} before the storm"
            stopped = manifests.replace(
                manifests.load(folder), status="aborted", why=why, stopped_by=self._interrupts.first.name
            )
            manifests.save(stopped, folder)
            return folder
        except Exception as error:
            error.args = (self._shown(error),)
            manifests.save(manifests.replace(manifests.load(folder), status="failed", why=str(error)), folder)
            raise

    async def _on_stage(self, folder: Path, manifest: Manifest, permit: Permit) -> Path:
        """Put everything up, storm, and take everything down again in the right order."""
        target = self._prepared.target.target
        async with AsyncExitStack() as stack:
            stack.enter_context(self._interrupts)
            staged = await put_up(
                stack,
                self._prepared,
                self._wishes,
                manifest,
                folder,
                self._clock,
                complain=self._complain,
                lost=self._part_lost,
                asked=self._part_asked,
            )
            manifest, self._let_go = staged.manifest, staged.give_links_back
            setup = await hook_output(target.setup, "setup") if target.setup else {}
            stack.push_async_callback(self._give_back, target)
            await reach(target)
            chaos = stack.enter_context(LineFile(folder / "chaos.jsonl", tap=self._tap.publish, redact=self._redact))
            self._notes = chaos
            nemesis = Nemesis(
                staged.proxy.server if staged.proxy else None,
                staged.links,
                run=manifest.run,
                clock=self._clock,
                start_ns=0,
                record=chaos.append,
                commands=self._prepared.commands(),
            )
            await stack.enter_async_context(nemesis)
            await nemesis.prepare()
            self._nemesis = nemesis
            bill = Playbill(
                run=manifest.run,
                folder=folder,
                plan=self._prepared.plan,
                target=self._prepared.target,
                setup=setup,
                driver=self._wishes.driver,
                permit=permit,
                secrets=self._prepared.rehearsal.secrets,
            )
            if self._workers > 1:
                crew = bill.crew(self._workers, hear=self._view.hear, lost=self._worker_lost)
                self._crew = await stack.enter_async_context(crew)
            rare_pauses()
            stack.callback(usual_pauses)
            return await self._storm(manifest, bill, nemesis, chaos)

    def _part_lost(self, part: str, why: str) -> None:
        """A part of the stage ended without being asked to: a stage that breaks is not a shop that fails.

        Unless a command of ours is breaking things right now: then this is what it did.
        """
        by_command = self._nemesis is not None and any(fault.run for fault in self._nemesis.open_faults)
        self._note(f"{why}, while a command was breaking things" if by_command else why, "stage")
        if not by_command:
            self._broken_stage = self._broken_stage or why
        self._complain(why)

    def _part_asked(self, said: str) -> None:
        """Somebody at the stage door: a fault's command, or a person at another terminal."""
        self._note(f"at the stage door: {said}", "stage")

    def _worker_lost(self, shard: int, how: str) -> None:
        """One of our own processes ended before its time: the others go on, and the run proves nothing definite."""
        assert self._crew is not None
        told = self._crew.workers[shard].tally
        lost = LostWorker(
            shard=shard,
            of=self._workers,
            at_ns=self._now_ns(),
            why=self._redact(how) if self._redact is not None else how,
            planned=len(range(shard, self._prepared.plan.fans_total, self._workers)),
            arrived=told.arrived,
            left=told.left,
        )
        self._lost.append(lost)
        self._view.gone(shard)
        self._view.say(lost.at_ns, str(lost))
        self._note(str(lost), "worker")
        self._complain(str(lost))

    def _note(self, text: str, kind: str) -> None:
        if self._notes is not None and self._start_ns:
            self._notes.append(NoteRow(at_ns=self._now_ns(), text=text, kind=kind))

    async def _storm(self, manifest: Manifest, bill: Playbill, nemesis: Nemesis, chaos: LineFile) -> Path:
        target, plan = self._prepared.target.target, self._prepared.plan
        rehearsal, folder = plan.rehearsal, bill.folder
        lead_ns = _LEAD_NS if self._crew is None else _CREW_LEAD_NS
        self._start_ns = start_instant(self._clock, self._wishes.start_at, lead_ns=lead_ns)
        late_ns = self._clock.now_ns() - self._start_ns
        if late_ns > 0:
            raise InconclusiveError(
                f"its time had passed by {show_duration(late_ns)} when all was ready",
                where="--start-at",
                hint="putting up stage and links takes some seconds: begin earlier, or start later",
            )
        wall = self._clock.wall().timestamp() + (self._start_ns - self._clock.now_ns()) / 1e9
        started = datetime.fromtimestamp(wall, tz=self._clock.wall().tzinfo)
        manifest = manifests.replace(
            manifest,
            started_epoch_s=wall,
            started_at=manifests.stamp(started),
            started_monotonic_ns=self._start_ns,
        )
        manifests.save(manifest, folder)
        manifests.point_latest(folder)
        nemesis.start_at(self._start_ns)
        company = bill.company()
        runner = self._runner_of(bill, company)
        currency = rehearsal.sale.price.currency
        async with watched(
            self._console,
            rehearsal.name,
            self._view,
            self._tap,
            lambda: self._clock.now_ns() - self._start_ns,
            lambda minor: show_money(minor, currency),
            tui=self._wishes.tui,
        ):
            redact = self._prepared.rehearsal.secrets.redact
            books = live_books(
                self._prepared.target, company.static_variables, wall, self._clock, redact, self._view.ledger
            )
            async with runner, books:
                self._runner = runner
                settling = Settling(
                    target,
                    company.static_variables,
                    since_epoch_s=wall,
                    clock=self._clock,
                    folder=folder,
                    root=self._prepared.target.folder,
                    secrets=self._prepared.rehearsal.secrets,
                    interrupts=self._interrupts,
                    say=self._say,
                )
                try:
                    self._say("storm", "the doors open")
                    await self._load(runner, nemesis, plan)
                    self._say("draining", "no more arrivals; the last fans go home")
                    await self._drain(runner)
                    manifest = manifests.replace(manifest, last_fan_ns=self._now_ns())
                    manifest = await self._settle(settling, runner, folder, manifest)
                except SurgectlError as error:
                    # The recording up to here is good; what failed is said, and the audit sees what is missing.
                    ours = error.exit_code == 70
                    manifest = manifests.replace(manifest, status="failed", why=self._shown(error), our_fault=ours)
                    chaos.append(NoteRow(at_ns=self._now_ns(), text=str(error), kind="error"))
                finally:
                    await nemesis.heal()
        if self._lost:
            losses = await asyncio.to_thread(examined, self._lost, folder)
            manifest = manifests.replace(manifest, lost_workers=losses)
        manifest = ended(manifest, runner.tally(), stage_broke=self._broken_stage, signalled=self._interrupts.first)
        manifest = manifests.replace(
            manifest, ended_at=manifests.stamp(self._clock.wall()), duration_s=round(self._now_ns() / 1e9, 3)
        )
        manifests.save(manifest, folder)
        return folder

    def _runner_of(self, bill: Playbill, company: Company) -> Runner:
        """What plays the shards: this process, or the crew that stands ready."""
        if self._crew is None:
            return bill.runner(company, self._tap, self._clock, self._start_ns)
        return ProcessRunner(
            self._crew, clock=self._clock, start_ns=self._start_ns, load_ns=self._prepared.plan.duration_ns
        )

    async def _drain(self, runner: Runner) -> None:
        """Let the last fans go home; a signal while we wait shortens their time."""
        if not await self._interrupts.race(runner.drain(self._patience_ns())):
            await runner.drain(self._patience_ns())

    async def _give_back(self, target: Target) -> None:
        """The target's teardown: runs on every way out once the setup has run; its failure changes no verdict."""
        if target.teardown is not None:
            try:
                await hook_output(target.teardown, "teardown")
            except SurgectlError as error:
                self._complain(f"teardown failed: {error}")

    async def _settle(self, settling: Settling, runner: Runner, folder: Path, manifest: Manifest) -> Manifest:
        """Wait, ask, read. Once more at the end of the window where something still looked open before it."""
        window_ns = min(self._prepared.plan.settling.window_ns, self._patience_ns())
        last_fan_ns = manifest.last_fan_ns or self._now_ns()
        if self._interrupts.first is None:
            await settling.wait_until_at_rest(window_ns)
            self._say("settling", "asking for the fate of what was left open")
            await runner.read_statuses(_STATUS_READING_NS)
        await settling.read_the_books(None if self._interrupts.first is None else self._patience_ns())
        manifest = manifests.replace(manifest, settled_ns=self._now_ns(), tally=runner.tally())
        manifests.save(manifest, folder)
        window_over = self._now_ns() - last_fan_ns >= window_ns
        if self._interrupts.first is None and not window_over and await asyncio.to_thread(still_open, folder):
            await settling.wait_out(self._start_ns + last_fan_ns + window_ns)
            await settling.read_the_books()
            manifest = manifests.replace(manifest, settled_ns=self._now_ns(), tally=runner.tally())
        return manifest

    async def _load(self, runner: Runner, nemesis: Nemesis, plan: Plan) -> None:
        """The crowd and the faults, side by side. Heal before the drain: a reply hung in a fault would never come."""
        play = asyncio.create_task(nemesis.play(plan.faults))
        try:
            await runner.load()
        finally:
            if not play.done():
                play.cancel()
            await asyncio.gather(play, return_exceptions=True)
            await nemesis.heal()
        if not play.cancelled() and (error := play.exception()) is not None:
            raise error

    def _patience_ns(self) -> int:
        """How long we wait for stragglers and for the books: as the profile allows, and little once we were stopped."""
        at_most = int(self._prepared.plan.rehearsal.settle.at_most)
        return min(at_most, 5_000_000_000) if self._interrupts.first is not None else at_most

    def _now_ns(self) -> int:
        return self._clock.now_ns() - self._start_ns

    def _say(self, doing: str, text: str) -> None:
        self._view.doing = doing
        self._view.say(self._now_ns(), text)

    def _stop_kindly(self) -> None:
        """The first signal: no more arrivals; the rest of `run` heals, drains and writes as always, only sooner."""
        self._say("stopping", "stopping, healing and writing what there is; once more leaves at once")
        if self._runner is not None:
            self._runner.stop_arrivals()
        elif self._main is not None:
            self._main.cancel()

    async def _heal_now(self) -> None:
        """The second signal: heal at best effort, and leave nothing of ours on a server that is not ours."""
        if self._nemesis is not None:
            with suppress(TimeoutError):  # a canary may take longer than anybody waits; the fault goes before it flies
                await asyncio.wait_for(asyncio.shield(self._nemesis.heal()), _HEAL_ALONE_S)
        if self._let_go is not None:
            await self._let_go()
        if self._folder is not None and (signalled := self._interrupts.first) is not None:
            left = manifests.replace(
                manifests.load(self._folder),
                status="aborted",
                stopped_by=signalled.name,
                why=f"stopped by {signalled.name}, twice",
            )
            manifests.save(left, self._folder)

    def _shown(self, error: Exception) -> str:
        """What an error says, without secrets."""
        return self._redact(str(error)) if self._redact is not None else str(error)

    def _complain(self, text: str) -> None:
        text = self._redact(text) if self._redact is not None else text
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

"""One rehearsal from its profile to its recording: stage, links, workers, and then the storm.

Everything is put up here and taken down again in the right order, on every way out. Judging is judge.py's work.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from rich.console import Console

from surgectl import chance
from surgectl.aside import sweep
from surgectl.chaos.nemesis import Nemesis
from surgectl.chaos.tls import secured
from surgectl.cli.driving import driver_for
from surgectl.cli.ending import aborted
from surgectl.cli.evening import Evening
from surgectl.cli.hooks import facts_of, hook_output
from surgectl.cli.interrupts import SIGNALS, Interrupts
from surgectl.cli.located import located, pointing_at
from surgectl.cli.logbook import Logbook
from surgectl.cli.losses import Losses
from surgectl.cli.manifest_of import manifest_of
from surgectl.cli.metering import meter_for
from surgectl.cli.outlets import Outlets
from surgectl.cli.prepare import Prepared, Wishes, flags_of
from surgectl.cli.reach import reach
from surgectl.cli.shards import Playbill, how_many_workers, tracing_of, view_of
from surgectl.cli.staging import put_up
from surgectl.cli.storm import Storm
from surgectl.clock import SystemClock
from surgectl.engine.drivers.sources import check_sources
from surgectl.engine.guard import Permit, guard, raise_open_files
from surgectl.errors import SurgectlError
from surgectl.evidence.check import check_evidence
from surgectl.fans.intent import shared_variables
from surgectl.journey.compile import compile_target
from surgectl.live.tap import Tap
from surgectl.pauses import rare_pauses, usual_pauses
from surgectl.profile.target import Target
from surgectl.recording import manifest as manifests
from surgectl.recording.journal import LineFile
from surgectl.recording.manifest import Manifest
from surgectl.text import one_line

_HEAL_ALONE_S = 1.5
"""Of the seconds that a second signal leaves us (cli/interrupts.py)."""


class Rehearsing:
    """One rehearsal under way. `await run()` once."""

    def __init__(self, wishes: Wishes, prepared: Prepared, console: Console, outlets: Outlets | None = None) -> None:
        plan, secrets, outlets = prepared.plan, prepared.rehearsal.secrets, outlets or Outlets()
        clock, meter = SystemClock(), meter_for(plan.rehearsal, wanted=outlets.any)
        view = view_of(plan, meter)
        self._redact: Callable[[str], str] | None = secrets.redact if len(secrets) else None
        self._evening = Evening(
            wishes=wishes,
            prepared=prepared,
            console=console,
            clock=clock,
            interrupts=Interrupts(kindly=self._stop_kindly, at_once=self._heal_now),
            logbook=Logbook(view, console, clock, self._redact),
            view=view,
            tap=Tap(),
            outlets=outlets,
        )
        self._workers = how_many_workers(wishes.workers, plan.fans_total, own_stage=prepared.stage is not None)
        self._losses = Losses(self._evening.logbook, view, fans=plan.fans_total, by_command=self._breaking_by_command)
        self._main: asyncio.Task[object] | None = None
        self._storm: Storm | None = None
        self._nemesis: Nemesis | None = None
        self._folder: Path | None = None
        self._let_go: Callable[[], Awaitable[None]] | None = None
        self._owed = False
        """The setup has run, and its teardown has not begun."""

    async def run(self) -> Path:
        """The whole rehearsal. Whatever happens after the first send, every fault is healed and a recording is left.

        Raises UsageError, RefusedError and InconclusiveError only while nothing has been sent.
        """
        wishes, prepared = self._evening.wishes, self._evening.prepared
        target, plan = prepared.target.target, prepared.plan
        permit = await guard([target.base_url, *target.origins.values()], target.allow)
        raise_open_files()
        sweep()
        located(prepared.target, compile_target)  # what cannot be meant is refused before a folder is made
        located(prepared.target, lambda target: check_evidence(target, prepared.target.folder))
        driver_for(wishes.driver, prepared.target, self._evening.clock, 0, permit)
        with pointing_at(prepared.target):
            await check_sources(target.bind, [target.base_url, *target.origins.values()])
            for name, link in target.links.items():
                secured(link, prepared.target.folder, f"links.{name}")
        now = self._evening.clock.wall()
        folder = manifests.create_run_folder(wishes.reports, plan.rehearsal.name, now, plan.seed)
        manifest = manifest_of(
            f"{now:%m%d%H%M%S}{chance.token()[:6]}",
            plan,
            prepared.rehearsal,
            prepared.target,
            prepared.rehearsal.secrets,
            now=now,
            pid=os.getpid(),
            own_stage=prepared.stage is not None,
            asked=wishes.profile,
            flags=flags_of(wishes),
            workers=self._workers,
        )
        manifest = manifests.replace(manifest, trace_sample=wishes.trace_sample)
        manifests.save(manifest, folder)
        self._folder = folder
        self._main = asyncio.current_task()
        try:
            await self._on_stage(folder, manifest, permit)
        except asyncio.CancelledError:
            if (stop := self._evening.interrupts.first) is None:
                raise
            # Stopped before anything was sent: whatever was put up has been taken down on the way here.
            manifests.save(aborted(manifests.load(folder), stop, when=" before the storm"), folder)
        except Exception as error:
            error.args = (self._evening.logbook.redacted(str(error)),)
            with suppress(SurgectlError):  # where nothing can be written any more, what failed first is what to say
                manifests.save(manifests.replace(manifests.load(folder), status="failed", why=str(error)), folder)
            raise
        return folder

    async def _on_stage(self, folder: Path, manifest: Manifest, permit: Permit) -> None:
        """Put everything up, storm, and take everything down again in the right order."""
        evening, losses = self._evening, self._losses
        prepared, target = evening.prepared, evening.prepared.target.target
        async with AsyncExitStack() as stack:
            stack.enter_context(evening.interrupts)
            staged = await put_up(
                stack,
                prepared,
                evening.wishes,
                manifest,
                folder,
                evening.clock,
                complain=evening.logbook.complain,
                lost=losses.part_lost,
                asked=losses.part_asked,
            )
            manifest, self._let_go = staged.manifest, staged.give_links_back
            told = {"run": manifest.run, **shared_variables(prepared.plan.rehearsal.sale)}
            place = prepared.target.folder
            setup = await hook_output(target.setup, "setup", folder=place, told=told) if target.setup else {}
            told["setup"] = setup
            self._owed = target.teardown is not None
            stack.push_async_callback(self._give_back, target, told)
            if target.facts:
                facts = {name: evening.logbook.redacted(fact) for name, fact in facts_of(target.facts, told).items()}
                manifest = manifests.replace(manifest, facts=facts)
                manifests.save(manifest, folder)
            await reach(target)
            chaos = stack.enter_context(LineFile(folder / "chaos.jsonl", tap=evening.tap.publish, redact=self._redact))
            evening.logbook.keep_in(chaos)
            nemesis = Nemesis(
                staged.proxy.server if staged.proxy else None,
                staged.links,
                run=manifest.run,
                clock=evening.clock,
                start_ns=0,
                record=chaos.append,
                commands=prepared.commands(),
            )
            await stack.enter_async_context(nemesis)
            with pointing_at(prepared.target):
                await nemesis.prepare()
            self._nemesis = nemesis
            bill = Playbill(
                run=manifest.run,
                folder=folder,
                plan=prepared.plan,
                target=prepared.target,
                setup=setup,
                driver=evening.wishes.driver,
                permit=permit,
                secrets=prepared.rehearsal.secrets,
                accounts=prepared.accounts,
                metered=evening.outlets.any,
                tracing=tracing_of(evening.wishes.trace_sample, prepared.plan.seed),
            )
            if self._workers > 1:
                crew = bill.crew(self._workers, hear=evening.view.hear, lost=losses.worker_lost)
                losses.crew = await stack.enter_async_context(crew)
            rare_pauses()
            stack.callback(usual_pauses)
            self._storm = Storm(evening, bill, nemesis, losses)
            await self._storm.rage(manifest)

    async def _give_back(self, target: Target, told: dict[str, object]) -> None:
        """The target's teardown: runs on every way out once the setup has run; its failure changes no verdict.

        The books are in the recording by then, no fan has a connection open, and every fault is gone.
        """
        if target.teardown is None:
            return
        self._owed = False
        try:
            place = self._evening.prepared.target.folder
            await hook_output(target.teardown, "teardown", folder=place, told=told)
        except SurgectlError as error:
            self._left_behind(f"the teardown failed, what was bought may still stand: {error}")

    def _left_behind(self, why: str) -> None:
        """Say it here, and in every report of the run."""
        self._evening.logbook.complain(why)
        if self._folder is not None:
            told = self._evening.logbook.redacted(one_line(why, 400))
            manifests.save(manifests.replace(manifests.load(self._folder), left_behind=told), self._folder)

    def _breaking_by_command(self) -> bool:
        return self._nemesis is not None and any(fault.run for fault in self._nemesis.open_faults)

    def _stop_kindly(self) -> None:
        """The first stop: no more arrivals; the rest of `run` heals, drains and writes as always, only sooner."""
        said = "stopping, healing and writing what there is; once more leaves at once"
        self._evening.logbook.say("stopping", said)
        if (stop := self._evening.interrupts.first) is not None and stop.by in SIGNALS:
            self._evening.logbook.note(stop.why, "stop")
        stormed = self._storm is not None and self._storm.stop_arrivals()
        if not stormed and self._main is not None:
            self._main.cancel()

    async def _heal_now(self) -> None:
        """The second signal: heal at best effort, and leave nothing of ours on a server that is not ours."""
        if self._nemesis is not None:
            with suppress(TimeoutError):  # a canary may take longer than anybody waits; the fault goes before it flies
                await asyncio.wait_for(asyncio.shield(self._nemesis.heal()), _HEAL_ALONE_S)
        if self._let_go is not None:
            await self._let_go()
        if self._folder is not None and (stop := self._evening.interrupts.first) is not None:
            manifests.save(aborted(manifests.load(self._folder), stop, when=", twice"), self._folder)
        if self._owed:
            # Nor may it: the books may not have been read.
            self._left_behind("the teardown was not run, what was bought still stands: a second signal leaves at once")

"""`surgectl check --try`: plays one fan through a target and shows every step, so that a new shop can be brought up.

The shop is there already; its links are put up as for a run, and taken down on every way out. Pauses for thought are
left out; waiting for the shop is real.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection
from typing import cast

from rich.console import Console

from surgectl import chance
from surgectl.chaos.address import address_of
from surgectl.cli.accounts import accounts_of
from surgectl.cli.driving import DriverName, driver_for
from surgectl.cli.hooks import hook_output
from surgectl.cli.interrupts import Interrupts
from surgectl.cli.located import located, pointing_at
from surgectl.cli.plan_view import console_for_results
from surgectl.cli.through import Through, put_up
from surgectl.cli.try_view import View
from surgectl.clock import SystemClock, since
from surgectl.doctor.patient import Then
from surgectl.engine.drivers.admitted import Admitted
from surgectl.engine.drivers.driver import Listening, Session
from surgectl.engine.drivers.sources import check_sources
from surgectl.engine.drivers.waiting import heard
from surgectl.engine.guard import Permit, guard
from surgectl.engine.logins import Logins
from surgectl.engine.scene import Scene
from surgectl.errors import UsageError
from surgectl.fans.dialogue import Answer, Fork, Leave, Listen, Meet, Minted, Script, Send, Think, Told, Work
from surgectl.fans.intent import Intent
from surgectl.fans.person import Person
from surgectl.fans.policy import compile_policy
from surgectl.journey.compile import compile_target
from surgectl.journey.logins import placeholders
from surgectl.journey.model import Journey
from surgectl.journey.template import UnsetError
from surgectl.profile.load import load_retry_profile, open_target
from surgectl.profile.substitute import Secrets
from surgectl.profile.target import Target
from surgectl.recording.journal import Journal
from surgectl.recording.rows import DoneRow, InvokeRow

_SALE = {"price": "10.00", "price_minor": 1000, "currency": "EUR", "places": 2, "tickets": 1, "limit": None}
"""What {sale.…} stands for when there is no profile to say it."""


def stand_in_sale() -> dict[str, object]:
    """What {sale.…} stands for when there is no profile to say it."""
    return dict(_SALE)


_NO_LINKS = Through(links=False)


def try_target(
    target_path: str, variables: dict[str, str], profile: str = "patient", through: Through = _NO_LINKS
) -> int:
    """Play one fan of that retry profile. The exit code: 0 the target had a rule for how it ended, 12 it had none or
    the shop was not there, 2 a request needed a variable that no step had taken, 130 and 143 somebody stopped it.
    Errors of the file are UsageError."""
    if through.toxiproxy is not None and not through.links:
        raise UsageError("--toxiproxy and --no-links exclude each other", where="--toxiproxy", hint="leave out one")
    return asyncio.run(_tried(target_path, variables, profile, through))


async def _tried(target_path: str, variables: dict[str, str], profile: str, through: Through) -> int:
    """The same, stopped by a signal as a run is: kindly first, and at once by the second one."""
    player = _Trying(target_path, variables, profile, console_for_results(), through)
    me = asyncio.current_task()
    assert me is not None
    with Interrupts(kindly=lambda: _cancel(me), at_once=player.leave) as interrupts:
        try:
            return await player.play()
        except asyncio.CancelledError:
            if interrupts.first is None:
                raise
            player.view.note(f"{interrupts.first.why}: what was put up is down again")
            return 128 + signal.Signals[interrupts.first.by].value


def _cancel(task: asyncio.Task[object]) -> None:
    task.cancel()


async def try_one(
    target_path: str,
    variables: dict[str, str],
    profile: str,
    console: Console,
    then: Then | None = None,
    through: Through = _NO_LINKS,
) -> int:
    """The same, told to `console`. `then` hears what became of it before the teardown gives back what was bought."""
    return await _Trying(target_path, variables, profile, console, through, then).play()


class _Trying:
    """One fan who tries one target. `await play()` once."""

    def __init__(
        self,
        target_path: str,
        variables: dict[str, str],
        profile: str,
        console: Console,
        through: Through,
        then: Then | None = None,
    ) -> None:
        self._path = target_path
        self._secrets = Secrets()
        self._opened = open_target(target_path, variables, secrets=self._secrets)
        self._journey = located(self._opened, compile_target)
        self._accounts = accounts_of(self._opened, 1)
        self._policy = compile_policy(load_retry_profile(profile, near=self._opened.folder))
        self._through = through
        self._then = then
        self._give_back: Callable[[], Awaitable[None]] | None = None
        self._standing: frozenset[str] = frozenset()
        self._owed = False
        """The setup has run, and its teardown has not begun."""
        self.view = View(console, self._secrets, self._journey)

    async def play(self) -> int:
        """The exit code. What was put up is down again when this returns, or raises."""
        opened, target, clock = self._opened, self._opened.target, SystemClock()
        permits = await guard([target.base_url, *target.origins.values()], target.allow)
        with pointing_at(opened):
            await check_sources(target.bind, [target.base_url, *target.origins.values()])
        seed = chance.fresh_seed()
        run = f"try-{seed:08x}"
        told: dict[str, object] = {"run": run, "sale": _SALE}
        async with put_up(self._through, opened, run, clock, self.view.note) as links:
            self._give_back, self._standing = links.give_back, links.names
            if target.setup is not None:
                told["setup"] = await hook_output(target.setup, "setup", folder=opened.folder, told=told)
            self._owed = target.teardown is not None
            try:
                return await self._play(clock, permits, run, seed, {"sale": _SALE, "setup": told.get("setup", {})})
            finally:
                if self._then is not None and (bought := self.view.bought(told.get("setup"))) is not None:
                    await self._then(bought)
                self._owed = False
                if target.teardown is not None:
                    await hook_output(target.teardown, "teardown", folder=opened.folder, told=told)

    async def leave(self) -> None:
        """The second signal: nothing of ours stays on a server that is not ours; what was bought does."""
        if self._owed:
            self.view.note("the teardown was not run, what was bought still stands: a second signal leaves at once")
        if self._give_back is not None:
            await self._give_back()

    async def _play(self, clock: SystemClock, permits: Permit, run: str, seed: int, shared: dict[str, object]) -> int:
        opened, journey, view, accounts = self._opened, self._journey, self.view, self._accounts
        known = {**shared, **placeholders(journey.logins)}
        intent = Intent(run=run, intent=f"{run}-0", fan=0, seed=seed, qty=1, shared=known, accounts=accounts)
        try:
            person = Person(journey, self._policy, intent)
        except UnsetError as error:
            raise UsageError(str(error), where=f"{self._path}: mint") from error
        view.opens(person)
        start_ns = clock.now_ns()
        for name, at in (await _dead_links(opened.target, self._standing)).items():
            view.note(f"link {name}: nobody listens at {at}: a shop that is pointed at it cannot reach {name} now")
        logins = Logins(
            journey.logins,
            {"run": run, **shared},
            seed=seed,
            accounts=accounts,
            learn=lambda token: self._secrets.add_all([token]),
        )
        admitted = Admitted(driver_for(DriverName.WIRE, opened, clock, start_ns, permits), logins, fan=0)
        pen = cast(Journal, _LoginsShown(view))  # a login asks nothing of a journal but to append
        logins.open(Scene(clock=clock, start_ns=start_ns, journal=pen, driver=admitted), admitted.visit)
        async with admitted as driver:
            session = driver.session(cookies=journey.cookies)
            try:
                player = _Player(since(clock, start_ns), session, view, journey, lambda: clock.wall().timestamp())
                return await player.play(person.script)
            finally:
                session.close()


class _LoginsShown:
    """Stands where a run has its journal: the requests of logins are written on the screen."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._under_way: dict[str, InvokeRow] = {}

    def append(self, row: InvokeRow | DoneRow) -> None:
        if isinstance(row, InvokeRow):
            self._under_way[row.attempt] = row
        else:
            self._view.logged_in(self._under_way.pop(row.attempt), row)


async def _dead_links(target: Target, standing: Collection[str]) -> dict[str, str]:
    """Links that nobody has put up → where the shop looks for them."""
    dead: dict[str, str] = {}
    for name, link in target.links.items():
        host, port = address_of(link.listen)
        if name in standing or link.proxy is not None or not link.upstream or not port:
            continue
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
        except OSError:
            dead[name] = link.listen
    return dead


class _Player:
    """Does what the script says, one move after the other."""

    def __init__(
        self, now_ns: Callable[[], int], session: Session, view: View, journey: Journey, wall_s: Callable[[], float]
    ) -> None:
        self._now_ns = now_ns
        self._wall_s = wall_s
        self._session = session
        self._view = view
        self._skipped_ns = 0
        self._ear: Listening | None = None
        self._steps = {step.path: step for step in journey.every_step()}

    async def play(self, script: Script) -> int:
        answer: Answer | bool | None = None
        while True:
            move = script.send(answer)
            answer = None
            match move:
                case Listen():
                    answer = await self._listen(move)
                case Send():
                    answer = await self._send(move)
                case Work():
                    move.do(self._wall_s(), self._now_ns)
                    self._view.worked(move)
                case Think():
                    if move.why == "think":
                        self._skipped_ns += move.ns
                    else:
                        self._view.waits(move)
                        await asyncio.sleep(move.ns / 1e9)
                case Meet():
                    self._view.note(f"barrier {move.name}: would wait for {move.fans} fans")
                    answer = True
                case Fork():
                    self._view.note(f"would open {len(move.tabs)} more tabs: only this one is played")
                    for tab in move.tabs:
                        tab.close()
                case Minted():
                    self._view.note(f"new {move.name}: {move.value}")
                case Told():
                    self._view.told(move)
                case Leave():
                    return self._view.leaves(move)

    async def _send(self, move: Send) -> Answer:
        began_ns = self._now_ns()
        reply = await self._session.send(move.wire, began_ns)
        verdict = move.judge(reply)
        self._view.sent(move, reply, verdict, reply.done_ns - began_ns, self._steps[move.where])
        if move.double is not None:
            self._view.doubles(move.double)
        return Answer(reply=reply, verdict=verdict, now_ns=self._now_ns() + self._skipped_ns)

    async def _listen(self, move: Listen) -> Answer:
        began_ns = self._now_ns()
        self._ear = self._ear or self._session.ear()
        reply = await heard(self._ear, move.wire, move.push, began_ns)
        verdict = move.judge(reply)
        if verdict.then != "poll":
            self._ear.close()
        self._view.heard(move, reply, verdict, reply.done_ns - began_ns, self._steps[move.where])
        return Answer(reply=reply, verdict=verdict, now_ns=self._now_ns() + self._skipped_ns)

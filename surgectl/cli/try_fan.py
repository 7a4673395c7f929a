"""`surgectl check --try`: plays one fan through a target and shows every step, so that a new shop can be brought up.

Starts nothing: the shop is there already. Pauses for thought are left out; waiting for the shop is real.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from surgectl import chance
from surgectl.cli.accounts import accounts_of
from surgectl.cli.driving import DriverName, driver_for
from surgectl.cli.hooks import hook_output
from surgectl.cli.located import located, pointing_at
from surgectl.cli.plan_view import console_for_results
from surgectl.clock import SystemClock, since
from surgectl.doctor.patient import Bought, Then
from surgectl.engine.drivers.admitted import Admitted
from surgectl.engine.drivers.driver import Listening, Session
from surgectl.engine.drivers.sources import check_sources
from surgectl.engine.drivers.waiting import heard
from surgectl.engine.guard import guard
from surgectl.engine.logins import Logins
from surgectl.engine.scene import SLOW_CALL_NS, Scene
from surgectl.errors import UsageError
from surgectl.fans.dialogue import Answer, Double, Fork, Leave, Listen, Meet, Minted, Script, Send, Think, Told, Work
from surgectl.fans.intent import Intent
from surgectl.fans.person import Person
from surgectl.fans.policy import compile_policy
from surgectl.journey.compile import compile_target
from surgectl.journey.logins import placeholders
from surgectl.journey.messages import Reply, Verdict, is_message
from surgectl.journey.model import CompiledStep, Journey
from surgectl.journey.template import UnsetError, show
from surgectl.profile.load import load_retry_profile, open_target
from surgectl.profile.substitute import Secrets
from surgectl.profile.target import Target
from surgectl.recording.journal import Journal
from surgectl.recording.rows import DoneRow, InvokeRow
from surgectl.text import one_line
from surgectl.units import show_duration

_SALE = {"price": "10.00", "price_minor": 1000, "currency": "EUR", "places": 2, "tickets": 1, "limit": None}
"""What {sale.…} stands for when there is no profile to say it."""
_COLOURS = {"ok": "green", "fail": "yellow", "info": "magenta"}
_UNDEFINED = frozenset({"unknown", "not-sent", "quit"})


def stand_in_sale() -> dict[str, object]:
    """What {sale.…} stands for when there is no profile to say it."""
    return dict(_SALE)


def try_target(target_path: str, variables: dict[str, str], profile: str = "patient") -> int:
    """Play one fan of that retry profile. The exit code: 0 the target had a rule for how it ended, 12 it had none or
    the shop was not there, 2 a request needed a variable that no step had taken. Errors of the file are UsageError."""
    return asyncio.run(try_one(target_path, variables, profile, console_for_results()))


async def try_one(
    target_path: str, variables: dict[str, str], profile: str, console: Console, then: Then | None = None
) -> int:
    """The same, told to `console`. `then` hears what became of it before the teardown gives back what was bought."""
    secrets = Secrets()
    opened = open_target(target_path, variables, secrets=secrets)
    target = opened.target
    journey = located(opened, compile_target)
    accounts = accounts_of(opened, 1)
    policy = compile_policy(load_retry_profile(profile, near=opened.folder))
    view = _View(console, secrets, journey)

    async def play() -> int:
        permits = await guard([target.base_url, *target.origins.values()], target.allow)
        with pointing_at(opened):
            await check_sources(target.bind, [target.base_url, *target.origins.values()])
        seed = chance.fresh_seed()
        run = f"try-{seed:08x}"
        told: dict[str, object] = {"run": run, "sale": _SALE}
        if target.setup is not None:
            told["setup"] = await hook_output(target.setup, "setup", folder=opened.folder, told=told)
        setup = told.get("setup", {})
        try:
            told_all: dict[str, object] = {"sale": _SALE, "setup": setup}
            shared = {**told_all, **placeholders(journey.logins)}
            intent = Intent(run=run, intent=f"{run}-0", fan=0, seed=seed, qty=1, shared=shared, accounts=accounts)
            try:
                person = Person(journey, policy, intent)
            except UnsetError as error:
                raise UsageError(str(error), where=f"{target_path}: mint") from error
            view.opens(person)
            clock = SystemClock()
            start_ns = clock.now_ns()
            for name, at in (await _dead_links(target)).items():
                view.note(
                    f"link {name}: nobody listens at {at}. A rehearsal puts its links up, one fan does not: a shop that"
                    f" is pointed at it cannot reach {name} now. Point it at the real one, or start the proxy yourself"
                )
            logins = Logins(
                journey.logins,
                {"run": run, **told_all},
                seed=seed,
                accounts=accounts,
                learn=lambda token: secrets.add_all([token]),
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
        finally:
            if then is not None and (bought := view.bought(told.get("setup"))) is not None:
                await then(bought)
            if target.teardown is not None:
                await hook_output(target.teardown, "teardown", folder=opened.folder, told=told)

    return await play()


class _LoginsShown:
    """Stands where a run has its journal: the requests of logins are written on the screen."""

    def __init__(self, view: _View) -> None:
        self._view = view
        self._under_way: dict[str, InvokeRow] = {}

    def append(self, row: InvokeRow | DoneRow) -> None:
        if isinstance(row, InvokeRow):
            self._under_way[row.attempt] = row
        else:
            self._view.logged_in(self._under_way.pop(row.attempt), row)


async def _dead_links(target: Target) -> dict[str, str]:
    """Links that only a rehearsal would put up → where the shop looks for them."""
    dead: dict[str, str] = {}
    for name, link in target.links.items():
        host, _, port = link.listen.rpartition(":")
        if link.proxy is not None or not link.upstream or not port.isdecimal() or port == "0":
            continue
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
        except OSError:
            dead[name] = link.listen
    return dead


class _Player:
    """Does what the script says, one move after the other."""

    def __init__(
        self, now_ns: Callable[[], int], session: Session, view: _View, journey: Journey, wall_s: Callable[[], float]
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


class _View:
    """What a person reads. Whatever a shop said is made harmless, and what came from the environment is hidden."""

    def __init__(self, console: Console, secrets: Secrets, journey: Journey) -> None:
        self._console = console
        self._secrets = secrets
        self._journey = journey
        self._sends = 0
        self._polls = 0
        self._heard = ""
        self._waited_ns = 0
        self._person: Person | None = None
        self._left: Leave | None = None
        self._claims: dict[str, object] = {}

    def bought(self, setup: object) -> Bought | None:
        """What became of the fan; None while they have not left."""
        if self._person is None or self._left is None:
            return None
        return Bought(
            run=self._person.intent.run,
            intent=self._person.intent.intent,
            end=self._left.end,
            outcome=self._left.outcome,
            detail=self._left.detail,
            requests=self._sends,
            minted=dict(self._person.minted),
            claims=self._claims,
            setup=setup,
        )

    def _clean(self, value: object, most: int = 300) -> str:
        return one_line(self._secrets.redact(value if isinstance(value, str) else show(value)), most)

    def _line(self, *parts: str | tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def note(self, text: str) -> None:
        self._line("    ", (self._clean(text), "dim"))

    def opens(self, person: Person) -> None:
        self._person = person
        self._line(
            ("one fan", "bold"),
            f" ({person.policy.name}) through ",
            (self._clean(self._journey.name), "bold"),
            f", run {person.intent.run}",
        )
        for name, value in person.minted.items():
            self.note(f"minted {name} = {value}")
        if any("sale" in names for names in self._names()):
            self.note("{sale.…} stands for a ticket at 10.00 EUR: no profile says otherwise here")

    def logged_in(self, sent: InvokeRow, came: DoneRow) -> None:
        """A request of a login: what came of it, and nothing of what it gave."""
        self._sends += 1
        self._line(
            (f"{self._sends:>3} ", "dim"),
            (self._clean(sent.step, 40), "bold"),
            (" [login]  ", "dim"),
            f"{sent.method}  ",
            (str(came.status or came.why), "bold"),
            "  → ",
            (
                f"{came.outcome} {'let in' if came.outcome == 'ok' else self._clean(came.detail)}",
                _COLOURS[came.outcome],
            ),
        )

    def _names(self) -> Iterable[frozenset[str]]:
        for step in self._journey.every_step():
            if step.request is not None:
                yield step.request.names
            if step.poll is not None:
                yield step.poll.request.names
            if step.listen is not None:
                yield step.listen.request.names

    def waits(self, move: Think) -> None:
        if move.why == "poll":
            self._waited_ns += move.ns
        else:
            self.note(f"waits {show_duration(move.ns)} and tries again")

    def worked(self, work: Work) -> None:
        """What somebody's Python worked out: values, or the request as it will be sent."""
        self._line(
            "    ",
            (self._clean(work.step, 40), "bold"),
            f"  call {self._clean(work.name, 60)} in {show_duration(work.took_ns)}",
            (" (slow: everybody waits meanwhile)" if work.took_ns > SLOW_CALL_NS else "", "yellow"),
        )
        if work.reply is not None:
            self.note(f"returned {work.reply.body.decode('utf-8', 'replace')}")
        for wire in work.wires:
            for name, value in wire.headers:
                self.note(f"{name}: {value}")
            if wire.body:
                self.note(f"body: {wire.body[:400].decode('utf-8', 'replace')}")

    def doubles(self, double: Double) -> None:
        self.note(f"would double-click after {show_duration(double.after_ns)}: not played")

    def sent(self, move: Send, reply: Reply, verdict: Verdict, took_ns: int, step: CompiledStep) -> None:
        """A request line, what came back, the rule that matched, and what was read out of it."""
        self._sends += 1
        if move.poll:
            self._polls += 1
            if verdict.then == "poll" and reply.broken is None and self._polls > 1:
                return  # the same answer again and again: counted, and shown once it changes things
        name = f"{self._clean(move.step, 40)}{' (poll)' if move.poll else ''}"
        again = f"  try {move.try_}" if move.try_ > 1 and not move.poll else ""
        self._line(
            (f"{self._sends:>3} ", "dim"),
            (name, "bold"),
            (f" [{move.role}]{again}  ", "dim"),
            f"{move.wire.method} {self._clean(move.wire.url)}",
        )
        came = f"{reply.status}" if reply.broken is None else f"{reply.broken}: {self._clean(reply.detail)}"
        colour = _COLOURS[verdict.outcome]
        self._line(
            "    ",
            (came, "bold"),
            f" in {show_duration(took_ns)}",
            *self._waiting(move),
            "  → ",
            (f"{verdict.outcome} {self._clean(verdict.why)}", colour),
        )
        if reply.broken is None:
            self._line("    ", (self._rule(move, verdict, step), "dim"))
        if move.key is not None:
            self.note(f"key {move.key}")
        self._read(verdict)
        if verdict.then == "unknown" and reply.broken is None:
            self._unmatched(reply)
        if not move.poll:
            self._polls = 0

    def heard(self, move: Listen, reply: Reply, verdict: Verdict, took_ns: int, step: CompiledStep) -> None:
        """A message that was pushed, each of them: they are few, and each says something else."""
        self._sends += 1
        colour = _COLOURS[verdict.outcome]
        pushed = is_message(reply)
        if self._heard != move.wire.url:
            self._heard = move.wire.url
            kind = "event stream" if move.push.kind == "sse" else "WebSocket"
            self._line(
                (f"{self._sends:>3} ", "dim"),
                (f"{self._clean(move.step, 40)} (await)", "bold"),
                (f" [{move.role}]  ", "dim"),
                f"{kind} {self._clean(move.wire.url)}",
            )
        if pushed:
            event = self._clean(reply.headers[0][1], 40)
            came = f"{event}: {self._clean(reply.body.decode('utf-8', 'replace'), 120)}"
        elif reply.broken is None:
            came = f"{reply.status}, {self._clean(reply.detail)}"
        else:
            came = f"{reply.broken}: {self._clean(reply.detail)}"
        self._line(
            "    ",
            (came, "bold" if pushed else ""),
            f" after {show_duration(took_ns)}  → ",
            (f"{verdict.outcome} {self._clean(verdict.why)}", colour),
        )
        rules = step.listen.rules if step.listen is not None else ()
        if verdict.rule is not None:
            self.note(f"rule {verdict.rule}: {rules[verdict.rule]}")
        self._read(verdict)

    def _waiting(self, move: Send) -> list[str]:
        if not move.poll or self._polls <= 1:
            return []
        text = f", poll {self._polls} after {show_duration(self._waited_ns)} of waiting"
        return [text]

    def _rule(self, move: Send, verdict: Verdict, step: CompiledStep) -> str:
        rules = step.poll.rules if move.poll and step.poll is not None else step.rules
        if verdict.rule is None:
            if verdict.why == "unmatched" or verdict.then not in ("next", "poll"):
                return self._clean(verdict.detail)
            return "no rules: 2xx goes on" if verdict.then == "next" else "no rule: not yet"
        return f"rule {verdict.rule}: {self._clean(rules[verdict.rule])}" + (
            f"  ({self._clean(verdict.detail)})" if verdict.detail else ""
        )

    def _read(self, verdict: Verdict) -> None:
        self._claims |= verdict.claims
        table = Table.grid(padding=(0, 1))
        rows = [("took", name, value) for name, value in verdict.takes.items()]
        rows += [("claims", name, value) for name, value in verdict.claims.items()]
        for kind, name, value in rows:
            table.add_row(
                "   ", Text(kind, "dim"), Text(self._clean(name), "cyan"), Text(f"= {self._clean(value, 120)}")
            )
        if rows:
            self._console.print(table)
        if verdict.hint_ns is not None:
            self.note(f"the shop asks to wait {show_duration(verdict.hint_ns)}")

    def _unmatched(self, reply: Reply) -> None:
        """What a rule for this reply would have to name."""
        for name, value in reply.headers:
            if name.lower() in ("location", "content-type", "retry-after"):
                self.note(f"{name}: {value}")
        body = reply.body.decode("utf-8", "replace")
        self.note(f"body: {body[:400]}" if body else "no body")

    def told(self, move: Told) -> None:
        colour = _COLOURS[move.outcome]
        self._polls = self._waited_ns = 0
        if move.end != "next":
            self._line(
                "    ", (f"{self._clean(move.step, 40)} came to: ", "dim"), (f"{move.end} ({move.outcome})", colour)
            )

    def leaves(self, move: Leave) -> int:
        """The last line, and the exit code."""
        self._left = move
        self._line(
            ("ended ", "bold"),
            (self._clean(move.end), f"bold {_COLOURS[move.outcome]}"),
            f" ({move.outcome}) after {self._sends} requests",
        )
        if move.detail:
            self.note(move.detail)
        if move.end == "target-error":
            return 2
        return 12 if move.outcome == "info" or move.end in _UNDEFINED else 0

"""What a person sees of one fan who tries a target: each step's request, reply, matched rule and what was read."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from surgectl.doctor.patient import Bought, Heard
from surgectl.engine.scene import SLOW_CALL_NS
from surgectl.fans.dialogue import Double, Leave, Listen, Send, Think, Told, Work
from surgectl.fans.person import Person
from surgectl.journey.messages import Reply, Verdict, is_message
from surgectl.journey.model import CompiledStep, Journey
from surgectl.journey.template import show
from surgectl.profile.substitute import Secrets
from surgectl.recording.rows import DoneRow, InvokeRow
from surgectl.text import one_line
from surgectl.units import show_duration

_COLOURS = {"ok": "green", "fail": "yellow", "info": "magenta"}
_UNDEFINED = frozenset({"unknown", "not-sent", "quit"})


class View:
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
        self._pushed: dict[str, Heard] = {}

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
            heard=self._pushed,
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
        if step.path not in self._pushed or (pushed and not is_message(self._pushed[step.path].reply)):
            self._pushed[step.path] = Heard(reply=reply, verdict=verdict, took_ns=took_ns)
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

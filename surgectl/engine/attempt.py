"""One send of a fan: written down, then sent, then judged, then written down again.

The order that everything rests on: intent, then invoke, then (for holds and payments) the flush, then the bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any, Protocol

from surgectl.engine.drivers.driver import Mark, Session, UnderWay
from surgectl.engine.scene import Scene
from surgectl.errors import SurgectlError
from surgectl.fans.dialogue import Send
from surgectl.journey.messages import Reply, Verdict, Wire
from surgectl.recording.journal import JournalError
from surgectl.recording.rows import DoneRow, InvokeRow
from surgectl.units import NS_PER_S

EFFECTS: Collection[str] = frozenset({"hold", "pay"})
"""Roles whose sends may change a ledger: never on the wire before their invoke is flushed."""


class ScriptError(SurgectlError):
    """A script or a judge failed: an error of ours or of a target's hook, never the shop's."""


class Sender(Protocol):
    """The tab that an attempt is made in."""

    scene: Scene
    number: int
    session: Session

    @property
    def intent(self) -> str: ...

    @property
    def whose(self) -> int:
        """The fan's number."""
        ...

    def begun(self, op: int) -> None:
        """The shop may have begun this operation."""
        ...

    def doubts(self) -> None:
        """Something may or may not have happened, and nobody will tell."""
        ...

    def answered(self, attempt: Attempt, reply: Reply, verdict: Verdict) -> None:
        """A reply came, or it is known that none will."""
        ...

    def unanswered(self, attempt: Attempt) -> None:
        """It was given up."""
        ...

    def failed(self, error: Exception, *, double: bool = False) -> None:
        """It could not be written down, or not be judged."""
        ...


class Attempt(Mark):
    """`attempt.begin()` once; the tab hears `answered`, `unanswered` or `failed`."""

    __slots__ = ("_due_ns", "_move", "_tab", "_under_way", "_wire", "double", "name", "over")

    def __init__(self, tab: Sender, move: Send, wire: Wire, name: str, due_ns: int, *, double: bool = False) -> None:
        self.sent_ns = None
        self.sends = 0
        self.failure = None
        self.double = double
        """The second half of a double click: its verdict is journalled, nobody waits for it."""
        self._tab = tab
        self._move = move
        self._wire = wire
        self.name = name
        """As the recording calls it."""
        self._due_ns = due_ns
        self._under_way: UnderWay | None = None
        self.over = False

    @property
    def intent(self) -> str:
        return self._tab.intent

    @property
    def fan(self) -> int:
        """The number of the fan who makes it."""
        return self._tab.whose

    def begin(self) -> None:
        """Write it down, then send it. Raises JournalError."""
        tab, move, wire = self._tab, self._move, self._wire
        scene = tab.scene
        ledger = move.role in EFFECTS and not move.poll
        scene.counts.in_flight += 1
        scene.journal.append(
            InvokeRow(
                attempt=self.name,
                intent=tab.intent,
                step=move.step,
                role=move.role,
                op=move.op,
                due_ns=self._due_ns,
                at_ns=scene.now_ns(),
                tab=tab.number,
                try_=move.try_,
                poll=move.poll,
                double=self.double,
                method=self._method(),
                key=move.key,
                body=_digest(wire.body) if ledger and move.key is not None else None,
            )
        )
        if ledger:
            scene.journal.when_written(self._written)
        else:
            try:
                self._send()
            except Exception:
                self._give_up()
                raise

    def _method(self) -> str:
        return self._wire.method

    def quit(self) -> None:
        """The fan closes the tab: no answer is wanted any more."""
        if self.over:
            return
        if self._under_way is not None:
            self._under_way.quit()
        else:
            self._quit()

    def _written(self, broken: JournalError | None) -> None:
        if self.over:
            return
        try:
            if broken is not None:
                raise broken
            self._send()
        except Exception as error:  # noqa: BLE001 - the tab tells whoever must know
            self._give_up()
            self._tab.failed(error, double=self.double)

    def _send(self) -> None:
        tab = self._tab
        tab.scene.counts.sent += 1
        self._under_way = tab.session.start(self._wire, self._due_ns, self, self._answered)

    def _answered(self, reply: Reply) -> None:
        """The fate of the send is known."""
        if self.over:
            return
        try:
            if reply.broken == "quit":
                self._quit()
                return
            verdict = self._judged(reply)
        except Exception as error:  # noqa: BLE001 - the tab tells whoever must know
            self._give_up()
            self._tab.failed(error, double=self.double)
            return
        self._give_up()
        if self._move.role in EFFECTS:
            if self.double:
                if verdict.outcome == "info":
                    self._tab.doubts()  # nobody tells of a second click, yet it may have landed
            elif verdict.outcome != "fail":
                self._tab.begun(self._move.op)
        self._tab.answered(self, reply, verdict)

    def _judged(self, reply: Reply) -> Verdict:
        try:
            if self.failure is not None:
                raise self.failure
            verdict = self._move.judge(reply)
        except Exception as error:
            # The reply came, but we cannot say what it means: it stays open, and the run ends with an internal error.
            said = f"{type(error).__name__}: {error}"
            verdict = Verdict(outcome="info", why="script-error", then="unknown", detail=said)
            self._done(reply, verdict)
            who = "judge" if self.failure is None else "send"
            raise ScriptError(f"the {who} of step {self._move.step} failed: {said}") from error
        self._done(reply, verdict)
        return verdict

    def _done(self, reply: Reply, verdict: Verdict) -> None:
        self._tab.scene.journal.append(
            DoneRow(
                attempt=self.name,
                outcome=verdict.outcome,
                why=verdict.why,
                sent_ns=reply.sent_ns,
                done_ns=reply.done_ns,
                status=reply.status or None,
                size=len(reply.body),
                then=verdict.then,
                claims=_claimed(verdict),
                detail=verdict.detail or reply.detail,
            )
        )

    def _quit(self) -> None:
        """The fan closed the socket under a send: after a byte, nobody knows what the shop made of it."""
        scene, sent = self._tab.scene, self.sent_ns is not None
        if sent and self._move.role in EFFECTS:
            self._tab.doubts()
        self._give_up()
        try:
            scene.journal.append(
                DoneRow(
                    attempt=self.name,
                    outcome="info" if sent else "fail",
                    why="quit" if sent else "not-sent",
                    sent_ns=self.sent_ns,
                    done_ns=scene.now_ns(),
                    then="unknown" if sent else "",
                    detail="" if sent else "quit before a byte left",
                )
            )
        except JournalError as error:
            self._tab.failed(error)
        else:
            self._tab.unanswered(self)

    def _give_up(self) -> None:
        """Nothing more will come of it."""
        self.over = True
        self._under_way = None
        self._tab.scene.counts.in_flight -= 1


def _claimed(verdict: Verdict) -> dict[str, Any]:
    """What the shop said. Of a refusal for overload also when to come back: null where it stands nowhere (SHED)."""
    if verdict.then != "shed" or not verdict.hinted:
        return verdict.claims
    return verdict.claims | {"wait_s": None if verdict.hint_ns is None else verdict.hint_ns / NS_PER_S}


def _digest(body: bytes | None) -> str:
    """What tells a repetition from another wish under the same key: nobody can read the body out of it."""
    return hashlib.blake2b(body or b"", digest_size=8).hexdigest()

"""One fan in front of the shop: does what its script says, and writes it down first.

The order that everything rests on: intent, then invoke, then (for holds and payments) the flush, then the bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections.abc import Collection
from typing import Any

from surgectl.engine.drivers.driver import Mark, Session
from surgectl.engine.scene import Part, Scene
from surgectl.errors import SurgectlError
from surgectl.fans.dialogue import Answer, Double, Fork, Leave, Meet, Minted, Script, Send, Think, Told
from surgectl.journey.messages import Reply, Verdict, Wire
from surgectl.recording.journal import JournalError
from surgectl.recording.rows import DoneRow, InvokeRow, LeftRow, MintRow, Outcome, ToldRow
from surgectl.units import NS_PER_S

EFFECTS: Collection[str] = frozenset({"hold", "pay"})
"""Roles whose sends may change a ledger: never on the wire before their invoke is flushed."""


class ScriptError(SurgectlError):
    """A script or a judge failed: an error of ours or of a target's hook, never the shop's."""


class Fan:
    """A person with one or more tabs open. `await fan.live(due_ns)` plays them to their end."""

    def __init__(self, scene: Scene, part: Part) -> None:
        self.scene = scene
        self.part = part
        self.intent = part.intent.intent
        self.confirmed = False
        self.open_question = False
        """Something was accepted, or may or may not have happened."""
        self.met: set[str] = set()
        self._undecided: set[tuple[int, int]] = set()
        """(tab, operation) of role hold or pay that the shop may have begun and of which nothing was told yet."""
        self._tabs: dict[asyncio.Task[None], int] = {}
        self._main: asyncio.Task[None] | None = None
        self._next_tab = 1
        self._closing = False
        self._shut: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Fan {self.part.intent.fan} {self.part.intent.profile} {self.intent}>"

    @property
    def wants_status(self) -> bool:
        """Was the fan left accepted or in doubt, so that somebody must ask later?"""
        return self.open_question and not self.confirmed

    async def live(self, due_ns: int) -> None:
        """From arrival to the last tab's end. Raises JournalError; asyncio.CancelledError where it is cut off."""
        counts = self.scene.counts
        counts.active += 1
        try:
            self.scene.journal.append(self.part.intent)
            self._main = asyncio.current_task()
            try:
                await self._play(self.part.script, 0, due_ns)
            finally:
                self._main = None
            while self._tabs:
                done, _ = await asyncio.wait(self._tabs)
                self._reap(done)
        finally:
            await _end(self._tabs)
            counts.active -= 1
            counts.left += 1
            self.scene.barriers.gone(self.met)

    async def ask_status(self, script: Script) -> None:
        """Play a status script: knowledge, journalled, never an attempt."""
        await self._play(script, 0, self.scene.now_ns(), status=True)

    # -- tabs

    def _reap(self, done: set[asyncio.Task[None]]) -> None:
        for task in done:
            self._tabs.pop(task, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _open(self, fork: Fork, due_ns: int) -> None:
        for script in fork.tabs:
            if self._closing:
                script.close()
                continue
            task = asyncio.create_task(self._play(script, self._next_tab, due_ns))
            self._tabs[task] = self._next_tab
            self._next_tab += 1

    def _close_others(self) -> None:
        """The first success closes the other tabs: sockets and all."""
        self._closing = True
        me = asyncio.current_task()
        others = [*self._tabs, *([self._main] if self._main is not None else [])]
        for task in others:
            if task is not me and task not in self._shut:
                self._shut.add(task)
                task.cancel()

    async def _play(self, script: Script, tab: int, due_ns: int, *, status: bool = False) -> None:
        """One tab to its end."""
        session = self.scene.driver.session(cookies=self.part.cookies)
        doubles: dict[asyncio.Task[None], int] = {}
        try:
            leave = await self._moves(script, tab, due_ns, session, doubles)
            if not status:
                self._left(tab, leave.end, leave.outcome, leave.detail)
                if leave.end == "target-error":
                    self.scene.counts.target_error(leave.detail)
            if tab == 0:
                self._main = None  # from here on a success elsewhere closes nothing of ours
            while doubles:
                done, _ = await asyncio.wait(doubles)
                for task in done:
                    doubles.pop(task)
                    await task  # raises what it raised
        except asyncio.CancelledError:
            # Closed by a sibling's success, or cut off by the engine. In-flight sends have written their own row.
            await _end(doubles)
            me = asyncio.current_task()
            by_sibling = me in self._shut
            self._leave_open(tab)
            if not status:
                self._left(tab, "closed" if by_sibling else "cut-off", "info" if self.open_question else "fail")
            if me is None or not by_sibling or me.uncancel() > 0:
                raise
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - counted, journalled, and exit 70 at the end: never swallowed
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.scene.counts.script_error(
                f"fan {self.part.intent.fan}: {type(error).__name__}: {error} ({where.name}:{where.lineno})"
            )
            self.open_question = True
            if not status:
                self._left(tab, "script-error", "info", type(error).__name__)
        finally:
            await _end(doubles)
            script.close()
            await session.close()

    def _left(self, tab: int, end: str, outcome: Outcome, detail: str = "") -> None:
        now_ns = self.scene.now_ns()
        row = LeftRow(intent=self.intent, end=end, outcome=outcome, at_ns=now_ns, tab=tab, detail=detail)
        self.scene.journal.append(row)

    def _leave_open(self, tab: int) -> None:
        """The tab ends in mid-operation: what the shop may have begun stays an open question."""
        if any(where == tab for where, _ in self._undecided):
            self.open_question = True

    # -- moves

    async def _moves(
        self, script: Script, tab: int, due_ns: int, session: Session, doubles: dict[asyncio.Task[None], int]
    ) -> Leave:
        """Do what the script says until it leaves. `due_ns` is when the next move was due, however late we are."""
        scene = self.scene
        answer: Answer | bool | None = None
        while True:
            try:
                move = script.send(answer)
            except StopIteration:
                raise ScriptError("a script ended without leaving") from None
            answer = None
            match move:
                case Send():
                    if move.double is not None:
                        double = asyncio.create_task(self._double(session, move, move.double, tab, due_ns))
                        doubles[double] = tab
                    answer = await self._send(session, move, tab, due_ns)
                    due_ns = answer.now_ns
                case Think():
                    due_ns += max(0, move.ns)
                    await scene.sleep_until_ns(due_ns)
                case Minted():
                    now_ns = scene.now_ns()
                    scene.journal.append(MintRow(intent=self.intent, name=move.name, value=move.value, at_ns=now_ns))
                case Told():
                    self._told(move, tab)
                case Fork():
                    self._open(move, due_ns)
                case Meet():
                    self.met.add(move.name)
                    answer = await scene.barriers.meet(move.name, move.fans, move.within_ns)
                    due_ns = scene.now_ns()
                case Leave():
                    return move
                case _:
                    raise ScriptError(f"a script said {type(move).__name__}, which is no move")

    def _told(self, told: Told, tab: int) -> None:
        self.scene.journal.append(
            ToldRow(
                intent=self.intent,
                op=told.op,
                step=told.step,
                role=told.role,
                outcome=told.outcome,
                end=told.end,
                at_ns=self.scene.now_ns(),
                tab=tab,
                claims=told.claims,
                status_read=told.status_read,
            )
        )
        if told.status_read:
            return
        self._undecided.discard((tab, told.op))
        if told.end == "confirmed":
            self.confirmed = True
            self._close_others()
        elif told.end == "accepted" or (told.outcome == "info" and told.role in EFFECTS):
            self.open_question = True

    async def _double(self, session: Session, move: Send, double: Double, tab: int, due_ns: int) -> None:
        """The second click: the same bytes a moment later. Its verdict is journalled, nobody waits for it."""
        at_ns = max(due_ns, self.scene.now_ns()) + double.after_ns
        await self.scene.sleep_until_ns(at_ns)
        try:
            await self._attempt(session, move, double.wire, double.attempt, tab, at_ns, double=True)
        except ScriptError as error:
            self.scene.counts.script_error(f"fan {self.part.intent.fan}: {error}")

    async def _send(self, session: Session, move: Send, tab: int, due_ns: int) -> Answer:
        reply, verdict = await self._attempt(session, move, move.wire, move.attempt, tab, due_ns, double=False)
        return Answer(reply=reply, verdict=verdict, now_ns=max(due_ns, self.scene.now_ns()))

    async def _attempt(
        self, session: Session, move: Send, wire: Wire, attempt: str, tab: int, due_ns: int, *, double: bool
    ) -> tuple[Reply, Verdict]:
        """Journal, send, judge, journal."""
        scene = self.scene
        effect = move.role in EFFECTS
        scene.journal.append(
            InvokeRow(
                attempt=attempt,
                intent=self.intent,
                step=move.step,
                role=move.role,
                op=move.op,
                due_ns=due_ns,
                at_ns=scene.now_ns(),
                tab=tab,
                try_=move.try_,
                poll=move.poll,
                double=double,
                method=wire.method,
                key=move.key,
                body=_digest(wire.body) if move.key is not None and effect and not move.poll else None,
            )
        )
        mark = Mark()
        scene.counts.in_flight += 1
        try:
            if effect and not move.poll:
                await scene.journal.commit()
            scene.counts.sent += 1
            reply = await session.send(wire, due_ns, mark)
        except asyncio.CancelledError:
            if effect and mark.sent_ns is not None:
                self.open_question = True
            self._quit(attempt, mark)
            raise
        finally:
            scene.counts.in_flight -= 1
        try:
            verdict = move.judge(reply)
        except Exception as error:
            # The reply came, but we cannot say what it means: it stays open, and the run ends with an internal error.
            said = f"{type(error).__name__}: {error}"
            verdict = Verdict(outcome="info", why="script-error", then="unknown", detail=said)
            self._done(attempt, reply, verdict)
            raise ScriptError(f"the judge of step {move.step} failed: {said}") from error
        self._done(attempt, reply, verdict)
        if effect and double:
            self.open_question |= verdict.outcome == "info"  # nobody tells of a second click, yet it may have landed
        elif effect and verdict.outcome != "fail":
            self._undecided.add((tab, move.op))
        return reply, verdict

    def _done(self, attempt: str, reply: Reply, verdict: Verdict) -> None:
        self.scene.journal.append(
            DoneRow(
                attempt=attempt,
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

    def _quit(self, attempt: str, mark: Mark) -> None:
        """The fan closed the socket under a send: after a byte, nobody knows what the shop made of it."""
        sent = mark.sent_ns is not None
        self.scene.journal.append(
            DoneRow(
                attempt=attempt,
                outcome="info" if sent else "fail",
                why="quit" if sent else "not-sent",
                sent_ns=mark.sent_ns,
                done_ns=self.scene.now_ns(),
                then="unknown" if sent else "",
                detail="" if sent else "quit before a byte left",
            )
        )


def _claimed(verdict: Verdict) -> dict[str, Any]:
    """What the shop said. Of a refusal for overload also when to come back: null where it stands nowhere (SHED)."""
    if verdict.then != "shed" or not verdict.hinted:
        return verdict.claims
    return verdict.claims | {"wait_s": None if verdict.hint_ns is None else verdict.hint_ns / NS_PER_S}


def _digest(body: bytes | None) -> str:
    """What tells a repetition from another wish under the same key: nobody can read the body out of it."""
    return hashlib.blake2b(body or b"", digest_size=8).hexdigest()


async def _end(tasks: dict[asyncio.Task[None], int]) -> None:
    """Cancel what is still under way and wait until it has written its last row."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()

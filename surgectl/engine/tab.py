"""One tab of a fan: does what its script says, move by move, and is idle data in between.

Nothing here waits: whoever brings the next thing (a reply, the hour, an open barrier) calls, and the script goes on. A
tab that waits is therefore a record, not a task.
"""

from __future__ import annotations

import traceback
from typing import Protocol

from surgectl.engine.attempt import Attempt, ScriptError
from surgectl.engine.hearing import Hearing
from surgectl.engine.scene import Scene
from surgectl.engine.second_click import SecondClick
from surgectl.engine.timers import Sleeper
from surgectl.fans.dialogue import Answer, Fork, Leave, Listen, Meet, Minted, Move, Script, Send, Think, Told
from surgectl.journey.messages import Reply, Verdict
from surgectl.recording.journal import JournalError
from surgectl.recording.rows import LeftRow, MintRow, Outcome, ToldRow


class Person(Protocol):
    """Whose tab it is."""

    scene: Scene
    intent: str
    number: int
    cookies: bool
    open_question: bool

    def begun(self, tab: int, op: int) -> None:
        """The shop may have begun this operation, of role hold or pay."""
        ...

    def left_begun(self, tab: int) -> bool:
        """Is there one in that tab of which nothing was told yet?"""
        ...

    def open(self, fork: Fork, due_ns: int) -> None:
        """Open further tabs."""
        ...

    def meets(self, barrier: str) -> None:
        """A tab stands at a barrier."""
        ...

    def believes(self, told: Told, by: Tab) -> None:
        """An operation came to something."""
        ...

    def tab_gone(self, tab: Tab, broken: JournalError | None) -> None:
        """A tab is over, every row of it written; or nothing can be written any more."""
        ...


class Tab(Sleeper):
    """`tab.begin()` once; its person hears of its end, once."""

    __slots__ = (
        "_clicks",
        "_due_ns",
        "_ending",
        "_gone",
        "_left",
        "_script",
        "_sending",
        "fan",
        "number",
        "scene",
        "session",
    )

    def __init__(self, fan: Person, script: Script, number: int, due_ns: int, *, status: bool = False) -> None:
        """`due_ns`: when its first move was due. `status`: knowledge, not an attempt; the tab leaves no row."""
        self.fan = fan
        self.scene = fan.scene
        self.number = number
        self.session = self.scene.driver.session(cookies=fan.cookies, fan=fan.number)
        self._script = script
        self._due_ns = due_ns
        self._gone = False
        self._left = status
        """The LeftRow is written, or there is none to write."""
        self._sending: Attempt | None = None
        self._clicks: list[Attempt | SecondClick] | None = None
        """Second clicks whose time or answer has not come."""
        self._ending = ""
        """Why it is being closed: closed, cut-off, script-error; or that it left."""

    def __repr__(self) -> str:
        return f"<Tab {self.fan.intent}.{self.number} {self._ending or 'at the shop'}>"

    @property
    def intent(self) -> str:
        return self.fan.intent

    @property
    def whose(self) -> int:
        return self.fan.number

    @property
    def over(self) -> bool:
        """Has the script nothing more to say?"""
        return bool(self._ending)

    def begin(self) -> None:
        """Do the first moves."""
        if not self._ending:
            self._play(None)

    def wake(self) -> None:
        """The pause is over."""
        if not self._ending:
            self._play(None)

    def close(self, why: str) -> None:
        """Closed by a sibling's success (`closed`), or by the engine (`cut-off`): sockets and all."""
        if not self._ending:
            self._ending = why
            if self._sending is not None:
                self._sending.quit()
        for click in list(self._clicks or ()):
            click.quit()
        self._settle()

    # -- what an attempt tells

    def begun(self, op: int) -> None:
        self.fan.begun(self.number, op)

    def doubts(self) -> None:
        self.fan.open_question = True

    def answered(self, attempt: Attempt, reply: Reply, verdict: Verdict) -> None:
        """A reply came, or it is known that none will."""
        if attempt.double:
            self._clicked(attempt)
            return
        self._sending = None
        if self._ending:
            self._settle()
            return
        if reply.done_ns > self._due_ns:
            self._due_ns = reply.done_ns
        self._play(Answer(reply=reply, verdict=verdict, now_ns=self._due_ns))

    def unanswered(self, attempt: Attempt) -> None:
        """It was given up."""
        if attempt.double:
            self._clicked(attempt)
        else:
            self._sending = None
            self._settle()

    def failed(self, error: Exception, *, double: bool = False) -> None:
        """Counted, journalled, and exit 70 at the end: never swallowed."""
        if isinstance(error, JournalError):
            self._end(error)
            return
        self._count(error)
        if double:
            self._clicks = [click for click in self._clicks or () if not click.over]
            self._settle()
            return
        self.fan.open_question = True
        self._sending = None
        self._ending = "script-error"
        try:
            self._leave("script-error", "info", type(error).__name__)
        except JournalError as broken:
            self._end(broken)
            return
        for click in list(self._clicks or ()):
            click.quit()
        self._settle()

    def _count(self, error: Exception) -> None:
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({where.name}:{where.lineno})"
        self.scene.counts.script_error(f"fan {self.fan.number}: {said}")

    # -- moves

    def _play(self, answer: Answer | bool | None) -> None:
        """Do what the script says until something must be waited for."""
        send = self._script.send
        try:
            while True:
                try:
                    move = send(answer)
                except StopIteration:
                    raise ScriptError("a script ended without leaving") from None
                kind = type(move)
                if kind is Send:
                    self._send(move)  # type: ignore[arg-type]
                    return
                if kind is Told:
                    self._told(move)  # type: ignore[arg-type]
                    if self._ending:
                        self._settle()
                        return
                elif self._wait(move):
                    return
                answer = None
        except Exception as error:  # noqa: BLE001 - `failed` tells whoever must know
            self.failed(error)

    def _wait(self, move: Move) -> bool:
        """Every other move. True: somebody will call."""
        scene = self.scene
        match move:
            case Think():
                # Due from when the last thing came, however late we are.
                self._due_ns += max(0, move.ns)
                if scene.now_ns() >= self._due_ns:
                    return False
                scene.timers.at(self._due_ns, self)
            case Minted():
                row = MintRow(intent=self.fan.intent, name=move.name, value=move.value, at_ns=scene.now_ns())
                scene.journal.append(row)
                return False
            case Fork():
                self.fan.open(move, self._due_ns)
                return False
            case Meet():
                self.fan.meets(move.name)
                until_ns = scene.now_ns() + move.within_ns
                scene.barriers.meet(move.name, move.fans, scene.timers, until_ns, self._met)
            case Listen():
                hearing = self._sending = Hearing(self, move, move.wire, move.attempt, self._due_ns)
                hearing.begin()
            case Leave():
                self._ending = "left"
                self._leave(move.end, move.outcome, move.detail)
                if move.end == "target-error":
                    scene.counts.target_error(move.detail)
                self._settle()
            case _:
                raise ScriptError(f"a script said {type(move).__name__}, which is no move")
        return True

    def _send(self, move: Send) -> None:
        attempt = self._sending = Attempt(self, move, move.wire, move.attempt, self._due_ns)
        if move.double is not None:
            click = SecondClick(self, move, max(self._due_ns, self.scene.now_ns()) + move.double.after_ns)
            self._clicks = [*(self._clicks or ()), click]
        attempt.begin()

    def click_again(self, click: SecondClick, attempt: Attempt) -> None:
        """The moment of a double click's second half has come."""
        self._clicks = [each for each in self._clicks or () if each is not click] + [attempt]
        try:
            attempt.begin()
        except Exception as error:  # noqa: BLE001 - `failed` tells whoever must know
            self.failed(error, double=True)

    def _clicked(self, click: Attempt | SecondClick) -> None:
        self._clicks = [each for each in self._clicks or () if each is not click] or None
        self._settle()

    def dropped(self, click: SecondClick) -> None:
        """A second click that will not be made."""
        self._clicked(click)

    def _met(self, opened: bool) -> None:
        if not self._ending:
            self._due_ns = self.scene.now_ns()
            self._play(opened)

    def _told(self, told: Told) -> None:
        fan = self.fan
        self.scene.journal.append(
            ToldRow(
                intent=fan.intent,
                op=told.op,
                step=told.step,
                role=told.role,
                outcome=told.outcome,
                end=told.end,
                at_ns=self.scene.now_ns(),
                tab=self.number,
                claims=told.claims,
                status_read=told.status_read,
            )
        )
        if not told.status_read:
            fan.believes(told, self)

    # -- the end

    def _leave(self, end: str, outcome: Outcome, detail: str = "") -> None:
        if self._left:
            return
        self._left = True
        fan = self.fan
        row = LeftRow(
            intent=fan.intent, end=end, outcome=outcome, at_ns=self.scene.now_ns(), tab=self.number, detail=detail
        )
        self.scene.journal.append(row)

    def _settle(self) -> None:
        """Over, once nothing of it is under way."""
        if not self._ending or self._sending is not None or self._clicks or self._gone:
            return
        fan, broken = self.fan, None
        if self._ending in ("closed", "cut-off"):
            # In-flight sends have written their own row; what the shop may have begun stays an open question.
            if fan.left_begun(self.number):
                fan.open_question = True
            try:
                self._leave(self._ending, "info" if fan.open_question else "fail")
            except JournalError as error:
                broken = error
        self._end(broken)

    def _end(self, broken: JournalError | None) -> None:
        if self._gone:
            return
        self._gone = True
        self._ending = self._ending or "cut-off"
        if self._sending is not None:
            self._sending.quit()
        for click in list(self._clicks or ()):
            click.quit()
        try:
            self._script.close()
        except Exception as error:  # noqa: BLE001 - counted: the tab is over all the same
            self._count(error)
        if self.scene.ears and (ear := self.scene.ears.pop(self, None)) is not None:
            ear.close()
        self.session.close()
        self.fan.tab_gone(self, broken)

"""The dialogue between a fan's script and the engine: the script says what to do, the engine does it.

A script is asked for its first move with None, and then for the next one with an Answer (Send, Listen), a bool (Meet:
whether the barrier opened in time) or None (the rest). It reads no clock: every instant comes with an Answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from surgectl.journey.calling import CallError
from surgectl.journey.messages import Push, Reply, Verdict, Wire
from surgectl.recording.rows import Outcome


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send this now; journal it first."""

    attempt: str
    wire: Wire
    judge: Callable[[Reply], Verdict]
    """Pure; the engine calls it once the reply is in, before it answers, and journals the verdict with it. That of a
    `double` may be called whenever the second reply comes."""
    step: str
    role: str
    op: int
    try_: int = 1
    poll: bool = False
    key: str | None = None
    status_read: bool = False
    double: Double | None = None
    where: str = ""
    """Where its step stands in the target file: `journey[3]`."""


class Listen(Send, frozen=True, kw_only=True):
    """Listen for the next message that the shop pushes; the connection is opened first, where there is none.

    One answer is one message. It stays open for the next `Listen` until a verdict says something else than not yet.
    """

    push: Push


class Double(msgspec.Struct, frozen=True, kw_only=True):
    """The second half of a double click: the same bytes under another attempt id, this much later.

    Its verdict is journalled; the script never waits for it.
    """

    after_ns: int
    attempt: str
    wire: Wire


class Think(msgspec.Struct, frozen=True, kw_only=True):
    """Do nothing for a while: think, back off, wait for the next poll."""

    ns: int
    why: str = "think"


class Work(msgspec.Struct, kw_only=True):
    """Let an extension work something out; nothing is sent. The engine calls `do` once, with its watch in hand.

    Answered by None: what came of it is written into the move itself.
    """

    name: str
    """Of the callable."""
    step: str
    make: Callable[[float], tuple[Reply | None, tuple[Wire, ...]]]
    """Wall time in s → a reply of values, or the requests to send. CallError."""
    where: str = ""
    reply: Reply | None = None
    wires: tuple[Wire, ...] = ()
    error: str = ""
    """Why there is neither."""
    took_ns: int = 0

    def do(self, at_s: float, now_ns: Callable[[], int]) -> None:
        """Call it, and note how long it kept everybody else waiting. Raises nothing of the extension's."""
        began_ns = now_ns()
        try:
            self.reply, self.wires = self.make(at_s)
        except CallError as error:
            self.error = str(error)
        self.took_ns = max(0, now_ns() - began_ns)


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """A new unique value exists: journal it before anything carries it."""

    name: str
    value: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An operation came to something: journal the fan's belief."""

    op: int
    step: str
    role: str
    outcome: Outcome
    end: str
    claims: dict[str, Any] = {}
    status_read: bool = False


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """Open these further tabs of the same person; the first success closes the others."""

    tabs: tuple[Script, ...]


class Meet(msgspec.Struct, frozen=True, kw_only=True):
    """Wait at a barrier until enough fans have come."""

    name: str
    fans: int
    within_ns: int


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """The last move: this tab is done."""

    end: str
    outcome: Outcome
    detail: str = ""
    """Why, where the end does not say it: `target-error` names the step and the variable that is not set."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine brings back for a Send."""

    reply: Reply
    verdict: Verdict
    now_ns: int


Move = Send | Listen | Work | Think | Minted | Told | Fork | Meet | Leave


class Script(Protocol):
    """What decides: a tab of a fan (script.py), or any generator of moves."""

    def send(self, answer: Answer | bool | None, /) -> Move:
        """The next move. StopIteration after Leave, and once it was closed."""

    def close(self) -> None:
        """Nothing more will be asked."""

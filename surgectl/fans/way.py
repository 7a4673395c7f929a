"""Where a fan stands in the journey: the next step, through flows, jumps and wizards."""

from __future__ import annotations

from typing import Literal

import msgspec

from surgectl.fans.memory import Memory
from surgectl.journey.messages import Reply
from surgectl.journey.model import CompiledRepeat, CompiledStep, Journey
from surgectl.journey.paths import MISSING
from surgectl.journey.seen import Seen
from surgectl.journey.template import show
from surgectl.recording.rows import Outcome


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tab goes once an operation is over."""

    way: Literal["next", "skip", "goto", "flow", "end"]
    to: str = ""
    """The step, the flow, or the end's name."""
    outcome: Outcome = "info"
    detail: str = ""


NEXT = Going(way="next")
SKIP = Going(way="skip")


def unknown(detail: str = "") -> Going:
    """The tab ends, and nobody knows what it came to."""
    return Going(way="end", to="unknown", outcome="info", detail=detail)


def look_back(memory: Memory) -> Seen:
    """The last page, as `only` and a wizard look at it: where none was kept, what is known of it is its URL."""
    return Seen(memory.page or Reply(url=str(memory.variables.get("url", ""))), memory.variables)


class _Frame:
    """A list of steps being walked, and how far."""

    __slots__ = ("flow", "index", "repeat", "rounds", "steps")

    def __init__(
        self, steps: tuple[CompiledStep, ...], *, flow: str | None = None, repeat: CompiledRepeat | None = None
    ) -> None:
        self.steps = steps
        self.index = 0
        self.flow = flow
        self.repeat = repeat
        self.rounds = 0


class Way:
    """The lists of steps that a tab is in, the innermost last."""

    __slots__ = ("_frames", "_journey", "_memory")

    def __init__(self, journey: Journey, memory: Memory, steps: tuple[CompiledStep, ...]) -> None:
        self._journey = journey
        self._memory = memory
        self._frames = [_Frame(steps)]

    def step(self) -> CompiledStep | Going:
        """The step to take now; or the end, where there is none left or a wizard cannot go on."""
        while self._frames:
            frame = self._frames[-1]
            if frame.index < len(frame.steps):
                return frame.steps[frame.index]
            if frame.repeat is None:
                self._frames.pop()
                continue
            problem = self._turn(frame, frame.repeat)
            if problem is not None:
                return unknown(problem)
        return unknown("the journey ended without an end")

    def go(self, step: CompiledStep, going: Going) -> Going | None:
        """Leave the step as its operation says. The end, where it is one."""
        frame = self._frames[-1]
        if going.way == "goto":
            return None if self._jump(going.to) else unknown(f"no step {going.to} to go to from {step.name}")
        if going.way == "end":
            return going
        frame.index += 1
        if going.way == "flow":
            self._enter(going.to)
        elif going.way == "next" and step.repeat is not None:
            self._frames.append(_Frame((), repeat=step.repeat))
        return None

    def _enter(self, flow: str) -> None:
        """Into a flow; one that is being walked already begins again rather than inside itself."""
        for depth, frame in enumerate(self._frames):
            if frame.flow == flow:
                del self._frames[depth + 1 :]
                frame.index = 0
                return
        self._frames.append(_Frame(self._journey.flows[flow], flow=flow))

    def _jump(self, name: str) -> bool:
        for depth in range(len(self._frames) - 1, -1, -1):
            for index, step in enumerate(self._frames[depth].steps):
                if step.name == name:
                    del self._frames[depth + 1 :]
                    self._frames[depth].index = index
                    return True
        return False

    def _turn(self, frame: _Frame, repeat: CompiledRepeat) -> str | None:
        """On to the wizard's next page, or out of it; why it cannot go on, if it cannot."""
        seen = look_back(self._memory)
        if repeat.until(seen):
            self._frames.pop()
            return None
        if frame.rounds >= repeat.at_most:
            return f"the wizard is not over after {repeat.at_most} pages"
        case = repeat.by(seen)
        if case is MISSING:
            return f"the wizard's page is not to be seen in {seen.reply.url}"
        if show(case) not in repeat.cases:
            return f'the wizard has no case for "{show(case)}"'
        frame.steps, frame.index = repeat.cases[show(case)], 0
        frame.rounds += 1
        return None

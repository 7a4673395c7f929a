"""A game day by hand: keys at the dashboard break a link, mend it, write a note, pause the crowd, or stop it all.

Each act is in the recording (chaos.jsonl) before anything comes of it. What the keys mean is live/prompt.py's.
"""

from __future__ import annotations

from collections.abc import Callable

from surgectl.chaos.nemesis import Nemesis
from surgectl.cli.interrupts import Interrupts, Stop
from surgectl.cli.logbook import Logbook
from surgectl.cli.manifest_of import fault_note
from surgectl.engine.runners.runner import Runner
from surgectl.live.keys import Key
from surgectl.live.prompt import Act, Around, Lit, Prompt, press
from surgectl.plan.model import PlannedFault
from surgectl.recording.manifest import FaultNote

HAND = "hand-"
"""What the number of a fault by hand begins with."""


class Steering:
    """What a person does while the crowd comes. `hear` is given each key."""

    def __init__(self, nemesis: Nemesis, interrupts: Interrupts, logbook: Logbook, *, load_ns: int) -> None:
        """`load_ns`: when the load ends on the run's clock, and with it every fault."""
        self.prompt: Prompt | None = None
        """What is being asked."""
        self.changed: Callable[[], None] = lambda: None
        """Called after each key: there may be something new to see."""
        self._nemesis = nemesis
        self._interrupts = interrupts
        self._logbook = logbook
        self._load_ns = load_ns
        self._runner: Runner | None = None
        self._paused = False
        self._injected: list[PlannedFault] = []

    def __repr__(self) -> str:
        return f"<Steering, {len(self._injected)} faults by hand>"

    def crowd(self, runner: Runner) -> None:
        """Fans are about to come, and can be paused."""
        self._runner = runner

    @property
    def by_hand(self) -> list[FaultNote]:
        """The faults that were switched on, as the manifest keeps them."""
        return [fault_note(fault) for fault in self._injected]

    def hear(self, key: Key) -> None:
        """A key was pressed."""
        answer = press(self.prompt, key, self._around())
        self.prompt = answer.prompt
        if answer.said:
            self._logbook.event(answer.said)
        if answer.act is not None:
            self._do(answer.act)
        self.changed()

    def _around(self) -> Around:
        planned = {fault.fault for fault in self._injected}
        on = tuple(Lit(fault=f.fault, said=_said(f), by_hand=f.fault in planned) for f in self._nemesis.open_faults)
        return Around(links=self._nemesis.links, on=on, paused=self._paused, loading=self._loading())

    def _loading(self) -> bool:
        stopped = self._interrupts.first is not None
        return self._runner is not None and not stopped and 0 <= self._logbook.now_ns() < self._load_ns

    def _do(self, act: Act) -> None:
        match act.kind:
            case "note":
                self._logbook.note(act.text, "note")
            case "pause" | "resume":
                self._pause(act.kind == "pause")
            case "inject":
                self._inject(act.link, act.brownout)
            case "clear":
                self._clear(act.fault)
            case "stop":
                self._interrupts.stop_gently(Stop(by="SIGINT", why="stopped by hand, with the key s"))

    def _pause(self, on: bool) -> None:
        if self._runner is None or not self._loading():
            return
        self._paused = on
        self._logbook.note("arrivals paused by hand" if on else "arrivals resumed by hand", "pause" if on else "resume")
        self._runner.pause_arrivals(on)

    def _inject(self, link: str, brownout: str) -> None:
        if not self._loading():  # the load ended while the question stood there
            self._logbook.event("the load is over: nothing is broken any more")
            return
        fault = PlannedFault(
            fault=f"{HAND}{len(self._injected) + 1}",
            from_ns=self._logbook.now_ns(),
            to_ns=self._load_ns,
            link=link,
            brownout=brownout,
        )
        self._logbook.note(f"{_said(fault)} injected by hand", "inject")
        if self._nemesis.inject(fault):
            self._injected.append(fault)

    def _clear(self, number: str) -> None:
        fault = next((fault for fault in self._nemesis.open_faults if fault.fault == number), None)
        if fault is None:
            self._logbook.event("that fault is over already")
            return
        whose = "" if number.startswith(HAND) else ", which was planned,"
        self._logbook.note(f"{_said(fault)}{whose} cleared by hand", "clear")
        self._nemesis.clear(number)


def _said(fault: PlannedFault) -> str:
    return f"{fault.brownout} on {fault.link or 'a command'}"

"""The second half of a double click: the same bytes a moment later, and nobody waits for their answer."""

from __future__ import annotations

from typing import Protocol

from surgectl.engine.attempt import Attempt, Sender
from surgectl.engine.timers import Sleeper
from surgectl.fans.dialogue import Send


class Clicker(Sender, Protocol):
    """The tab that is clicked in."""

    def click_again(self, click: SecondClick, attempt: Attempt) -> None:
        """Its moment has come."""
        ...

    def dropped(self, click: SecondClick) -> None:
        """It will not be made."""
        ...


class SecondClick(Sleeper):
    """Waits for its moment from the first click on; `quit` takes it back until then."""

    __slots__ = ("_due_ns", "_move", "_tab", "over")

    def __init__(self, tab: Clicker, move: Send, due_ns: int) -> None:
        self._tab = tab
        self._move = move
        self._due_ns = due_ns
        self.over = False
        tab.scene.timers.at(due_ns, self)

    def wake(self) -> None:
        double = self._move.double
        if not self.over and double is not None:
            self.over = True
            attempt = Attempt(self._tab, self._move, double.wire, double.attempt, self._due_ns, double=True)
            self._tab.click_again(self, attempt)

    def quit(self) -> None:
        """It is not made any more."""
        if not self.over:
            self.over = True
            self._tab.dropped(self)

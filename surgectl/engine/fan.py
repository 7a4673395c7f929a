"""One fan in front of the shop, with all the tabs they open, and what they believe they got."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from surgectl.engine.attempt import EFFECTS
from surgectl.engine.scene import Part, Scene
from surgectl.engine.tab import Tab
from surgectl.fans.dialogue import Fork, Told
from surgectl.recording.journal import JournalError
from surgectl.recording.rows import IntentRow

Home = Callable[["Fan", JournalError | None], None]
"""Hears that all tabs of a fan are over; or that nothing can be written any more."""


class _Aside:
    """What most fans never come to need: further tabs, operations under way, barriers."""

    __slots__ = ("begun", "met", "next_tab", "others")

    def __init__(self) -> None:
        self.begun: set[tuple[int, int]] = set()
        """(tab, operation) of role hold or pay that the shop may have begun and of which nothing was told yet."""
        self.met: set[str] = set()
        self.others: list[Tab] = []
        """Tabs beside the first."""
        self.next_tab = 1


class Fan:
    """A person. `fan.arrive(due_ns)` once; `home` hears of the end, never before `arrive` has returned."""

    __slots__ = (
        "_aside",
        "_closing",
        "_home",
        "_row",
        "_tab",
        "confirmed",
        "cookies",
        "intent",
        "number",
        "open_question",
        "scene",
        "script",
        "status",
    )

    def __init__(self, scene: Scene, part: Part, home: Home) -> None:
        self.scene = scene
        self.intent = part.intent.intent
        self.number = part.intent.fan
        self.cookies = part.cookies
        self.script = part.script
        self.status = part.status
        self.confirmed = False
        self.open_question = False
        """Something was accepted, or may or may not have happened."""
        self._row: IntentRow | None = part.intent
        self._home: Home | None = home
        self._tab: Tab | None = None
        """The first; gone before the others, or after them."""
        self._aside: _Aside | None = None
        self._closing = False

    def __repr__(self) -> str:
        return f"<Fan {self.number} {self.intent}>"

    @property
    def wants_status(self) -> bool:
        """Was the fan left accepted or in doubt, so that somebody must ask later?"""
        return self.open_question and not self.confirmed

    def arrive(self, due_ns: int) -> None:
        """Come, and do the first moves. Raises JournalError."""
        row, self._row = self._row, None
        if row is None:
            raise RuntimeError("a fan arrives once")
        self.scene.journal.append(row)
        self.scene.counts.active += 1
        tab = self._tab = Tab(self, self.script, 0, due_ns)
        asyncio.get_running_loop().call_soon(tab.begin)

    def cut_off(self) -> None:
        """Close everything; sends under way write what is known of them."""
        self._closing = True
        for tab in self._tabs():
            tab.close("cut-off")

    # -- what a tab tells

    def open(self, fork: Fork, due_ns: int) -> None:
        """Open further tabs."""
        for script in fork.tabs:
            if self._closing:
                script.close()
                continue
            aside = self._beside
            tab = Tab(self, script, aside.next_tab, due_ns)
            aside.next_tab += 1
            aside.others.append(tab)
            asyncio.get_running_loop().call_soon(tab.begin)

    def begun(self, tab: int, op: int) -> None:
        """The shop may have begun this operation, of role hold or pay."""
        self._beside.begun.add((tab, op))

    def left_begun(self, tab: int) -> bool:
        """Is there one in that tab of which nothing was told yet?"""
        return self._aside is not None and any(where == tab for where, _ in self._aside.begun)

    def meets(self, barrier: str) -> None:
        """A tab stands at a barrier."""
        self._beside.met.add(barrier)

    def believes(self, told: Told, by: Tab) -> None:
        """An operation came to something: the first success closes the other tabs."""
        if self._aside is not None:
            self._aside.begun.discard((by.number, told.op))
        if told.end == "confirmed":
            self.confirmed = True
            self._closing = True
            for tab in self._tabs():
                if tab is not by and not tab.over:
                    tab.close("closed")
        elif told.end == "accepted" or (told.outcome == "info" and told.role in EFFECTS):
            self.open_question = True

    def tab_gone(self, tab: Tab, broken: JournalError | None) -> None:
        """A tab is over, every row of it written; or nothing can be written any more."""
        if tab is self._tab:
            self._tab = None
        elif self._aside is not None and tab in self._aside.others:
            self._aside.others.remove(tab)
        home = self._home
        if home is None or (self._tabs() and broken is None):
            return
        self._home = None
        self.cut_off()
        self.scene.counts.active -= 1
        self.scene.counts.left += 1
        self.scene.barriers.gone(self._aside.met if self._aside is not None else ())
        home(self, broken)

    def _tabs(self) -> tuple[Tab, ...]:
        first = () if self._tab is None else (self._tab,)
        return first if self._aside is None else (*first, *self._aside.others)

    @property
    def _beside(self) -> _Aside:
        if self._aside is None:
            self._aside = _Aside()
        return self._aside

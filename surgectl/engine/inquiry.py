"""Ask the shop once more, after settling, what became of a fan's want: knowledge, journalled, never an attempt."""

from __future__ import annotations

import asyncio

from surgectl.engine.fan import Fan
from surgectl.engine.tab import Tab
from surgectl.fans.dialogue import Fork, Script, Told
from surgectl.recording.journal import JournalError


class Inquiry:
    """`await Inquiry(fan, script).made()`: somebody who asks for a fan that has left."""

    def __init__(self, fan: Fan, script: Script) -> None:
        self.scene = fan.scene
        self.intent = fan.intent
        self.number = fan.number
        self.cookies = fan.cookies
        self.open_question = True
        self._script = script
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def made(self) -> None:
        """Play the script to its end. Raises JournalError; cancelled, what is under way is closed and written down."""
        tab = Tab(self, self._script, 0, self.scene.now_ns(), status=True)
        tab.begin()
        try:
            await asyncio.shield(self._over)
        except asyncio.CancelledError:
            tab.close("cut-off")
            await self._over
            raise

    # -- what its tab tells

    def begun(self, tab: int, op: int) -> None:
        """Asking begins nothing."""

    def left_begun(self, tab: int) -> bool:
        return False

    def open(self, fork: Fork, due_ns: int) -> None:
        for script in fork.tabs:
            script.close()

    def meets(self, barrier: str) -> None:
        """It waits for nobody."""

    def believes(self, told: Told, by: Tab) -> None:
        """Whoever left believes nothing any more."""

    def tab_gone(self, tab: Tab, broken: JournalError | None) -> None:
        if broken is not None:
            self._over.set_exception(broken)
        else:
            self._over.set_result(None)

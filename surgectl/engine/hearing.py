"""One wait for a message that the shop pushes: in the journal it is a poll, whose answer came when it came."""

from __future__ import annotations

from surgectl.engine.attempt import Attempt
from surgectl.fans.dialogue import Listen
from surgectl.journey.messages import Reply, Verdict


class Hearing(Attempt):
    """As an attempt, but on the connection that the tab listens on; that is closed once the waiting is over."""

    __slots__ = ()

    def _method(self) -> str:
        ear = self._tab.scene.ears.get(self._tab)
        return "" if ear is not None and ear.open else super()._method()

    def _send(self) -> None:
        tab, move, scene = self._tab, self._move, self._tab.scene
        assert isinstance(move, Listen)
        ear = scene.ears.get(tab)
        if ear is None or not ear.open:
            scene.counts.sent += 1
        if ear is None:
            ear = scene.ears[tab] = tab.session.ear()
        self._under_way = ear.hear(self._wire, move.push, self._due_ns, self, self._answered)

    def _judged(self, reply: Reply) -> Verdict:
        try:
            verdict = super()._judged(reply)
        except Exception:
            self._leave_the_page()
            raise
        if verdict.then != "poll":
            self._leave_the_page()
        return verdict

    def _quit(self) -> None:
        self._leave_the_page()
        super()._quit()

    def _leave_the_page(self) -> None:
        ear = self._tab.scene.ears.pop(self._tab, None)
        if ear is not None:
            ear.close()

"""One request of a login, on nobody's behalf: made as any attempt is, and somebody waits for what becomes of it."""

from __future__ import annotations

import asyncio

from surgectl.engine.attempt import Attempt
from surgectl.engine.drivers.driver import Session
from surgectl.engine.scene import Scene
from surgectl.errors import SurgectlError
from surgectl.fans.dialogue import Send
from surgectl.journey.messages import Reply, Verdict


class Refused(Exception):
    """Nobody was let in; the text says why."""


class Errand:
    """Makes one attempt, and waits for what becomes of it."""

    def __init__(self, scene: Scene, session: Session, intent: str, fan: int) -> None:
        self.scene = scene
        self.session = session
        self.intent = intent
        self.whose = fan
        self.number = 0
        self._over: asyncio.Future[tuple[Reply, Verdict]] = asyncio.get_running_loop().create_future()

    async def run(self, send: Send) -> tuple[Reply, Verdict]:
        """Raises what the attempt could not do; cancelled, it quits and is written down."""
        attempt = Attempt(self, send, send.wire, send.attempt, self.scene.now_ns())
        attempt.begin()
        try:
            return await asyncio.shield(self._over)
        except asyncio.CancelledError:
            attempt.quit()
            raise

    def begun(self, op: int) -> None:
        """A login begins nothing that a ledger knows."""

    def doubts(self) -> None:
        """Nor does it leave a doubt."""

    def answered(self, attempt: Attempt, reply: Reply, verdict: Verdict) -> None:
        self._tell(reply, verdict)

    def unanswered(self, attempt: Attempt) -> None:
        self._tell(Reply(broken="quit"), Verdict(outcome="info", why="quit", then="unknown"))

    def failed(self, error: Exception, *, double: bool = False) -> None:
        if not self._over.done():
            self._over.set_exception(error if isinstance(error, SurgectlError) else Refused(str(error)))

    def _tell(self, reply: Reply, verdict: Verdict) -> None:
        if not self._over.done():
            self._over.set_result((reply, verdict))

"""The first bytes vanish and the connection is torn down with a reset."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import TAKE, Flow, Pipe, Toxic, Wait


class ResetPeer(Toxic, frozen=True):
    """Drops the first chunk, waits `timeout` ms, then closes with RST. An idle connection is left alone.

    The wait is deaf: removing the toxic takes until it is over, as in Toxiproxy.
    """

    arms_reset: ClassVar[bool] = True
    go_type: ClassVar[str] = "toxics.ResetToxic"

    timeout: int = 0

    def pipe(self, flow: Flow) -> Pipe:
        yield TAKE
        yield Wait(self.timeout / 1000, deaf=True)
        flow.reset()

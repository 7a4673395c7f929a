"""Bytes vanish, and after a while of silence the connection closes."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import Flow, Pipe, Quiet, Take, Toxic


class Timeout(Toxic, frozen=True):
    """Drops all data and closes after `timeout` ms without any; 0 never closes.

    Each chunk starts the time anew: a chatty peer keeps such a connection open for ever.
    Ending a timeout is a fault in itself, as every connection it could have touched is closed.
    """

    closes_when_removed: ClassVar[bool] = True
    go_type: ClassVar[str] = "toxics.TimeoutToxic"

    timeout: int = 0

    def pipe(self, flow: Flow) -> Pipe:
        take = Take(within_s=self.timeout / 1000 if self.timeout > 0 else None)
        try:
            while (yield take) is not None:
                pass  # dropped on the floor
        except Quiet:
            return

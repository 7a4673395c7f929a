"""The connection closes later than it should."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import TAKE, Flow, Pipe, Toxic, Wait


class SlowClose(Toxic, frozen=True):
    """Passes data at once, but the end of it only after `delay` ms. Only this direction's close is delayed."""

    go_type: ClassVar[str] = "toxics.SlowCloseToxic"

    delay: int = 0

    def pipe(self, flow: Flow) -> Pipe:
        while (chunk := (yield TAKE)) is not None:
            flow.emit(chunk)
        yield Wait(self.delay / 1000)

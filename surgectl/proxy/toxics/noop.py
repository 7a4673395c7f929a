"""Everything passes untouched."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import TAKE, Flow, Pipe, Toxic


class Noop(Toxic, frozen=True):
    """Also what runs in a toxic's place where its toxicity was not drawn."""

    go_type: ClassVar[str] = "toxics.NoopToxic"

    def pipe(self, flow: Flow) -> Pipe:
        while (chunk := (yield TAKE)) is not None:
            flow.emit(chunk)

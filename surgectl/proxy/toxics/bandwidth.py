"""Bytes trickle through at so many kilobytes a second."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import TAKE, Chunk, Flow, Interrupted, Pipe, Toxic, Wait

_SLICE_S = 0.1


class Bandwidth(Toxic, frozen=True):
    """Limits to `rate` KB/s, where a KB is 1000 bytes. At rate 0 nothing flows until it is changed or removed."""

    go_type: ClassVar[str] = "toxics.BandwidthToxic"

    rate: int = 0

    def crashes(self) -> str | None:
        return f"bandwidth.rate is {self.rate}, a rate cannot be negative" if self.rate < 0 else None

    def pipe(self, flow: Flow) -> Pipe:
        owed_s = 0.0
        slice_bytes = self.rate * 100  # what one tenth of a second may carry
        while (chunk := (yield TAKE)) is not None:
            owed_s = owed_s + len(chunk.data) / (self.rate * 1000) if self.rate else 0.0
            try:
                while len(chunk.data) > slice_bytes:
                    yield Wait(_SLICE_S)
                    flow.emit(Chunk(chunk.data[:slice_bytes], chunk.at_ns))
                    chunk = Chunk(chunk.data[slice_bytes:], chunk.at_ns)
                    owed_s -= _SLICE_S
                started_ns = flow.now_ns()
                yield Wait(owed_s)
            except Interrupted:
                flow.emit(chunk)
                return
            # A timer is never exact: what it was late by is paid back with the next chunk.
            owed_s -= (flow.now_ns() - started_ns) / 1e9
            flow.emit(chunk)

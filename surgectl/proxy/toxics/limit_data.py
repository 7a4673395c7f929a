"""The connection closes after so many bytes, often in the middle of a reply."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import TAKE, Chunk, Flow, Pipe, Toxic


class LimitData(Toxic, frozen=True):
    """Passes `bytes` bytes of each connection, counted from when the toxic was added, then closes.

    The count survives updates. 0 drops the first chunk and closes.
    """

    go_type: ClassVar[str] = "toxics.LimitDataToxic"

    bytes: int = 0

    def pipe(self, flow: Flow) -> Pipe:
        while (chunk := (yield TAKE)) is not None:
            left_bytes = max(0, self.bytes - flow.passed_bytes)
            passed = chunk.data[:left_bytes]
            if passed:
                flow.emit(Chunk(passed, chunk.at_ns))
                flow.passed_bytes += len(passed)
            if flow.passed_bytes >= self.bytes:
                return

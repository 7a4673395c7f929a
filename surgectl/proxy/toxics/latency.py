"""Everything arrives later."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import TAKE, Chunk, Flow, Interrupted, Pipe, Toxic, Wait


class Latency(Toxic, frozen=True):
    """Delays each chunk by `latency` ms, give or take `jitter` ms. It is a pipeline: bandwidth does not suffer.

    Time already spent in the proxy counts, and the chunk's instant moves on by what was served: two
    latencies in a row add up. A jitter beyond the latency draws negative delays, which wait not at all.
    """

    inbox_chunks: ClassVar[int] = 1024
    go_type: ClassVar[str] = "toxics.LatencyToxic"

    latency: int = 0
    jitter: int = 0

    def senseless(self) -> str | None:
        return f"latency.latency is {self.latency}, a delay cannot be negative" if self.latency < 0 else None

    def delay_ms(self, flow: Flow) -> int:
        if self.jitter <= 0:
            return self.latency
        return self.latency + int(flow.draw("jitter") * 2 * self.jitter) - self.jitter

    def pipe(self, flow: Flow) -> Pipe:
        while (chunk := (yield TAKE)) is not None:
            wait_ns = self.delay_ms(flow) * 1_000_000 - (flow.now_ns() - chunk.at_ns)
            try:
                yield Wait(wait_ns / 1e9)
            except Interrupted:
                flow.emit(chunk)  # removal releases at once what was still waiting
                return
            flow.emit(Chunk(chunk.data, chunk.at_ns + wait_ns))

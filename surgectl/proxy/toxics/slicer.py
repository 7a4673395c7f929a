"""Bytes arrive in crumbs."""

from __future__ import annotations

from typing import ClassVar

from surgectl.proxy.pipe import TAKE, Chunk, Flow, Interrupted, Pipe, Toxic, Wait


class Slicer(Toxic, frozen=True):
    """Cuts each chunk into pieces of about `average_size` bytes, give or take `size_variation`, `delay` µs apart."""

    go_type: ClassVar[str] = "toxics.SlicerToxic"
    go_integer: ClassVar[str] = "int"

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def crashes(self) -> str | None:
        # Halving a chunk never comes to pieces below nothing: Toxiproxy recurses until its stack is gone.
        if self.average_size <= 0:
            return f"slicer.average_size is {self.average_size}, a piece needs at least 1 byte"
        if self.size_variation > self.average_size or self.average_size + self.size_variation <= 0:
            return (
                f"slicer.size_variation is {self.size_variation}, "
                f"it must be smaller than average_size ({self.average_size})"
            )
        return None

    def cuts(self, size: int, flow: Flow) -> list[int]:
        """Where the pieces of a chunk of `size` bytes end, in order."""
        ends: list[int] = []
        todo = [(0, size)]
        while todo:
            start, end = todo.pop()
            if end - start - self.average_size <= self.size_variation:
                ends.append(end)
                continue
            middle = start + (end - start) // 2
            if self.size_variation > 0:
                middle += int(flow.draw("slice") * 2 * self.size_variation) - self.size_variation
            todo += [(middle, end), (start, middle)]
        return ends

    def pipe(self, flow: Flow) -> Pipe:
        while (chunk := (yield TAKE)) is not None:
            start = 0
            for end in self.cuts(len(chunk.data), flow):
                flow.emit(Chunk(chunk.data[start:end], chunk.at_ns))
                start = end
                try:
                    yield Wait(self.delay / 1e6)
                except Interrupted:
                    flow.emit(Chunk(chunk.data[start:], chunk.at_ns))
                    return

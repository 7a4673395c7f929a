"""Every tagged request that was served, one line each, written before its answer leaves."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

_EVERY = 512  # lines between two remembered offsets
_encode = msgspec.json.Encoder().encode


class Seen(msgspec.Struct, frozen=True):
    """One request with an X-Surge-Attempt header; `at` in epoch seconds."""

    attempt: str
    intent: str | None
    method: str
    path: str
    status: int
    at: float


class RequestLog:
    """An append-only file. Whoever got an answer is in it, even if we are killed in the next instant."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._offsets = [0]  # where line 0, _EVERY, 2·_EVERY … begin
        self.total = 0
        self._end = 0
        self._resume()

    def _resume(self) -> None:
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    os.ftruncate(self._file, self._end)  # the torn tail of a killed predecessor
                    break
                self._advance(len(line))

    def _advance(self, size: int) -> None:
        self.total += 1
        self._end += size
        if self.total % _EVERY == 0:
            self._offsets.append(self._end)

    def append(self, seen: Seen) -> None:
        line = _encode(seen) + b"\n"
        os.write(self._file, line)
        self._advance(len(line))

    def page(self, limit: int, offset: int) -> list[msgspec.Raw]:
        """Lines `offset` to `offset + limit`, as the JSON they are."""
        if offset >= self.total:
            return []
        with self._path.open("rb") as file:
            file.seek(self._offsets[offset // _EVERY])
            for _ in range(offset % _EVERY):
                file.readline()
            return [msgspec.Raw(file.readline()) for _ in range(min(limit, self.total - offset))]

    def close(self) -> None:
        os.close(self._file)

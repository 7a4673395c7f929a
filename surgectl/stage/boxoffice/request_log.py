"""Every tagged request that was served, one line each, written before its answer leaves."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from surgectl.stage.boxoffice.asked import Asked

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


def seen(request: Asked, status: int, at_s: float) -> Seen | None:
    """The line for a request that is answered now; None where it is not tagged."""
    attempt = request.headers.get("X-Surge-Attempt")
    if attempt is None:
        return None
    return Seen(attempt, request.headers.get("X-Surge-Intent"), request.method, request.path, status, at_s)


class RequestLog:
    """An append-only file. Whoever got an answer is in it, even if we are killed in the next instant.

    Several processes may append to one; `ours`: this one read it first, and cut off the torn tail of a predecessor.
    """

    def __init__(self, path: Path, *, ours: bool = True) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._offsets = [0]  # where line 0, _EVERY, 2·_EVERY … begin
        self._total = 0
        self._end = 0
        if ours and self._count():
            os.ftruncate(self._file, self._end)

    def _count(self) -> bool:
        """Look through what was written since the last look → whether the last line is torn."""
        with self.path.open("rb") as file:
            file.seek(self._end)
            for line in file:
                if not line.endswith(b"\n"):
                    return True
                self._total += 1
                self._end += len(line)
                if self._total % _EVERY == 0:
                    self._offsets.append(self._end)
        return False

    @property
    def total(self) -> int:
        """How many lines there are by now."""
        self._count()
        return self._total

    def append(self, row: Seen) -> None:
        os.write(self._file, _encode(row) + b"\n")

    def page(self, limit: int, offset: int) -> list[msgspec.Raw]:
        """Lines `offset` to `offset + limit`, as the JSON they are."""
        if offset >= self.total:
            return []
        with self.path.open("rb") as file:
            file.seek(self._offsets[offset // _EVERY])
            for _ in range(offset % _EVERY):
                file.readline()
            return [msgspec.Raw(file.readline()) for _ in range(min(limit, self._total - offset))]

    def close(self) -> None:
        os.close(self._file)

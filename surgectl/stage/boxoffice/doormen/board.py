"""The board in the hall: four numbers that the shop writes and all its doormen read, in memory that they share."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile

_BYTES = mmap.PAGESIZE
_HEAD, _WAITING, _NUMBERED_AFTER, _OVER = range(4)


class Board:
    """There is one, so that no doorman lags behind another: whoever asks two of them sees the line move one way only.

    Each number is written in one piece, and only after it is in the books. `head`: everybody up to it is in.
    `numbered_after`: whoever has a higher seq has that for a number too. `over`: all is sold, for ever.
    """

    def __init__(self, file: int) -> None:
        self._memory = mmap.mmap(file, _BYTES)
        self._words = memoryview(self._memory).cast("q")

    @classmethod
    def made(cls) -> tuple[Board, int]:
        """An empty one → it, and the open file that others map (theirs to close)."""
        with tempfile.TemporaryFile() as file:
            file.truncate(_BYTES)
            handle = os.dup(file.fileno())
        board = cls(handle)
        board._words[_NUMBERED_AFTER] = sys.maxsize
        return board, handle

    def show(self, head: int, waiting: int, numbered_after: int, over: bool) -> None:
        """`head` last: it means nothing before the numbers are given out."""
        self._words[_WAITING] = waiting
        self._words[_NUMBERED_AFTER] = numbered_after
        self._words[_HEAD] = head
        self._words[_OVER] = over

    @property
    def head(self) -> int:
        return self._words[_HEAD]

    @property
    def waiting(self) -> int:
        return self._words[_WAITING]

    @property
    def numbered_after(self) -> int:
        return self._words[_NUMBERED_AFTER]

    @property
    def over(self) -> bool:
        return bool(self._words[_OVER])

    def close(self) -> None:
        self._words.release()
        self._memory.close()

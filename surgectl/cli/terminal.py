"""The person's terminal: keys come one at a time, and whatever happens to us it is handed back as it was.

Ctrl-C stays what it is (a signal). Ctrl-Z and Ctrl-S are out of use meanwhile: a rehearsal that stands still leaves its
faults on. Modes after termios(3): no line editing, no echo; output and signals as before.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from surgectl.live.keys import PASTES_OFF, PASTES_ON, Key, Keys

_IDLE_S = 0.05
"""So long after an escape nothing else of it comes any more."""
_READ = 4_096
_DISABLED = b"\x00"
_AS_BEFORE = PASTES_OFF + "\x1b[?1049l\x1b[?25h\x1b[0m"
"""No marked pastes, no second screen, a cursor, no colours: also where the dashboard had no time to go itself."""

_taken: list[Terminal] = []
_screens: list[object] = []


class Terminal:
    """Reads keys for the length of the `with`. Make one by `terminal()`, which says whether there is one to read."""

    def __init__(self, descriptor: int, hear: Callable[[Key], None]) -> None:
        """`hear` is called with each key, by the loop."""
        self._descriptor = descriptor
        self._hear = hear
        self._keys = Keys()
        self._before: list[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Terminal {self._descriptor}>"

    def __enter__(self) -> Terminal:
        self._before = termios.tcgetattr(self._descriptor)
        modes = termios.tcgetattr(self._descriptor)
        modes[0] &= ~termios.IXON
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        modes[6][termios.VSUSP] = _DISABLED
        _taken.append(self)
        termios.tcsetattr(self._descriptor, termios.TCSANOW, modes)
        _say(PASTES_ON)
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        _say(PASTES_OFF)

    def _end(self) -> None:
        """Safe to call twice. What was typed and not read yet is thrown away: it was not meant for the shell."""
        before, self._before = self._before, None
        if before is None:
            return
        _taken.remove(self)
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._descriptor)
        # Neither waits for output: a terminal that nobody reads any more must not hold us up.
        with suppress(termios.error):
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
            termios.tcsetattr(self._descriptor, termios.TCSANOW, before)

    def _read(self) -> None:
        """There is something to read, so reading does not wait (VMIN 1)."""
        try:
            data = os.read(self._descriptor, _READ)
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(self._descriptor)
            return
        self._tell(self._keys.feed(data))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._keys.waiting:
            self._timer = asyncio.get_running_loop().call_later(_IDLE_S, self._idle)

    def _idle(self) -> None:
        self._timer = None
        self._tell(self._keys.idle())

    def _tell(self, keys: list[Key]) -> None:
        for key in keys:
            self._hear(key)


def is_a_screen() -> bool:
    """Whether stdout is a terminal that can be drawn on, and that nobody wants plain."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb") and "NO_COLOR" not in os.environ


def terminal(hear: Callable[[Key], None]) -> Terminal | None:
    """The terminal that we were started from; None where there is none, or another job has it (`surgectl run … &`)."""
    descriptor = _descriptor()
    try:
        if descriptor is None or not os.isatty(descriptor) or os.tcgetpgrp(descriptor) != os.getpgrp():
            return None
    except OSError:
        return None
    return Terminal(descriptor, hear)


@contextmanager
def second_screen() -> Iterator[None]:
    """For the length of the `with` something is drawn on the terminal's second screen."""
    mark = object()
    _screens.append(mark)
    try:
        yield
    finally:
        _screens.remove(mark)


def hand_back() -> None:
    """For a way out that runs no `finally`: the terminal is as it was before, whatever stood on it."""
    if _screens:
        _say(_AS_BEFORE)
    for taken in tuple(_taken):
        taken._end()


def _descriptor() -> int | None:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _say(codes: str) -> None:
    """To the terminal, past every buffer; nothing where it takes nothing."""
    try:
        _, takes, _ = select.select((), (sys.stdout.fileno(),), (), 0)
        if takes:
            os.write(sys.stdout.fileno(), codes.encode())
    except (OSError, ValueError):
        return

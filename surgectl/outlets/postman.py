"""Carries what was measured to one address, in a thread of its own: whoever listens slowly misses a delivery, and
nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from surgectl.outlets.measured import Measured


class Letter(Protocol):
    """What can be delivered."""

    def __call__(self) -> str:
        """Deliver it: an empty word, or why it could not be. Blocks, for some seconds at most; raises nothing."""
        ...


class Box(Protocol):
    """An address, and how things are said there."""

    name: str

    def letter(self, everything: tuple[Measured, ...], at_epoch_s: float, *, last: bool) -> Letter:
        """What to deliver. `last`: nothing will follow it."""
        ...

    def close(self) -> None:
        """Nothing is delivered any more."""
        ...


class Postman:
    """`offer` never blocks: where the letter before is still on its way, this one is left out, and the next one holds
    all that it held (counts only grow)."""

    def __init__(self, box: Box, complain: Callable[[str], None]) -> None:
        """`complain` is called from the thread, once for all failures alike."""
        self.box = box
        self.delivered = 0
        self._complain = complain
        self._complained = False
        self._letter: Letter | None = None
        self._called = threading.Condition()
        self._busy = False
        self._over = False
        # A daemon: a collector that never answers must not hold the process when all is done.
        self._thread = threading.Thread(target=self._walk, name=f"surgectl {box.name}", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Postman to {self.box.name}: {self.delivered} delivered>"

    def offer(self, letter: Letter) -> bool:
        """Whether it was taken."""
        with self._called:
            if self._busy or self._over:
                return False
            self._busy, self._letter = True, letter
            self._called.notify_all()
            return True

    def last(self, letter: Letter, within_s: float) -> bool:
        """The last of all: waits for the one on its way and for this one, that long at most. Whether it is there."""
        with self._called:
            was = self.delivered
            # The one on its way is given half of the time.
            self._called.wait_for(lambda: not self._busy, within_s / 2)
            if self._busy or self._over:
                return False
            was, self._busy, self._letter = self.delivered, True, letter
            self._called.notify_all()
            self._called.wait_for(lambda: not self._busy, within_s / 2)
            return self.delivered > was

    def close(self) -> None:
        """The thread ends when it is back; nobody waits for it."""
        with self._called:
            self._over = True
            self._called.notify_all()
        self.box.close()

    def _walk(self) -> None:
        while True:
            with self._called:
                self._called.wait_for(lambda: self._letter is not None or self._over)
                letter, self._letter = self._letter, None
            if letter is None:
                return
            try:
                why = letter()
            except Exception as error:  # noqa: BLE001 - whatever a library does: it is said once, and harms nothing
                why = f"{type(error).__name__}: {error}"
            with self._called:
                self._busy = False
                self.delivered += not why
                first = bool(why) and not self._complained
                self._complained = self._complained or first
                self._called.notify_all()
            if first:
                self._complain(f"{self.box.name}: {why}")

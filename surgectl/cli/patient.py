"""A terminal that somebody has stopped reading (a frozen window, a lost connection) must not stop the rehearsal.

Whoever writes to a terminal waits until it has taken everything, and our faults are healed by the same loop that would
wait. So a thread of its own does the waiting, and a picture that nobody has taken yet is not drawn over with another.
"""

from __future__ import annotations

import io
import threading
from typing import IO


class Patient(io.TextIOBase):
    """Takes text at once and hands it on when it can. `close_after` it: what is not taken by then is not waited for."""

    def __init__(self, to: IO[str]) -> None:
        self._to = to
        self._held: list[str] = []
        self._sent: list[str] = []
        self._more = threading.Condition()
        self._busy = False
        self._over = False
        self._thread = threading.Thread(target=self._hand_on, name="terminal", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Patient {self._to!r}{' busy' if self.busy else ''}>"

    @property
    def busy(self) -> bool:
        """Is there text that has not been taken yet?"""
        return self._busy

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(getattr(self._to, "encoding", "utf-8"))

    def isatty(self) -> bool:
        return self._to.isatty()

    def fileno(self) -> int:
        return self._to.fileno()

    def write(self, text: str) -> int:
        self._held.append(text)
        return len(text)

    def flush(self) -> None:
        """Returns at once."""
        text, self._held = "".join(self._held), []
        if text:
            with self._more:
                self._sent.append(text)
                self._busy = True
                self._more.notify()

    def close_after(self, at_most_s: float) -> None:
        """Wait for what was written, no longer than this."""
        self.flush()
        with self._more:
            self._over = True
            self._more.notify()
        self._thread.join(at_most_s)

    def _hand_on(self) -> None:
        while True:
            with self._more:
                self._busy = bool(self._sent)
                while not self._sent and not self._over:
                    self._more.wait()
                if not self._sent:
                    return
                text, self._sent = "".join(self._sent), []
            try:
                self._to.write(text)
                self._to.flush()
            except (OSError, ValueError):
                continue  # nobody is there any more: whatever comes is thrown away

"""What the provider received: one line for every request, paid or not, answered or not.

It is how retries are counted: a proxy's TCP counters hide the requests inside a kept-alive connection.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from surgectl.errors import SurgectlError
from surgectl.stage.payments.ledger import AppendFile, read_lines

_encode = msgspec.json.Encoder().encode


class Received(msgspec.Struct, kw_only=True, gc=False):
    """One request. `seq` is the order of completion; `at_ns` (monotonic) and `at` are its arrival.

    `payment` is the logical payment it is about, whatever its key: metadata `order`, `order_id` or `intent`,
    else the payment intent's id, else the key. `status` is what was decided, 0 where nothing was;
    `reply` tells what became of it: written, gone (the client had left), hung, reset, truncated or cut (the
    request itself never arrived whole). `written` means handed to the kernel, not read by anybody.
    """

    seq: int = 0
    at_ns: int
    at: datetime
    done_ns: int = 0
    request: str
    method: str
    path: str
    key: str | None = None
    params: str | None = None
    payment: str | None = None
    payment_intent: str | None = None
    order: str | None = None
    intent: str | None = None
    metadata: dict[str, str] = {}
    unknown: list[str] = []
    status: int = 0
    replayed: bool = False
    executed: bool = False
    fault: str = ""
    reply: str = "cut"


class RequestLog:
    """The lines so far; a few hundred milliseconds of them may be lost in a kill -9, the ledger never."""

    def __init__(self, path: Path | None) -> None:
        self._file = AppendFile(path)
        self.rows: list[Received] = []
        self.in_flight = 0
        self._saved = 0
        self._start_counting()

    def _start_counting(self) -> None:
        self.posts = self.replayed = self.limited = self.undelivered = 0

    def open(self) -> None:
        """Read what an earlier process wrote, and go on after it."""
        if self._file.path is not None:
            decoder = msgspec.json.Decoder(Received)
            for number, line in read_lines(self._file.path):
                try:
                    self.note(decoder.decode(line))
                except msgspec.DecodeError as error:
                    raise SurgectlError(
                        f"not a request line: {error}",
                        where=f"{self._file.path}:{number}",
                        hint="move the file away to begin anew",
                    ) from error
        self._saved = len(self.rows)
        self._file.open()

    def note(self, row: Received) -> None:
        row.seq = len(self.rows) + 1
        self.rows.append(row)
        self.posts += row.method == "POST"
        self.replayed += row.replayed
        self.limited += row.status == 429
        self.undelivered += row.reply != "written"

    def save(self) -> None:
        """Write the lines that are not in the file yet."""
        fresh, self._saved = self.rows[self._saved :], len(self.rows)
        if fresh and self._file.path is not None:
            self._file.append(b"".join(_encode(row) + b"\n" for row in fresh))

    def forget(self) -> None:
        self.rows.clear()
        self._saved = 0
        self._start_counting()
        if self._file.path is not None:
            self._file.close()
            self._file.path.unlink()
            self._file.open()

    def close(self) -> None:
        self.save()
        self._file.close()

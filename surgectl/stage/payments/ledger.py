"""Every movement of money, in order, written down before anybody is told of it.

One commit is one line of `ledger.ndjson` and one write(2): the movements, the objects as they became and the
stored idempotency result stand or fall together, so that a kill -9 between a charge and its result cannot be.
There is no fsync: the file outlives the process, not the machine's power.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from surgectl.errors import SurgectlError, UsageError
from surgectl.stage.payments.objects import Charge, Customer, Intent, Method, Refund, WebhookEndpoint
from surgectl.stage.payments.pending import Pending


class Entry(msgspec.Struct, kw_only=True, gc=False):
    """One movement. `captured_minor` and `refunded_minor` are what this entry moved, not running totals.

    `reply_delivered` is None until the reply was tried: true says that its bytes were handed to the
    kernel for a connection still open, false that they were not; it does not say that anybody read them.
    """

    seq: int
    at_ns: int
    at: datetime
    op: str
    outcome: str
    request: str
    key: str | None = None
    params: str | None = None
    intent: str | None = None
    charge: str | None = None
    refund: str | None = None
    customer: str | None = None
    amount_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    currency: str = ""
    payment_method: str | None = None
    receipt_email: str | None = None
    description: str | None = None
    metadata: dict[str, str]
    reply_delivered: bool | None = None


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What an idempotency key is answered with from now on. `at_ns` is wall time since 1970."""

    key: str
    params: str
    path: str
    at_ns: int
    request: str
    status: int
    body: str


class Mail(msgspec.Struct, frozen=True, gc=False):
    """How the telling of one event to one webhook endpoint ended: `delivered`, `given-up` or `dropped`."""

    event: str
    endpoint: str
    state: str
    tries: int
    status: int | None
    error: str | None


class Commit(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the file as it is written: objects are already encoded."""

    entries: list[Entry] = []
    intents: list[msgspec.Raw] = []
    charges: list[msgspec.Raw] = []
    refunds: list[msgspec.Raw] = []
    customers: list[msgspec.Raw] = []
    methods: list[msgspec.Raw] = []
    endpoints: list[msgspec.Raw] = []
    endpoints_gone: list[str] = []
    stored: Stored | None = None
    delivered: list[int] = []
    undelivered: list[int] = []
    mail: list[Mail] = []
    pending: list[Pending] = []
    reset: bool = False


class ReadCommit(msgspec.Struct, kw_only=True):
    """The same line as it is read back."""

    entries: list[Entry] = []
    intents: list[Intent] = []
    charges: list[Charge] = []
    refunds: list[Refund] = []
    customers: list[Customer] = []
    methods: list[Method] = []
    endpoints: list[WebhookEndpoint] = []
    endpoints_gone: list[str] = []
    stored: Stored | None = None
    delivered: list[int] = []
    undelivered: list[int] = []
    mail: list[Mail] = []
    pending: list[Pending] = []
    reset: bool = False


class AppendFile:
    """A file that is only ever appended to; without a path it forgets everything."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._fd: int | None = None

    def open(self) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UsageError(
                f"cannot write the ledger: {error.strerror}", where=str(self.path), hint="try another --data"
            ) from error

    def append(self, lines: bytes) -> None:
        """Hand whole lines to the kernel, or raise: a charge that is not written down must not be answered."""
        if self._fd is None:
            return
        left = memoryview(lines)
        while left:
            left = left[os.write(self._fd, left) :]

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbered whole lines of an append-only file. A torn last line, as a kill leaves it, is cut off the file."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    yield from enumerate(data[:whole].splitlines(), start=1)


def read_commits(path: Path) -> Iterator[ReadCommit]:
    """The ledger from its beginning. SurgectlError names the file and line that cannot be read."""
    decoder = msgspec.json.Decoder(ReadCommit)
    for number, line in read_lines(path):
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError as error:
            raise SurgectlError(
                f"not a ledger line: {error}", where=f"{path}:{number}", hint="move the file away to begin anew"
            ) from error

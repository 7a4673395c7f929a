"""What was posted to whom, each time: the log that says how often the shop was told, in what order, and by whom."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from surgectl.errors import SurgectlError
from surgectl.stage.payments.ledger import AppendFile, read_lines
from surgectl.stage.payments.objects import Event

_encode = msgspec.json.Encoder().encode


class Delivery(msgspec.Struct, kw_only=True, gc=False):
    """GET /_sim/deliveries: one sending of one event to one endpoint.

    `payment` is the payment intent that it is about, `metadata` what the shop wrote upon it; `number` is the event's
    place in the order in which things happened, null for what nobody but a forger says; `delivery` counts the sendings
    from 1; `at` is when it was sent, `status` what was answered, null where nothing was.
    """

    event: str
    type: str
    payment: str | None
    metadata: dict[str, str]
    number: int | None
    created: int
    endpoint: str
    delivery: int
    at: datetime
    signature: Literal["good", "bad"]
    status: int | None
    error: str | None


class About(msgspec.Struct):
    """What an event's object says of the payment it belongs to."""

    id: str
    object: str
    payment_intent: str | None = None
    metadata: dict[str, str] = {}

    @property
    def payment(self) -> str | None:
        if self.object == "payment_intent":
            return self.id
        return self.payment_intent or (self.id if self.object == "charge" else None)


_about = msgspec.json.Decoder(About)


def about(event: Event) -> About:
    return _about.decode(event.data.object)


class DeliveryLog:
    """The lines so far. Each is handed to the kernel as soon as the shop has answered, or has not."""

    def __init__(self, path: Path | None) -> None:
        self._file = AppendFile(path)
        self.rows: list[Delivery] = []
        self._times: dict[tuple[str, str], int] = {}

    def open(self) -> None:
        """Read what an earlier process wrote, and go on after it."""
        if self._file.path is not None:
            decoder = msgspec.json.Decoder(Delivery)
            for number, line in read_lines(self._file.path):
                try:
                    self._keep(decoder.decode(line))
                except msgspec.DecodeError as error:
                    raise SurgectlError(
                        f"not a line of the delivery log: {error}",
                        where=f"{self._file.path}:{number}",
                        hint="move the file away to begin anew",
                    ) from error
        self._file.open()

    def times(self, event: str, endpoint: str) -> int:
        """How often this event was sent there."""
        return self._times.get((event, endpoint), 0)

    def note(self, row: Delivery) -> None:
        self._keep(row)
        self._file.append(_encode(row) + b"\n")

    def _keep(self, row: Delivery) -> None:
        self.rows.append(row)
        self._times[row.event, row.endpoint] = self.times(row.event, row.endpoint) + 1

    def forget(self) -> None:
        self.rows.clear()
        self._times.clear()
        if self._file.path is not None:
            self._file.close()
            self._file.path.unlink(missing_ok=True)
            self._file.open()

    def close(self) -> None:
        self._file.close()

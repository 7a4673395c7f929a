"""The diary: for each thing that happened, an event with the object as it was then."""

from __future__ import annotations

import msgspec

from surgectl.stage.payments.ledger import Entry
from surgectl.stage.payments.objects import Event
from surgectl.stage.payments.shelf import Shelf

# What each movement is called in events (docs.stripe.com/api/events/types), and whose object the event carries.
_TYPES: dict[str, tuple[tuple[str, str], ...]] = {
    "intent.created": (("payment_intent.created", "intent"),),
    "intent.canceled": (("payment_intent.canceled", "intent"),),
    "charge.captured": (("charge.succeeded", "charge"), ("payment_intent.succeeded", "intent")),
    "charge.authorised": (
        ("charge.succeeded", "charge"),
        ("payment_intent.amount_capturable_updated", "intent"),
    ),
    "charge.failed": (("charge.failed", "charge"), ("payment_intent.payment_failed", "intent")),
    "charge.voided": (("charge.refunded", "charge"),),
    "refund.succeeded": (("refund.created", "refund"), ("charge.refunded", "charge")),
}


class Diary:
    """Events in order, rebuilt from the ledger after a restart."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self.events: Shelf[Event] = Shelf("event")

    def write(self, entries: list[Entry], created_s: int, raws: dict[str, bytes]) -> list[Event]:
        """Note the events of these entries and return them; `raws` holds the changed objects, encoded, by id."""
        events: list[Event] = []
        for entry in entries:
            types = _TYPES.get(entry.op)
            if types is None:
                continue
            request = Event.Request(entry.request, entry.key)
            for type_, whose in types:
                raw = raws.get(getattr(entry, whose) or "")
                if raw is None:
                    continue
                event = Event(
                    id=f"evt_3{self._mark}{len(self.events) + 1:08d}",
                    created=created_s,
                    data=Event.Data(msgspec.Raw(raw)),
                    request=request,
                    type=type_,
                )
                self.events.put(event)
                events.append(event)
        return events

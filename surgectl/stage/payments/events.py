"""The diary: for each thing that happened, an event with the object as it was then."""

from __future__ import annotations

import msgspec

from surgectl.stage.payments.ledger import Entry
from surgectl.stage.payments.objects import Event
from surgectl.stage.payments.shelf import Shelf

# What each movement is called in events (docs.stripe.com/api/events/types), and whose object the event carries.
_Told = tuple[tuple[str, str], ...]
_TYPES: dict[str, _Told] = {
    "customer.created": (("customer.created", "customer"),),
    "payment_method.attached": (("payment_method.attached", "payment_method"),),
    "intent.created": (("payment_intent.created", "intent"),),
    "intent.requires_action": (("payment_intent.requires_action", "intent"),),
    "intent.unauthenticated": (("payment_intent.payment_failed", "intent"),),
    "intent.canceled": (("payment_intent.canceled", "intent"),),
    "charge.pending": (("charge.pending", "charge"), ("payment_intent.processing", "intent")),
    "charge.captured": (("charge.succeeded", "charge"), ("payment_intent.succeeded", "intent")),
    "charge.authorised": (
        ("charge.succeeded", "charge"),
        ("payment_intent.amount_capturable_updated", "intent"),
    ),
    "charge.failed": (("charge.failed", "charge"), ("payment_intent.payment_failed", "intent")),
    "charge.voided": (("charge.refunded", "charge"),),
    "refund.pending": (("refund.created", "refund"), ("charge.refunded", "charge")),
    "refund.succeeded": (("refund.created", "refund"), ("charge.refunded", "charge")),
    "refund.failed": (("refund.updated", "refund"), ("refund.failed", "refund"), ("charge.refund.updated", "refund")),
}
_DIGITS = 8
"""Of an event's number, at the end of its id."""
# What was only reserved had its charge.succeeded then, and a promised refund its refund.created.
_COLLECTED: _Told = (("charge.captured", "charge"), ("payment_intent.succeeded", "intent"))
_PAID_BACK: _Told = (("refund.updated", "refund"), ("charge.refund.updated", "refund"))


def _told(entry: Entry) -> _Told:
    if entry.outcome == "collected":
        return _COLLECTED
    if entry.outcome == "paid-back":
        return _PAID_BACK
    return _TYPES.get(entry.op, ())


def number_of(event: str) -> int:
    """The place of an event in the order in which things happened, from 1."""
    return int(event[-_DIGITS:])


class Diary:
    """Events in order, rebuilt from the ledger after a restart."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self.events: Shelf[Event] = Shelf("event")

    def write(self, entries: list[Entry], created_s: int, raws: dict[str, bytes]) -> list[Event]:
        """Note the events of these entries and return them; `raws` holds the changed objects, encoded, by id."""
        events: list[Event] = []
        for entry in entries:
            told = _told(entry)
            if not told:
                continue
            request = Event.Request(entry.request, entry.key)
            for type_, whose in told:
                raw = raws.get(getattr(entry, whose) or "")
                if raw is None:
                    continue
                event = Event(
                    id=f"evt_3{self._mark}{len(self.events) + 1:0{_DIGITS}d}",
                    created=created_s,
                    data=Event.Data(msgspec.Raw(raw)),
                    request=request,
                    type=type_,
                )
                self.events.put(event)
                events.append(event)
        return events

"""What somebody posts who would like a ticket for nothing: "paid", about a payment that never was, and unsigned.

The order is a real one, whose payment has just failed: its owner knows the number. The secret is not known.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.stage.payments.objects import Event
from surgectl.stage.payments.webhooks.outbox import Letter

_FAILED = ("payment_intent.payment_failed", "payment_intent.canceled")
_decode = msgspec.json.Decoder(dict[str, Any])


def forged(letter: Letter) -> Letter | None:
    """The forgery that this letter invites; None where there is nothing to be gained."""
    true = letter.event
    if true.type not in _FAILED:
        return None
    intent = _decode.decode(true.data.object)
    intent |= {
        "id": f"{intent['id']}_forged",
        "status": "succeeded",
        "amount_received": intent.get("amount", 0),
        "last_payment_error": None,
    }
    event = Event(
        id=f"{true.id}_forged",
        created=true.created,
        data=Event.Data(msgspec.Raw(msgspec.json.encode(intent))),
        request=Event.Request(None, None),
        type="payment_intent.succeeded",
    )
    return Letter(event, letter.endpoint, forged=True)

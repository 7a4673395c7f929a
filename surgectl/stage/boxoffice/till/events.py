"""What the provider has told us unasked: each event once, and only as a reason to ask."""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from surgectl.stage.boxoffice.books import Books

TYPES = ("payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled")
_TOLERANCE_S = 300


class Told(msgspec.Struct, frozen=True):
    """An event about a payment of one of our orders; `at_ns` (epoch) is when we wrote it down."""

    id: str
    order: str
    payment: str
    at_ns: int
    type: str = ""
    """What happened, in the provider's words; not kept."""


def signed(header: str, body: bytes, secret: str, now_s: float) -> bool:
    """Whether `Stripe-Signature` is right for this body and not older or newer than 300 s.

    docs.stripe.com/webhooks#verify-manually: `t=SECONDS,v1=HEX[,v1=HEX…]`, HEX the HMAC-SHA256 of `SECONDS.BODY`.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not stamps[0].isascii() or not stamps[0].isdigit() or len(stamps[0]) > 15:
        return False
    if abs(now_s - int(stamps[0])) > _TOLERANCE_S:
        return False
    wanted = hmac.new(secret.encode(), f"{stamps[0]}.".encode() + body, hashlib.sha256).hexdigest().encode()
    given = [value.encode() for name, _, value in parts if name == "v1"]
    return any([hmac.compare_digest(wanted, value) for value in given])


def write(books: Books, event: Told) -> bool:
    """Once → whether it is new. At least once is all the provider promises."""
    if books.execute("select 1 from events where id = ?", (event.id,)).fetchone() is not None:
        return False
    books.execute(
        "insert into events (id, ord, payment, at_ns) values (?, ?, ?, ?)",
        (event.id, event.order, event.payment, event.at_ns),
    )
    return True


def newer(books: Books, since_ns: int) -> list[Told]:
    """Events written after `since_ns`, the oldest first, for a till in another process."""
    rows = books.execute(
        "select id, ord, payment, at_ns from events where at_ns > ? order by at_ns limit 500", (since_ns,)
    ).fetchall()
    return [Told(*row) for row in rows]

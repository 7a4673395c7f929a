"""What a browser carries from page to page, sealed so that nobody can write it for another."""

from __future__ import annotations

import base64
import binascii
import hmac

import msgspec

from surgectl import chance
from surgectl.stage.boxoffice.desk import HoldTold
from surgectl.stage.boxoffice.signing import Signer

COOKIE = "visit"


class Visit(msgspec.Struct, frozen=True):
    """One browser's way so far. It lives in the cookie, so a restart of the shop forgets nobody."""

    id: str
    email: str = ""
    place: str = ""
    basket: HoldTold | None = None
    order: str = ""
    """The last order that was sent for this basket."""


class Seals:
    """Writes and reads the cookie, and the token that stands hidden in every form (HMAC with the sale's secret)."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def begin(self) -> Visit:
        return Visit(id=chance.token())

    def write(self, visit: Visit) -> str:
        """The cookie's value."""
        text = base64.urlsafe_b64encode(msgspec.json.encode(visit)).decode().rstrip("=")
        return f"{text}.{self._signer.seal(f'visit:{text}')}"

    def read(self, cookie: str | None) -> Visit | None:
        """The visit in a cookie that we sealed, or None."""
        text, _, seal = (cookie or "").partition(".")
        if not _same(seal, self._signer.seal(f"visit:{text}")):
            return None
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Visit)
        except (msgspec.MsgspecError, binascii.Error):
            return None  # sealed by an older shop that had another idea of a visit

    def token(self, visit: Visit) -> str:
        """The hidden field of this visit's forms: another site can send a form, but cannot know this."""
        return self._signer.seal(f"form:{visit.id}")

    def is_token(self, visit: Visit, said: str) -> bool:
        return _same(said, self.token(visit))

    def key(self, hold: str, after: str) -> str:
        """The idempotency key of a checkout: one for a basket, another after an order of it that was declined.

        It follows from what is bought, so a reload, a double click, a second tab and the back button all send the same.
        """
        return self._signer.seal(f"key:{hold}:{after}")


def _same(one: str, other: str) -> bool:
    """In constant time: how long a wrong seal takes says nothing about the right one."""
    return hmac.compare_digest(one.encode(), other.encode())

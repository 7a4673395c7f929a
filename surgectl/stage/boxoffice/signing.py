"""Numbers nobody can guess: a fan cannot step into another's place by counting."""

from __future__ import annotations

import hashlib
import hmac


class Signer:
    """Turns a running number into an id and back, with the sale's own secret."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._secret = secret.encode()

    def _mac(self, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=self._secret, digest_size=6).hexdigest()

    def sign(self, prefix: str, n: int) -> str:
        """("hold", 7) → hold_7_1f0c…"""
        return f"{prefix}_{n}_{self._mac(f'{prefix}_{n}')}"

    def lot(self, seq: int) -> int:
        """The lot of a place: the same after a restart, and nothing that its owner could know or choose."""
        return int.from_bytes(hashlib.blake2b(f"lot_{seq}".encode(), key=self._secret, digest_size=8).digest())

    def read(self, prefix: str, text: str) -> int | None:
        """The number in an id that we signed, or None."""
        head, _, mac = text.rpartition("_")
        got, _, number = head.partition("_")
        if got != prefix or not number.isdecimal() or not hmac.compare_digest(mac, self._mac(head)):
            return None
        return int(number)

    def seal(self, text: str) -> str:
        """128 bits that only this sale can put under a text: for what a browser carries about."""
        return hashlib.blake2b(text.encode(), key=self._secret, digest_size=16).hexdigest()

"""The speaking tube between a doorman and the shop: wishes one way, answers the other, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import msgspec

_HEAD = 4  # bytes that say how long what follows is


class Terms(msgspec.Struct, frozen=True, tag=True):
    """The first word of the shop: what a doorman must know to answer for it."""

    log: str
    """The request log that it writes too."""
    secret: str
    """Of the sale's signatures: handed over here, where nobody can read it."""
    sku: str
    per_s: float
    polls_per_s: float
    listeners: int
    """How many may listen to it at once."""
    knows: bool
    """Whether it may answer from memory at all: a shop with an idea of a line of its own is always asked."""


class Wish(msgspec.Struct, frozen=True, tag=True):
    """One request, as it came."""

    number: int
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes


class Told(msgspec.Struct, frozen=True, tag=True):
    """The shop's answer to the wish of this number."""

    number: int
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Close(msgspec.Struct, frozen=True, tag=True):
    """The last word of the shop: let nobody in any more, and go when those inside have left."""


FromShop = Terms | Told | Close
T = TypeVar("T")


class Tube(asyncio.Protocol, Generic[T]):
    """One end. `heard` is called with each thing that is said, `ended` when the other end is gone."""

    def __init__(self, kind: object, heard: Callable[[T], None], ended: Callable[[], None]) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._encode = msgspec.msgpack.Encoder(enc_hook=str).encode  # header names are strings of a kind of their own
        self._heard = heard
        self._ended = ended
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it

    def data_received(self, data: bytes) -> None:
        self._read += data
        at = 0
        while len(self._read) - at >= _HEAD:
            end = at + _HEAD + int.from_bytes(self._read[at : at + _HEAD])
            if len(self._read) < end:
                break
            said = self._decoder.decode(self._read[at + _HEAD : end])
            at = end
            self._heard(said)
        del self._read[:at]

    def connection_lost(self, error: Exception | None) -> None:
        self._ended()

    def say(self, what: object) -> None:
        """Nothing happens where the other end is gone: `ended` has said so, or will."""
        if self._transport is not None and not self._transport.is_closing():
            text = self._encode(what)
            self._transport.write(len(text).to_bytes(_HEAD) + text)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

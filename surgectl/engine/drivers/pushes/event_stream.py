"""Reads server-sent events as a browser does, in whatever pieces they come.

WHATWG HTML, §9.2.5 "Parsing an event stream" and §9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

import re

import msgspec

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_MOST_RETRY_MS = 86_400_000
_MOST_ID_BYTES = 1024
"""A longer id is none: it would be a header of the next request."""
_LINE_BYTES = 50
"""What a line of data takes beside its bytes: an event of millions of empty lines is a long one too."""


class Message(msgspec.Struct, frozen=True):
    """One event that was dispatched."""

    event: str
    data: bytes
    """UTF-8."""


class TooLong(Exception):
    """A line or an event over the limit."""


class EventStream:
    """`feed` the bytes of a stream; what it returns are its events, in order. What never ended is never told."""

    __slots__ = ("_data", "_data_bytes", "_event", "_id", "_line", "_most", "_new", "_skip", "retry_ms")

    def __init__(self, most_bytes: int, last_id: str = "") -> None:
        self._most = most_bytes
        self._line = bytearray()
        self._skip = False
        """The last piece ended with CR: an LF at once belongs to it."""
        self._new = True
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event = b""
        self._id = [last_id, last_id]
        self.retry_ms: int | None = None
        """How long to wait before the next connection, as far as it says so."""

    @property
    def last_id(self) -> str:
        """Of the last whole event: what the next connection says as Last-Event-ID."""
        return self._id[1]

    def feed(self, piece: bytes) -> list[Message]:
        """The events that this piece completes. TooLong."""
        if not piece:
            return []
        if self._skip and piece[:1] == b"\n":
            piece = piece[1:]
            if not piece:
                self._skip = False
                return []
        self._skip = piece[-1:] == b"\r"
        first, *others = _LINE_END.split(piece)
        self._grow(first)
        messages: list[Message] = []
        for part in others:
            line = bytes(self._line)
            if self._new:
                self._new = False
                line = line.removeprefix(_BOM)
            if (message := self._read(line)) is not None:
                messages.append(message)
            self._line.clear()
            self._grow(part)
        return messages

    def _grow(self, part: bytes) -> None:
        if len(self._line) + len(part) > self._most:
            raise TooLong(f"a line of more than {self._most} bytes")
        self._line += part

    def _read(self, line: bytes) -> Message | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + _LINE_BYTES
            if self._data_bytes > self._most:
                raise TooLong(f"an event of more than {self._most} bytes")
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value and len(value) <= _MOST_ID_BYTES:
            self._id[0] = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            self.retry_ms = min(int(value[:12]), _MOST_RETRY_MS)
        return None

    def _dispatch(self) -> Message | None:
        self._id[1] = self._id[0]
        data, event = self._data, self._event
        self._data, self._data_bytes, self._event = [], 0, b""
        if not data:
            return None
        text = b"\n".join(data).decode("utf-8", "replace")
        return Message(event.decode("utf-8", "replace") or "message", text.encode())

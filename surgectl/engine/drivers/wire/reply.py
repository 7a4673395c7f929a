"""A reply as it comes in: in whatever pieces, until it is whole."""

from __future__ import annotations

import httptools
import msgspec

from surgectl.engine.drivers.limits import MOST_HEADER_BYTES
from surgectl.engine.drivers.redirect import Headers
from surgectl.engine.drivers.wire.fates import Garbled
from surgectl.engine.drivers.wire.unpack import unpacked

_MOST_HEADERS = 128
_MOST_HEAD_BYTES = _MOST_HEADERS * 2048
"""Of a whole head, with all interim replies before it: what browsers bear."""
_NAMES: dict[bytes, tuple[str, str]] = {}
_MOST_NAMES = 4096


class Heard(msgspec.Struct, frozen=True):
    """A whole reply."""

    status: int
    headers: Headers
    body: bytes
    done_ns: int


class ReplyReader:
    """Reads one reply after the other from one connection: `begin`, then `feed` until the reply is whole."""

    __slots__ = (
        "_body_bytes",
        "_fed",
        "_head_bytes",
        "_head_done",
        "_headers",
        "_method",
        "_most",
        "_parser",
        "_pieces",
        "_status",
        "_wrong",
        "continued",
        "keep",
        "whole",
    )

    def __init__(self, most_body_bytes: int) -> None:
        self._most = most_body_bytes
        self._parser: httptools.HttpResponseParser | None = None
        self.begin("GET")

    def begin(self, method: str) -> None:
        """A request was written: what comes now is its reply."""
        self._method = method
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._head_bytes = 0
        self._body_bytes = 0
        self._fed = 0
        self._head_done = False
        self._wrong = ""
        self.whole = False
        self.keep = False
        """The connection may carry a further request."""
        self.continued = False
        """The shop said 100 Continue."""

    def end(self) -> None:
        """The connection is gone: let go of the parser, which holds on to us."""
        self._parser = None

    def feed(self, data: bytes) -> bool:
        """True once the reply is whole. Garbled where it is not HTTP or over a limit."""
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpResponseParser(self)
            # As lenient as aiohttp and the browsers are: shops stand behind old boxes.
            parser.set_dangerous_leniencies(
                lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
            )
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.whole, self.keep = True, False
        except httptools.HttpParserError as error:
            self.keep = False
            if not self.whole:  # whatever follows a whole reply does not unmake it
                raise Garbled(self._wrong or f"not HTTP: {error}"[:120]) from error
        if self._wrong:
            raise Garbled(self._wrong)
        if not self._head_done:
            self._fed += len(data)
            if self._fed > _MOST_HEAD_BYTES:
                raise Garbled("a head without end")
        return self.whole

    def ends_here(self) -> bool:
        """The connection ended in good order: was that the end of the body?"""
        if not self._head_done or self.whole:
            return False
        for name, value in self._headers:
            low = name.lower()
            if low == b"content-length" or (low == b"transfer-encoding" and b"chunked" in value.lower()):
                return False
        self.keep = False
        return True

    def take(self, done_ns: int) -> Heard:
        """The reply. Garbled where its body is not packed as it says, or too long."""
        encoding = ""
        headers: list[tuple[str, str]] = []
        for raw, value in self._headers:
            names = _NAMES.get(raw)
            if names is None:
                names = _name(raw)
            text = value.decode("utf-8", "replace")
            if names[1] == "content-encoding":
                encoding = text
            headers.append((names[0], text))
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if encoding:
            body = unpacked(body, encoding, self._most)
        self._headers, self._pieces = [], []
        return Heard(self._status, tuple(headers), body, done_ns)

    # -- what the parser tells

    def on_message_begin(self) -> None:
        if self.whole:
            self.keep = False  # two replies to one request: nobody knows whose the second is

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # a trailer, or a second reply
        value = value.rstrip(b" \t") if value else b""
        size = len(name) + len(value)
        self._head_bytes += size
        self._headers.append((name, value))
        if (
            size > MOST_HEADER_BYTES
            or self._head_bytes > _MOST_HEAD_BYTES
            or len(self._headers) > _MOST_HEADERS
            or b"\0" in value
        ):
            self._wrong = "headers over the limit" if b"\0" not in value else "a NUL in a header"

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self._head_done or parser is None:
            return
        self._status = parser.get_status_code()
        if 100 <= self._status < 200 and self._status != 101:
            return
        self._head_done = True
        self.keep = parser.should_keep_alive()
        if self._method == "HEAD":
            self.whole = True
            # The parser waits for a body that never comes: the next reply needs another one.
            self._parser = None

    def on_body(self, data: bytes) -> None:
        if self.whole:
            self.keep = False
            return
        self._body_bytes += len(data)
        if self._body_bytes > self._most:
            self._wrong = f"a body of more than {self._most} bytes"
            return
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self._head_done:
            self.whole = True
            return
        self.continued = self.continued or self._status == 100
        self._headers.clear()


def _name(raw: bytes) -> tuple[str, str]:
    """A header's name as it came and in lower case; a run sees few of them."""
    if len(_NAMES) >= _MOST_NAMES:
        _NAMES.clear()
    text = raw.decode("latin-1")
    names = _NAMES[raw] = (text, text.lower())
    return names

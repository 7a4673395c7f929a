"""A reply as it comes in: in whatever pieces, until it is whole."""

from __future__ import annotations

import re

import httptools
import msgspec

from surgectl.engine.drivers.limits import KEEPALIVE_S, MOST_HEADER_BYTES
from surgectl.engine.drivers.redirect import Headers
from surgectl.engine.drivers.wire.fates import Garbled
from surgectl.engine.drivers.wire.unpack import unpacked

_MOST_HEADERS = 128
_MOST_HEAD_BYTES = _MOST_HEADERS * 2048
"""Of a whole head, with all interim replies before it: what browsers bear."""
_HARMLESS_BYTES = 4096
"""A head that came within so many bytes is over no limit."""
_MOST_NAMES = 1024
_MOST_VALUES = 256
_LONG_VALUE = 128
_KEEPALIVE_NS = int(KEEPALIVE_S * 1e9)
_HINT = re.compile(r"timeout\s*=\s*(\d{1,6})", re.IGNORECASE)


class _Name:
    """A header's name, and the values it lately had: a run sees few of either."""

    __slots__ = ("lower", "pairs", "text")

    def __init__(self, raw: bytes) -> None:
        self.text = raw.decode("latin-1")
        self.lower = self.text.lower()
        self.pairs: dict[bytes, tuple[str, str]] = {}

    def pair(self, value: bytes) -> tuple[str, str]:
        """Name and value as text."""
        found = (self.text, value.rstrip(b" \t").decode("utf-8", "replace"))
        if len(value) <= _LONG_VALUE:
            if len(self.pairs) >= _MOST_VALUES:
                self.pairs.clear()
            self.pairs[value] = found
        return found


_NAMES: dict[bytes, _Name] = {}


_NOTHING: list[tuple[bytes, bytes]] = []
_NO_PIECES: list[bytes] = []
"""What an idle connection holds of the last reply: `begin` brings lists that may be filled."""


class _Head(msgspec.Struct, frozen=True, gc=False):
    """A head that came before, byte for byte, and what the parser made of it."""

    status: int
    headers: Headers
    body_bytes: int
    keep: bool
    encoding: str
    keeps_ns: int | None
    """As far as it says so."""


_HEADS: dict[bytes, _Head] = {}
"""Within a second many replies begin alike: the parser need not read the same bytes again."""
_MOST_HEADS = 512
_LONG_HEAD = 2048


class ReplyReader:
    """Reads one reply after the other from one connection: `begin`, then `feed` until the reply is whole."""

    __slots__ = (
        "_body_bytes",
        "_doubtful",
        "_fed",
        "_first",
        "_head_done",
        "_headers",
        "_known",
        "_method",
        "_most",
        "_parser",
        "_pieces",
        "_wrong",
        "continued",
        "keep",
        "keeps_ns",
        "status",
        "whole",
    )

    def __init__(self, most_body_bytes: int) -> None:
        self._most = most_body_bytes
        self._parser: httptools.HttpResponseParser | None = None
        self.keeps_ns = _KEEPALIVE_NS
        """How long the shop keeps an idle connection, as far as it says so (Keep-Alive: timeout=5)."""
        self.begin("GET")

    def begin(self, method: str) -> None:
        """A request was written: what comes now is its reply."""
        self._method = method
        self.status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._body_bytes = 0
        self._fed = 0
        self._first: bytes | None = None
        self._known: _Head | None = None
        self._doubtful = False
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
        if not self._fed and self._method != "HEAD":
            end = data.find(b"\r\n\r\n") + 4
            known = _HEADS.get(data[:end])
            if known is not None and len(data) == end + known.body_bytes and known.body_bytes <= self._most:
                self.status, self.keep, self.whole, self._known = known.status, known.keep, True, known
                self._pieces.append(data[end:])
                return True
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpResponseParser(self)
            # As lenient as aiohttp and the browsers are: shops stand behind old boxes.
            parser.set_dangerous_leniencies(
                lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
            )
        if not self._head_done:
            self._fed += len(data)
            self._doubtful = self._doubtful or self._fed > _HARMLESS_BYTES or b"\0" in data
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
        if not self._head_done and self._fed > _MOST_HEAD_BYTES:
            raise Garbled("a head without end")
        if self.whole and self._fed == len(data):
            self._first = data  # it came in one piece: `take` may know the like of it next time
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

    def take(self) -> tuple[Headers, bytes]:
        """Headers and body. Garbled where the body is not packed as it says, or too long."""
        pieces, known = self._pieces, self._known
        if known is None:
            headers, encoding = self._read_headers()
        else:
            headers, encoding = known.headers, known.encoding
            if known.keeps_ns is not None:
                self.keeps_ns = known.keeps_ns
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if encoding:
            body = unpacked(body, encoding, self._most)
        self._headers, self._pieces, self._first = _NOTHING, _NO_PIECES, None
        return headers, body

    def _read_headers(self) -> tuple[Headers, str]:
        """As text; and how the body is packed."""
        encoding = length = ""
        keeps_ns: int | None = None
        headers: list[tuple[str, str]] = []
        for raw, value in self._headers:
            name = _NAMES.get(raw) or _name(raw)
            pair = name.pairs.get(value) or name.pair(value)
            headers.append(pair)
            if name.lower == "content-encoding":
                encoding = pair[1]
            elif name.lower == "content-length":
                length = pair[1]
            elif name.lower == "keep-alive" and (hint := _HINT.search(pair[1])):
                # Half a second before the shop: a request that meets its closing would stay open for ever.
                self.keeps_ns = keeps_ns = max(0, min(_KEEPALIVE_NS, int(hint[1]) * 1_000_000_000 - 500_000_000))
        told = tuple(headers)
        if self._first is not None:
            self._remember(self._first, told, encoding, length, keeps_ns)
        return told, encoding

    def _remember(self, data: bytes, headers: Headers, encoding: str, length: str, keeps_ns: int | None) -> None:
        """The head of a whole reply that came in one piece, framed by its length and by nothing else."""
        end = data.find(b"\r\n\r\n") + 4
        head, rest = data[:end], len(data) - end
        # A head whose lines end in LF alone may have ended before these two line ends; a 304 has no body to count.
        alone = head.count(b"\n") == head.count(b"\r\n") and length == str(rest) and rest == self._body_bytes
        if not alone or self.status < 200 or end > _LONG_HEAD:
            return
        if any(name.lower() == "transfer-encoding" for name, _ in headers):
            return
        if len(_HEADS) >= _MOST_HEADS:
            _HEADS.clear()
        _HEADS[head] = _Head(self.status, headers, rest, self.keep, encoding, keeps_ns)

    # -- what the parser tells

    def on_message_begin(self) -> None:
        if self.whole:
            self.keep = False  # two replies to one request: nobody knows whose the second is

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_done:  # else a trailer, or a second reply
            self._headers.append((name, value or b""))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self._head_done or parser is None:
            return
        self.status = parser.get_status_code()
        if 100 <= self.status < 200 and self.status != 101:
            return
        self._head_done = True
        if self._doubtful or len(self._headers) > _MOST_HEADERS:
            self._weigh_headers()
        self.keep = parser.should_keep_alive()
        if self._method == "HEAD":
            self.whole = True
            # The parser waits for a body that never comes: the next reply needs another one.
            self._parser = None

    def _weigh_headers(self) -> None:
        """Nobody's headers are longer than what a browser bears."""
        whole = 0
        for name, value in self._headers:
            size = len(name) + len(value)
            whole += size
            if size > MOST_HEADER_BYTES:
                self._wrong = "headers over the limit"
            elif b"\0" in value:
                self._wrong = "a NUL in a header"
        if whole > _MOST_HEAD_BYTES or len(self._headers) > _MOST_HEADERS:
            self._wrong = "headers over the limit"

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
        self.continued = self.continued or self.status == 100
        self._headers.clear()


def _name(raw: bytes) -> _Name:
    if len(_NAMES) >= _MOST_NAMES:
        _NAMES.clear()
    name = _NAMES[raw] = _Name(raw)
    return name

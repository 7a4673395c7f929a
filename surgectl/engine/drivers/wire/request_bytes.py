"""What a request looks like on the wire."""

from __future__ import annotations

import functools
import re

import msgspec

from surgectl import __version__
from surgectl.engine.drivers.place import Place
from surgectl.engine.drivers.redirect import Headers

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OURS = {"accept": "Accept: */*", "accept-encoding": "Accept-Encoding: gzip, deflate"}
_AGENT = f"User-Agent: surgectl/{__version__}"
_UNTYPED = "Content-Type: application/octet-stream\r\n"
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_WITH_TYPE = frozenset({"POST", "PUT", "PATCH"})
"""The shop sees the same whichever driver asks, and aiohttp says a type even of no body."""


class RequestBytes(msgspec.Struct, frozen=True, gc=False):
    """A request, ready to write."""

    head: bytes
    body: bytes
    method: str
    waits: bool
    """The body stays here until the shop says 100 Continue."""


class _Given(msgspec.Struct, frozen=True):
    """What a set of header names brings, and what we must add to it."""

    ours: str
    """Lines that nobody gave, each with its line end."""
    host: bool
    type: bool
    authorization: bool
    expect: bool
    framing: bool
    """A header that says how long the body is: that is ours to say."""


def request_bytes(method: str, place: Place, headers: Headers, body: bytes | None) -> RequestBytes:
    """Raises ValueError for a method, a path or a header that HTTP cannot carry."""
    method = _method(method)
    given = _given(tuple([name for name, _ in headers]))
    waits = False
    if given.expect:
        waits = body is not None and any(
            name.lower() == "expect" and value.lower() == "100-continue" for name, value in headers
        )
    if given.framing:
        # The length of a body is a fact; a wrong one would make the next request on the connection part of this one.
        headers = tuple(pair for pair in headers if pair[0].lower() not in ("content-length", "transfer-encoding"))
    origin = place.origin
    first = f"{method} {place.path} HTTP/1.1\r\n"
    if not given.host:
        first += f"Host: {origin.authority}\r\n"
    if origin.credentials and not given.authorization:
        first += f"Authorization: {origin.credentials}\r\n"
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\r") != len(headers) or lines.count("\n") != len(headers) or "\0" in lines:
        raise ValueError("a line end within a header")
    last = ""
    if body is not None:
        last = f"Content-Length: {len(body)}\r\n" if given.type else f"{_UNTYPED}Content-Length: {len(body)}\r\n"
    elif method not in _BODILESS:
        last = "Content-Length: 0\r\n" if given.type or method not in _WITH_TYPE else f"{_UNTYPED}Content-Length: 0\r\n"
    return RequestBytes(f"{first}{lines}{last}{given.ours}\r\n".encode(), body or b"", method, waits)


@functools.lru_cache(256)
def _method(method: str) -> str:
    if _TOKEN.fullmatch(method) is None:
        raise ValueError("not a method")
    return method.upper()


@functools.lru_cache(4096)
def _given(names: tuple[str, ...]) -> _Given:
    if not all(_TOKEN.fullmatch(name) for name in names):
        raise ValueError("not the name of a header")
    lower = {name.lower() for name in names}
    ours = [line for name, line in _OURS.items() if name not in lower]
    if "user-agent" not in lower:
        ours.append(_AGENT)
    return _Given(
        ours="".join(f"{line}\r\n" for line in ours),
        host="host" in lower,
        type="content-type" in lower,
        authorization="authorization" in lower,
        expect="expect" in lower,
        framing=bool(lower & {"content-length", "transfer-encoding"}),
    )

"""What a canary asks of a dependency: the smallest question that it answers, and that changes nothing.

http      GET /, to the end of the reply
postgres  SSLRequest, answered with one byte, S or N (PostgreSQL, "SSL Session Encryption"). A long one adds a greeting
          in a protocol that does not exist and reads the refusal, which the server may log
redis     PING forty times in one write: forty times +PONG, or -NOAUTH where it wants a password first
tcp       nothing: it listens for 300 ms to a server that speaks first. One that waits for its client says nothing, and
          then only a refused or a cut connection can be seen; a delay or a lost reply cannot. Inside TLS it asks for
          the handshake alone, which every server answers: then everything is seen
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal

import msgspec

Speaks = Literal["http", "postgres", "redis", "tcp"]
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_NO_SUCH_PROTOCOL = struct.pack("!III", 12, 9 << 16, 0)
_PINGS = 40
_LISTENS_NS = 300_000_000


class Asks(msgspec.Struct, frozen=True, kw_only=True):
    """Questions, each with what tells that its answer is whole."""

    turns: tuple[tuple[bytes, Callable[[bytes], bool]], ...]
    until_end: bool = False
    """The answer ends where the server closes the connection."""
    says_all: Callable[[bytes], bool] = lambda heard: False
    """Nothing more can be asked after this."""
    patience_ns: int | None = None
    """The longest that listening makes sense; None = as long as the canary has."""


def asks_of(speaks: Speaks, host: str, long: bool = False, *, secured: bool = False) -> Asks:
    """What to ask a dependency that speaks so and is called `host` (of HTTP), `secured`: inside TLS."""
    if speaks == "postgres":
        short = (_SSL_REQUEST, lambda said: said[:1] in (b"S", b"N", b"E"))
        # With TLS a refusal can only be read inside it, so there the short answer has to do.
        turns = (short, (_NO_SUCH_PROTOCOL, _error_is_whole)) if long else (short,)
        return Asks(turns=turns, says_all=lambda heard: heard[:1] == b"S")
    if speaks == "redis":
        return Asks(turns=((b"PING\r\n" * _PINGS, lambda said: said.count(b"\r\n") >= _PINGS),))
    if speaks == "tcp" and secured:
        return Asks(turns=())
    if speaks == "tcp":
        return Asks(turns=((b"", lambda said: bool(said)),), patience_ns=_LISTENS_NS)
    ask = f"GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: surgectl-canary\r\nConnection: close\r\n\r\n"
    return Asks(turns=((ask.encode(), lambda said: False),), until_end=True)


def _error_is_whole(said: bytes) -> bool:
    """An ErrorResponse: `E`, its length without the `E` in four bytes, its fields."""
    return len(said) >= 5 and said[:1] == b"E" and len(said) >= 1 + int(struct.unpack("!I", said[1:5])[0])

"""What crosses the wire, as data: a request to send, a reply that came (or did not), a verdict on it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.recording.rows import Outcome

Broken = Literal["not-sent", "timeout", "cut", "invalid", "quit"]
"""not-sent: no byte left · timeout: patience ran out after a byte left · cut: reset, EOF or truncation after a byte
left · invalid: not HTTP, or over a limit · quit: the fan closed the socket."""


EVENT, RETRY, STIRRED = ":event", ":retry", ":stirred"
"""Headers of what a push tells (no header of HTTP begins with a colon): a message's name; how long to wait before the
next connection, in ms, as a stream that has ended said it; and that something came that was no message for us (the
comment that keeps a stream alive, an event of another name) where a wait came to its end."""
QUIET = "nothing was pushed in time"
"""The detail of a wait for a message that came to its end on an open connection."""


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What a wait listens to, beside the request that opens it."""

    kind: Literal["sse", "ws"]
    events: frozenset[str] = frozenset()
    """Names of the events that matter; empty = all."""
    open_ns: int = 10_000_000_000
    """The most that opening the connection may take."""


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request, ready to send: nothing is left to render."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    cookies: bool = True
    """Use and fill the fan's cookie jar."""
    follow: bool | str = False
    """Redirects: never, always, or until the Location matches this regex (which is then not fetched)."""
    timeout_ns: int = 10_000_000_000
    """From due, or from the call where that is later, to the last byte."""


class Reply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came back. `broken` None means a whole, valid HTTP reply."""

    broken: Broken | None = None
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    url: str = ""
    """The final URL, after followed redirects."""
    cookies: dict[str, str] = {}
    """The jar for this host after the reply."""
    sent_ns: int | None = None
    """First byte written, on the run's clock; None = no byte ever left."""
    done_ns: int = 0
    detail: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a reply means for the operation, decided by the target's ordered rules."""

    outcome: Outcome
    why: str
    """The word that goes into the recording: next, sold-out, confirmed, shed, timeout, unmatched …"""
    then: Literal["next", "poll", "again", "shed", "goto", "flow", "end", "unknown"]
    to: str | None = None
    """The step of `again STEP`/`goto STEP`, the flow, or the end's name."""
    at_most: int = 20
    rule: int | None = None
    """Index of the matched rule."""
    hint_ns: int | None = None
    """How long the shop asked to wait."""
    hinted: bool = False
    """The rule looks where such a wait would stand."""
    takes: dict[str, Any] = {}
    claims: dict[str, Any] = {}
    """order, amount_minor, currency, qty, seats, tickets, position, wait_s."""
    detail: str = ""


def is_message(reply: Reply) -> bool:
    """Was it pushed on an open connection? Otherwise it is that connection's refusal or its end."""
    return bool(reply.headers) and reply.headers[0][0] == EVENT


def is_stirred(reply: Reply) -> bool:
    """Of a wait that came to its end: did the connection give a sign of life?"""
    return any(name == STIRRED for name, _ in reply.headers)


def said_retry_ns(reply: Reply) -> int | None:
    """How long a stream that has ended wants to be left alone."""
    for name, value in reply.headers:
        if name == RETRY:
            return int(value) * 1_000_000
    return None

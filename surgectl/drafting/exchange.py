"""One question to a shop and its answer, as a browser saw them pass."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import msgspec

from surgectl.text import tamed

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
NOT_JSON = object()
"""What `json_of` gives for a text that is no JSON."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a connection that stays open."""

    data: str
    event: str = ""
    """The name of a server-sent event; empty on a WebSocket."""
    sent: bool = False
    """Said by the page, not by the shop."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request and the reply to it. Header names are lower case; a missing body is an empty text."""

    number: int
    """Its place in the recording."""
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    mime: str = ""
    """Of what was sent, without its parameters."""
    body: str = ""
    form: tuple[tuple[str, str], ...] = ()
    status: int = 0
    """0: no reply came."""
    reply_headers: tuple[tuple[str, str], ...] = ()
    reply_mime: str = ""
    reply: str = ""
    kind: str = ""
    """What asked for it, where the recorder says so: document, xhr, fetch, image, script …"""
    started_s: float | None = None
    messages: tuple[Message, ...] = ()
    """Of an event stream or a WebSocket, in their order."""
    event: str = ""
    """The name of the one message that this stands for."""
    guess: str = ""
    """What of it no recorder said, in words."""
    by_worker: bool = False
    """Answered by the page's service worker, which may have asked the shop by itself."""

    @property
    def origin(self) -> str:
        """`https://shop.example`, or nothing where the URL cannot be read."""
        return origin_of(self.url)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def segments(self) -> list[str]:
        """The parts of the path, percent-encoding undone."""
        return [unquote(part) for part in self.path.split("/")[1:]]

    @property
    def is_document(self) -> bool:
        """Did the browser show it as a page? No form sends JSON."""
        return self.kind == "document" if self.kind else "html" in self.reply_mime and "json" not in self.mime

    @property
    def pushes(self) -> bool:
        """Is it a connection over which the shop speaks by itself?"""
        return self.kind in ("websocket", "eventsource")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that were sent along."""
        pairs = [pair.partition("=") for name, value in self.headers if name == "cookie" for pair in value.split(";")]
        return {name.strip(): value.strip() for name, mark, value in pairs if mark and name.strip()}

    @property
    def is_html(self) -> bool:
        return "html" in self.reply_mime or (not self.reply_mime and self.reply.lstrip()[:1] == "<")

    @property
    def location(self) -> str:
        """Where a redirect points, absolute; empty where it is none."""
        if not 300 <= self.status < 400:
            return ""
        said = header(self.reply_headers, "location")
        try:
            return urljoin(self.url, said) if said else ""
        except ValueError:
            return ""


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL of http or https; empty for anything else."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}" if fine else ""


def header(headers: tuple[tuple[str, str], ...], name: str) -> str:
    """The first header of that (lower case) name, or an empty text."""
    return next((value for key, value in headers if key == name), "")


def whole(text: str) -> str:
    """The text as UTF-8 can hold it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def json_of(text: str) -> Any:
    """The JSON document that a text is, or NOT_JSON. Never raises, whatever the text."""
    start = text.lstrip()[:1]
    if not start or start not in '{["-0123456789tfn':
        return NOT_JSON
    try:
        document = json.loads(text)
        # Half a character that JSON spelled out could never be sent again.
        return tamed(document, whole) if _HALF.search(text) else document
    except (ValueError, RecursionError):
        return NOT_JSON

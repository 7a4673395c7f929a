"""Where a request goes: which door of which shop, and which path behind it."""

from __future__ import annotations

import re
from base64 import b64encode

import msgspec
from yarl import URL

_PLAIN = re.compile(r"(https?://[A-Za-z0-9.\-]+(?::[0-9]+)?)(/[A-Za-z0-9._~/\-]*(?:\?[A-Za-z0-9._~=&\-]+)?)?")
_MOST_KNOWN = 1024


class Origin(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """One door: connections to the same origin are interchangeable."""

    tls: bool
    host: str
    """As DNS and TLS know it."""
    port: int
    authority: str
    """For the Host header."""
    named: str
    """As people write it: what a permit is asked about."""
    credentials: str = ""
    """For the Authorization header, where the URL holds a user's name."""
    source: str = ""
    """The address of ours that its connections come from; empty: the system chooses."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """A URL, taken apart."""

    origin: Origin
    path: str
    """With the query, ready to send."""
    text: str
    """The whole URL, as a reply names it."""


class Atlas:
    """Takes URLs apart, and remembers the origins: the same few in every request."""

    __slots__ = ("_known", "_places")

    def __init__(self) -> None:
        self._known: dict[str, tuple[Origin, str]] = {}
        self._places: dict[str, Place] = {}

    def find(self, text: str) -> Place:
        """Raises ValueError for what is no URL of a shop."""
        found = self._places.get(text)
        if found is None:
            if len(self._places) >= _MOST_KNOWN:
                self._places.clear()  # most URLs hold somebody's order: those are seldom asked for again
            found = self._places[text] = self._find(text)
        return found

    def _find(self, text: str) -> Place:
        plain = _PLAIN.fullmatch(text)
        if plain is None or "/." in (path := plain[2] or "/"):
            return place(URL(text))
        known = self._known.get(plain[1])
        if known is None:
            url = URL(plain[1])
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[plain[1]] = (_origin(url), str(url).removesuffix("/"))
        return Place(known[0], path, known[1] + (plain[2] or ""))


def place(url: URL) -> Place:
    """A URL in full generality. Raises ValueError for what is no URL of a shop."""
    return Place(_origin(url), url.raw_path_qs or "/", str(url))


def _origin(url: URL) -> Origin:
    if url.scheme not in ("http", "https"):
        raise ValueError("neither http nor https")
    if not url.raw_host or url.port is None or url.host is None:
        raise ValueError("no host")
    return Origin(
        tls=url.scheme == "https",
        host=url.raw_host,
        port=url.port,
        authority=url.host_port_subcomponent or "",
        named=url.host,
        credentials=_basic(url.user, url.password),
    )


def _basic(user: str | None, password: str | None) -> str:
    if user is None and password is None:
        return ""
    return "Basic " + b64encode(f"{user or ''}:{password or ''}".encode()).decode()

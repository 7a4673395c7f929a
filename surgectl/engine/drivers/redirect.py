"""Where a redirect leads and what a browser takes along (Fetch standard, HTTP-redirect fetch; RFC 9110 §15.4)."""

from __future__ import annotations

import re

import msgspec
from yarl import URL

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_HOPS = 20
"""Browsers give up here too."""

Headers = tuple[tuple[str, str], ...]

_BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding", "content-language", "origin"})
_SECRETS = frozenset({"authorization", "cookie", "proxy-authorization"})


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a chain of redirects."""

    method: str
    url: URL
    headers: Headers
    body: bytes | None


def location(status: int, headers: Headers) -> str:
    """Where a redirect points; empty where the reply is none."""
    if status not in REDIRECTS:
        return ""
    return next((value for name, value in headers if name.lower() == "location"), "")


def wanted(follow: bool | str, location: str) -> bool:
    """Is this redirect to be followed? A pattern names the Location that is not fetched any more."""
    return follow if isinstance(follow, bool) else re.search(follow, location) is None


def next_hop(hop: Hop, status: int, location: str) -> Hop | None:
    """The request that a browser would send next; None where the Location leads nowhere on HTTP."""
    try:
        url = hop.url.join(URL(location))
        origin, old_origin = url.origin(), hop.url.origin()
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.host:
        return None
    method, headers, body = hop.method, hop.headers, hop.body
    if (status == 303 and method not in ("GET", "HEAD")) or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
        headers = tuple(pair for pair in headers if pair[0].lower() not in _BODY_HEADERS)
    if origin != old_origin:
        # Another shop must not get this one's secrets; of where we came from it learns the origin at most.
        headers = tuple(_abroad(pair, hop.url, url) for pair in headers if pair[0].lower() not in _SECRETS)
        headers = tuple(pair for pair in headers if pair[1])
    return Hop(method=method, url=url, headers=headers, body=body)


def _abroad(pair: tuple[str, str], here: URL, there: URL) -> tuple[str, str]:
    """A header as it crosses an origin (Referrer-Policy: strict-origin-when-cross-origin, the browsers' default)."""
    name, value = pair
    if name.lower() == "origin":
        return name, "null"
    if name.lower() == "referer":
        if here.scheme == "https" and there.scheme == "http":
            return name, ""
        return name, f"{here.origin()}/"
    return pair

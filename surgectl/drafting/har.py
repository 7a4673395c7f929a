"""Reads what a browser wrote down while somebody bought a ticket: an HTTP Archive.

The format is HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as Chromium, Firefox and Playwright write it,
with their extension `_resourceType`. What is odd in an entry costs that entry, never the whole recording.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from surgectl.drafting.exchange import Exchange, origin_of, whole
from surgectl.errors import UsageError

MOST_BYTES = 256 * 1024 * 1024
MOST_OF_A_BODY = 2_000_000
"""Characters of a reply that are looked through: a purchase's pages are far smaller."""


def read_har(data: bytes, where: str) -> tuple[Exchange, ...]:
    """The exchanges of a HAR, in the order in which they began. UsageError where it is none."""
    how = "in the browser: developer tools, Network, Preserve log, buy a ticket, Export HAR (with content)"
    if len(data) > MOST_BYTES:
        raise UsageError(f"is larger than {MOST_BYTES // 1024 // 1024} MiB", where=where, hint="record one purchase")
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 text (byte {error.start:,})", where=where, hint=how) from error
    except json.JSONDecodeError as error:
        raise UsageError(f"is not JSON: {error.msg}", where=f"{where}:{error.lineno}", hint=how) from error
    except (ValueError, RecursionError) as error:
        raise UsageError("is not JSON that a browser writes", where=where, hint=how) from error
    log = _map(document).get("log")
    entries = _map(log).get("entries")
    if not isinstance(entries, list):
        raise UsageError("has no log.entries: it is not a HAR", where=where, hint=how)
    found = [exchange for number, entry in enumerate(entries) if (exchange := _exchange(number, _map(entry)))]
    if not found:
        raise UsageError(f"holds no request that can be read, of {len(entries)} entries", where=where, hint=how)
    if all(one.started_s is not None for one in found):
        found.sort(key=lambda one: (one.started_s, one.number))
    return tuple(found)


def _exchange(number: int, entry: dict[str, Any]) -> Exchange | None:
    request, response = _map(entry.get("request")), _map(entry.get("response"))
    url, method = _text(request.get("url")), _text(request.get("method")).upper()
    if not origin_of(url) or not method.isascii() or not method.isalpha():
        return None
    post, content = _map(request.get("postData")), _map(response.get("content"))
    mime = _mime(_text(post.get("mimeType")))
    body = _text(post.get("text"))
    params = [
        (name, "" if "fileName" in param else _text(param.get("value")))
        for param in map(_map, _list(post.get("params")))
        if (name := _text(param.get("name")))
    ]
    if not params and mime == "application/x-www-form-urlencoded":
        params = _pairs(body)
    if not params and mime == "multipart/form-data":
        params = [*_multipart(body)]
    head = _headers(request)
    status = response.get("status")
    reply_headers = _headers(response)
    return Exchange(
        number=number,
        method=method,
        url=url,
        headers=head,
        mime=mime or _mime(next((value for name, value in head if name == "content-type"), "")),
        body=body,
        form=tuple(params),
        status=status if isinstance(status, int) and 100 <= status < 600 else 0,
        reply_headers=reply_headers,
        reply_mime=_mime(_text(content.get("mimeType")) or dict(reply_headers).get("content-type", "")),
        reply=_content(content),
        kind=_kind(entry, request),
        started_s=_instant(entry.get("startedDateTime")),
    )


def _kind(entry: dict[str, Any], request: dict[str, Any]) -> str:
    kind = _text(entry.get("_resourceType")).lower()
    upgrade = any(name == "upgrade" and value.lower() == "websocket" for name, value in _headers(request))
    return "websocket" if upgrade or entry.get("_webSocketMessages") else kind


def _content(content: dict[str, Any]) -> str:
    text = _text(content.get("text"))
    if _text(content.get("encoding")).lower() == "base64":
        try:
            text = base64.b64decode(text, validate=False).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return ""
    return text[:MOST_OF_A_BODY]


def _headers(message: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Without the pseudo headers of HTTP/2 (RFC 9113 §8.3). Chromium joins several Set-Cookie by line breaks."""
    out: list[tuple[str, str]] = []
    for item in map(_map, _list(message.get("headers"))):
        name = _text(item.get("name")).strip().lower()
        if name and not name.startswith(":"):
            out += [(name, value.strip()) for value in _text(item.get("value")).split("\n")]
    if not any(name == "set-cookie" for name, _ in out) and "redirectURL" in message:
        for cookie in map(_map, _list(message.get("cookies"))):
            out.append(("set-cookie", f"{_text(cookie.get('name'))}={_text(cookie.get('value'))}"))
    if not any(name == "location" for name, _ in out) and (to := _text(message.get("redirectURL"))):
        out.append(("location", to))
    return tuple(out)


def _pairs(body: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body, keep_blank_values=True, max_num_fields=2_000)
    except ValueError:
        return []


def _multipart(body: str) -> Iterator[tuple[str, str]]:
    """The text fields of a multipart/form-data body (RFC 7578); files are left out."""
    boundary = body.split("\r\n", 1)[0]
    if not boundary.startswith("--"):
        return
    for part in body.split(boundary)[1:]:
        head, gap, text = part.partition("\r\n\r\n")
        _, found, rest = head.partition('name="')
        if gap and found and "filename=" not in head:
            yield rest.partition('"')[0], text.removesuffix("\r\n")


def _instant(value: object) -> float | None:
    try:
        return datetime.fromisoformat(_text(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _mime(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """Text that UTF-8 can hold: half a character has no place in a file."""
    return whole(value) if isinstance(value, str) else ""

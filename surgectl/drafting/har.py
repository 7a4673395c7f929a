"""Reads what a browser wrote down while somebody bought a ticket: an HTTP Archive.

The format is HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) as Chromium, Firefox, Safari, Playwright,
mitmproxy, Charles and Fiddler write it; [dialects](dialect.py) has what each does in its own way. What is odd in an
entry costs that entry, never the whole recording. Entries are read one by one, so that a recording of hundreds of
megabytes takes little more memory than its own size.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import msgspec

from surgectl.drafting.dialect import (
    as_list,
    as_map,
    as_text,
    content_of,
    kind_of,
    messages_of,
    mime_of,
    sent_of,
    spoke_s,
)
from surgectl.drafting.exchange import Exchange, origin_of
from surgectl.drafting.unpacked import MOST_BYTES, Attached, nothing
from surgectl.errors import UsageError

_HOW = "in the browser: developer tools, Network, Preserve log, buy a ticket, Export HAR (with content)"
_MOST_ENTRIES = 50_000


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _Archive(msgspec.Struct):
    log: _Log


def read_har(data: bytes, where: str, attached: Attached = nothing) -> tuple[Exchange, ...]:
    """The exchanges of a HAR, in the order in which they began. UsageError where it is none.

    `attached` gives the bodies that the HAR only names.
    """
    if len(data) > MOST_BYTES:
        raise UsageError(f"is larger than {MOST_BYTES // 1024 // 1024} MiB", where=where, hint="record one purchase")
    entries = _entries(data, where)
    found: list[Exchange] = []
    for number, entry in enumerate(entries[:_MOST_ENTRIES]):
        exchange = _exchange(number, as_map(_entry(entry)), attached)
        if exchange is not None:
            found.append(exchange)
    if not found:
        raise UsageError(f"holds no request that can be read, of {len(entries)} entries", where=where, hint=_HOW)
    if all(one.started_s is not None for one in found):
        found.sort(key=lambda one: (one.started_s, one.number))
    return tuple(found)


def _entries(data: bytes, where: str) -> list[Any]:
    """The entries, not yet read (bytes) or read already (anything else)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError as error:
            raise UsageError("is neither UTF-8 nor UTF-16 text", where=where, hint=_HOW) from error
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    head = data[:4096].lstrip()
    if not head and len(data) <= 4096:
        raise UsageError("is not JSON: it is empty", where=where, hint=_HOW)
    try:
        return [*msgspec.json.decode(data, type=_Archive).log.entries]
    except msgspec.ValidationError as error:
        raise UsageError("has no log.entries: it is not a HAR", where=where, hint=_HOW) from error
    except RecursionError as error:
        raise UsageError("is not JSON that a browser writes", where=where, hint=_HOW) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if re.search(rb"\b(?:NaN|Infinity)\b", data) and (read := _lenient(data)) is not None:
            return read
        raise _no_json(data, where, str(error)) from error


def _lenient(data: bytes) -> list[Any] | None:
    """Python's own reader also takes the NaN that some recorders write (RFC 8259 §6 has none)."""
    try:
        entries = as_map(as_map(json.loads(data)).get("log")).get("entries")
    except (ValueError, RecursionError):
        return None
    return entries if isinstance(entries, list) else None


def _no_json(data: bytes, where: str, said: str) -> UsageError:
    """What is wrong with it, in which line, and in which of its entries."""
    at = re.search(r"byte (\d+)", said)
    cut = "truncated" in said
    end = len(data) if cut or at is None else min(int(at[1]), len(data))
    line = data.count(b"\n", 0, end) + 1
    entry = data.count(b'"startedDateTime"', 0, end)
    among = f", in entry {entry:,}" if entry else ""
    if cut:
        what = f"is not JSON: it breaks off after {len(data):,} bytes{among}"
        return UsageError(what, where=f"{where}:{line}", hint="export or copy it again, until the file is complete")
    if end < len(data) and data[end] >= 0x80:
        return UsageError(f"is not UTF-8 text (byte {end:,})", where=f"{where}:{line}", hint=_HOW)
    reason = re.sub(r"^JSON is malformed: |\s*\(byte \d+\)$", "", said)
    return UsageError(f"is not JSON: {reason} at byte {end:,}{among}", where=f"{where}:{line}", hint=_HOW)


def _entry(raw: Any) -> Any:
    if not isinstance(raw, msgspec.Raw):
        return raw
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(bytes(raw).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _exchange(number: int, entry: dict[str, Any], attached: Attached) -> Exchange | None:
    request, response = as_map(entry.get("request")), as_map(entry.get("response"))
    url, method = as_text(request.get("url")), as_text(request.get("method")).upper()
    if url.startswith(("ws://", "wss://")):
        url = "http" + url[2:]
    if not origin_of(url) or not method.isascii() or not method.isalpha():
        return None
    head, reply_head = headers_of(request, "cookie"), headers_of(response, "set-cookie")
    sent = sent_of(as_map(request.get("postData")), head, attached)
    kind = kind_of(entry, head, reply_head)
    status = response.get("status")
    content = as_map(response.get("content"))
    reply_mime = mime_of(as_text(content.get("mimeType"))) or mime_of(dict(reply_head).get("content-type", ""))
    reply = content_of(content, reply_head, reply_mime, kind, attached)
    return Exchange(
        number=number,
        method=method,
        url=url,
        headers=head,
        mime=sent.mime,
        body=sent.text,
        form=sent.form,
        status=status if isinstance(status, int) and 100 <= status < 600 else 0,
        reply_headers=reply_head,
        reply_mime=reply_mime,
        reply=reply,
        kind=kind,
        started_s=spoke_s(entry) or _instant(entry.get("startedDateTime")),
        messages=messages_of(entry, kind, reply),
        by_worker=response.get("_fetchedViaServiceWorker") is True or entry.get("_fetchType") == "Service Worker",
    )


def headers_of(message: dict[str, Any], cookie: str) -> tuple[tuple[str, str], ...]:
    """Without the pseudo headers of HTTP/2 (RFC 9113 §8.3), and with the cookies that only `cookies` names.

    Chromium joins several Set-Cookie by line breaks; Safari by commas, which no reader can take apart again.
    """
    out: list[tuple[str, str]] = []
    for item in map(as_map, as_list(message.get("headers"))):
        name = as_text(item.get("name")).strip().lower()
        if name and not name.startswith(":"):
            out += [(name, value.strip()) for value in as_text(item.get("value")).split("\n")]
    told = [value for name, value in out if name == cookie]
    for one in map(as_map, as_list(message.get("cookies"))):
        name, value = as_text(one.get("name")), as_text(one.get("value"))
        if name and not any(pair.strip().partition("=")[0] == name for line in told for pair in line.split(";")):
            out.append((cookie, f"{name}={value}"))
    if not any(name == "location" for name, _ in out) and (to := as_text(message.get("redirectURL"))):
        out.append(("location", to))
    return tuple(out)


def _instant(value: object) -> float | None:
    try:
        return datetime.fromisoformat(as_text(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None

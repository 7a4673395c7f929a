"""What each recorder writes in its own way: bodies, forms, kinds of request, and what a shop pushed.

Known of each from its source: Chromium's DevTools (front_end/models/har), Firefox (devtools/client/netmonitor/src/har),
Safari's Web Inspector (HARBuilder.js), Playwright (its HAR tracer), mitmproxy (addons/savehar.py); of Charles and
Fiddler from what they export.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from surgectl.drafting.exchange import Message, whole
from surgectl.drafting.unpacked import Attached

MOST_OF_A_BODY = 2_000_000
"""Characters of a body that are looked through: a purchase's pages are far smaller."""
_MOST_MESSAGES = 2_000
_FILES = re.compile(r"(image|font|audio|video)/|text/css|application/(?:font|wasm|pdf|zip)|.*(?:java|ecma)script")
_FORM = re.compile(r"[^=&\s]{1,200}=[^=&\s]*(?:&[^=&\s]{1,200}=[^=&\s]*)*")
_DESTINATIONS = {
    "document": "document", "iframe": "document", "frame": "document", "empty": "fetch", "script": "script",
    "style": "stylesheet", "image": "image", "font": "font", "audio": "media", "video": "media", "track": "texttrack",
    "manifest": "manifest", "worker": "script", "sharedworker": "script", "serviceworker": "script", "report": "ping",
}  # fmt: skip
"""Sec-Fetch-Dest (W3C Fetch Metadata §2.1) → what DevTools calls such a request."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request."""

    mime: str
    text: str
    form: tuple[tuple[str, str], ...]


def sent_of(post: dict[str, Any], head: tuple[tuple[str, str], ...], attached: Attached) -> Sent:
    """What the text says, where there is one, else the `params`; files of a form are left out."""
    mime = mime_of(as_text(post.get("mimeType"))) or mime_of(next((v for n, v in head if n == "content-type"), ""))
    text = as_text(post.get("text"))
    if as_text(post.get("encoding")).lower() == "base64":
        text = decoded(_bytes_of(text), "")
    elif not text and (file := as_text(post.get("_file"))):
        text = decoded(attached(file) or b"", "")
    params = [
        (name, "" if "fileName" in param else as_text(param.get("value")))
        for param in map(as_map, as_list(post.get("params")))
        if (name := as_text(param.get("name")))
    ]
    if not mime and not params and _FORM.fullmatch(text[:100_000]):
        mime = "application/x-www-form-urlencoded"
    if mime == "multipart/form-data" and text:
        params = [*_multipart(text)] or params
    elif mime == "application/x-www-form-urlencoded":
        # Chromium's params are as they were sent, percent signs and all; everybody's text is.
        params = [*_pairs(text.strip())] or params
    return Sent(mime=mime, text=text[:MOST_OF_A_BODY], form=tuple(params))


def _pairs(body: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body, keep_blank_values=True, max_num_fields=2_000)
    except ValueError:
        return []


def _multipart(body: str) -> Iterator[tuple[str, str]]:
    """The text fields of a multipart/form-data body (RFC 7578). Firefox puts the request's own headers before it."""
    start = re.search(r"(?m)^--[^\r\n]{1,200}\r?$", body)
    if start is None:
        return
    boundary = start[0].rstrip("\r")
    for part in body[start.start() :].split(boundary)[1:]:
        head, gap, text = part.replace("\r\n", "\n").partition("\n\n")
        name = re.search(r'\bname="([^"]*)"', head)
        if gap and name and "filename" not in head:
            yield name[1], text.removesuffix("\n")


def content_of(
    content: dict[str, Any], head: tuple[tuple[str, str], ...], mime: str, kind: str, attached: Attached
) -> str:
    """The text of a reply; of pictures, scripts and the like nothing: no step is made of them."""
    if _FILES.match(mime) or kind in ("image", "font", "media", "stylesheet", "script"):
        return ""
    text = as_text(content.get("text"))
    charset = re.search(r"(?i)charset=[\"']?([\w.:-]{1,40})", as_text(content.get("mimeType")))
    charset = charset or re.search(r"(?i)charset=[\"']?([\w.:-]{1,40})", dict(head).get("content-type", ""))
    if as_text(content.get("encoding")).lower() == "base64":
        text = decoded(_bytes_of(text), charset[1] if charset else "")
    elif not text and (file := as_text(content.get("_file"))):
        text = decoded(attached(file) or b"", charset[1] if charset else "")
    return text[:MOST_OF_A_BODY]


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text[: 4 * MOST_OF_A_BODY], validate=False)
    except (binascii.Error, ValueError):
        return b""


def decoded(data: bytes, charset: str) -> str:
    """Bytes as the text that they are. A proxy may have written them down packed, as they passed."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(47).decompress(data, 4 * MOST_OF_A_BODY)
        except zlib.error:
            return ""
    try:
        return whole(data.decode(charset or "utf-8", "replace"))
    except (LookupError, UnicodeError, ValueError):
        return data.decode("utf-8", "replace")


def kind_of(entry: dict[str, Any], head: tuple[tuple[str, str], ...], said: tuple[tuple[str, str], ...]) -> str:
    """What asked for it, in DevTools' words; where the recorder does not say it, what the browser told the shop."""
    asked = dict(head)
    upgrade = asked.get("upgrade", "").lower() == "websocket" or "sec-websocket-key" in asked
    if upgrade or entry.get("_webSocketMessages"):
        return "websocket"
    streams = "text/event-stream" in (mime_of(dict(said).get("content-type", "")), mime_of(asked.get("accept", "")))
    if streams or entry.get("_eventSourceMessages"):
        return "eventsource"
    kind = as_text(entry.get("_resourceType")).lower()
    if kind and kind != "other":
        return kind
    if "xmlhttprequest" in asked.get("x-requested-with", "").lower():
        return "xhr"
    if "access-control-request-method" in asked:
        return "preflight"
    return _DESTINATIONS.get(asked.get("sec-fetch-dest", "").lower(), "")


def messages_of(entry: dict[str, Any], kind: str, reply: str) -> tuple[Message, ...]:
    """What was pushed, and what was said to a WebSocket; nothing where the recorder kept none of it."""
    out: list[Message] = []
    for one in map(as_map, as_list(entry.get("_webSocketMessages"))[:_MOST_MESSAGES]):
        if one.get("opcode") in (1, None) and one.get("type") in ("send", "receive"):
            out.append(Message(data=as_text(one.get("data"))[:MOST_OF_A_BODY], sent=one.get("type") == "send"))
    for one in map(as_map, as_list(entry.get("_eventSourceMessages"))[:_MOST_MESSAGES]):
        event = as_text(one.get("eventName"))
        out.append(Message(data=as_text(one.get("data"))[:MOST_OF_A_BODY], event=event or "message"))
    if not out and kind == "eventsource":
        out += streamed(reply)
    return tuple(out)


def spoke_s(entry: dict[str, Any]) -> float | None:
    """When the page first said something over a WebSocket: until then it only stood open."""
    for one in map(as_map, as_list(entry.get("_webSocketMessages"))[:_MOST_MESSAGES]):
        time = one.get("time")
        if one.get("type") == "send" and isinstance(time, int | float) and not isinstance(time, bool):
            # Chromium and mitmproxy count seconds, Playwright milliseconds.
            return time / 1000 if time > 1e11 else float(time) if time > 0 else None
    return None


def streamed(text: str) -> list[Message]:
    """The messages of an event stream (WHATWG HTML §9.2.6): those that a blank line ended and that carry data."""
    out: list[Message] = []
    event, data = "", list[str]()
    for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")):
        if not line:
            if data:
                out.append(Message(data="\n".join(data), event=event or "message"))
            event, data = "", []
            if len(out) >= _MOST_MESSAGES:
                break
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            event = value
        elif field == "data":
            data.append(value)
    return out


def mime_of(text: str) -> str:
    """Without parameters; Chromium and Safari say `x-unknown` for none."""
    mime = text.partition(";")[0].strip().lower()
    return "" if mime == "x-unknown" else mime


def as_map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Text that UTF-8 can hold: half a character has no place in a file."""
    return whole(value) if isinstance(value, str) else ""

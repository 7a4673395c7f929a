"""One purchase as each recorder writes it down: what is the same in all of them is the purchase."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

SHOP = "https://shop.example"
ANN = "ann.o'neil+gig@example.org"
TOKENS = [f"{letter * 9}{number}{letter * 9}" for number, letter in enumerate("klmn")]


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its reply, as they passed over the wire."""

    method: str
    url: str
    form: dict[str, str] | None = None
    sent: Any = None
    status: int = 200
    reply: str = ""
    mime: str = "text/html; charset=utf-8"
    location: str = ""
    cookie: str = ""
    """That is set."""
    kind: str = "document"


def _page(title: str, action: str = "", token: str = "", fields: str = "") -> str:
    hidden = f'<input type="hidden" name="_csrf" value="{token}">'
    form = f'<form method="post" action="{action}">{hidden}{fields}</form>' if action else ""
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{form}</body></html>"


def _get(url: str, reply: str, **more: Any) -> Passed:
    return Passed(method="GET", url=url, reply=reply, **more)


def _form(url: str, status: int, to: str, **form: str) -> Passed:
    return Passed(method="POST", url=url, form=form, status=status, location=to)


_ASKED = '<input name="mail"><input name="town">'
PURCHASE = [
    _get("/gig", _page("The gig", "/basket", TOKENS[0], '<input name="tickets">'), cookie="sid=s3cr3t77"),
    _get("/gig.css", "h1 { color: red }", mime="text/css", kind="stylesheet"),
    _form("/basket", 303, "/checkout", _csrf=TOKENS[0], tickets="2"),
    _get("/checkout", _page("Who are you?", "/checkout", TOKENS[1], _ASKED)),
    Passed(method="OPTIONS", url="https://api.shop.example/towns", status=204, kind="preflight"),
    Passed(method="POST", url="https://metrics.shop.example/collect", sent={"view": 1}, status=204, kind="ping"),
    _form("/checkout", 303, "/review", _csrf=TOKENS[1], mail=ANN, town="Zürich & Köln"),
    _get("/review", _page("Review", "/buy", TOKENS[2])),
    _form("/buy", 302, "/thank-you/ord-7781a", _csrf=TOKENS[2]),
    _get("/thank-you/ord-7781a", _page("Vielen Dank für Ihre Bestellung")),
]


def _url(one: Passed) -> str:
    return one.url if "://" in one.url else SHOP + one.url


def _body(one: Passed) -> str:
    return urlencode(one.form) if one.form is not None else json.dumps(one.sent)


def _mime(one: Passed) -> str:
    return "application/x-www-form-urlencoded" if one.form is not None else "application/json"


def _pairs(pairs: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs.items()]


def _said(one: Passed, *, bare: bool = False) -> dict[str, str]:
    head = {"Content-Type": one.mime, "Server": "shop"}
    head |= {"Location": one.location} if one.location else {}
    return head | ({"Set-Cookie": f"{one.cookie}; Path=/; HttpOnly"} if one.cookie and not bare else {})


def _posted(one: Passed) -> bool:
    return one.form is not None or one.sent is not None


def _har(entries: list[dict[str, Any]], **log: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", **log, "entries": entries}}).encode()


def _when(number: int) -> str:
    return f"2026-11-23T12:00:{number:02d}.250Z"


def chromium(*, bare: bool = False) -> bytes:
    """DevTools: HTTP/2's pseudo headers, `params` that are not decoded, initiators; `bare`: "sanitized"."""
    entries = []
    for number, one in enumerate(PURCHASE):
        head = {":authority": "shop.example", ":method": one.method, ":path": one.url, ":scheme": "https"}
        head |= {} if bare or not number else {"cookie": "sid=s3cr3t77"}
        request: dict[str, Any] = {"method": one.method, "url": _url(one), "httpVersion": "http/2.0"}
        request |= {"headers": _pairs(head), "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 0}
        if _posted(one):
            request["postData"] = {"mimeType": _mime(one), "text": _body(one)}
        if one.form is not None:
            raw = {name: quote_plus(value) for name, value in one.form.items()}
            request["postData"]["params"] = _pairs(raw)
        content: dict[str, Any] = {"size": len(one.reply), "mimeType": one.mime.partition(";")[0] or "x-unknown"}
        content |= {"text": one.reply} if one.reply and not one.location else {}
        response = {"status": one.status, "headers": _pairs(_said(one, bare=bare)), "cookies": [], "content": content}
        response |= {"redirectURL": one.location, "headersSize": -1, "_transferSize": 0, "_error": None}
        response |= {"_fetchedViaServiceWorker": False}
        initiator = {"type": "script", "stack": {"callFrames": [{"functionName": "buy", "lineNumber": 3}]}}
        entry = {"_initiator": initiator, "_priority": "High", "_resourceType": one.kind, "pageref": "page_1"}
        entries.append({**entry, "request": request, "response": response, "startedDateTime": _when(number), "time": 9})
    return _har(entries, creator={"name": "WebInspector", "version": "537.36"}, pages=[])


_DESTINATION = {"document": "document", "stylesheet": "style", "preflight": "empty", "ping": "empty"}


def firefox() -> bytes:
    """No kinds but what Sec-Fetch says; pages in `mimeType` with charset; bodies left out where it likes."""
    entries = []
    for number, one in enumerate(PURCHASE):
        head = {"Host": "shop.example", "Sec-Fetch-Dest": _DESTINATION[one.kind], "Cookie": "sid=s3cr3t77"}
        head |= {"Access-Control-Request-Method": "POST"} if one.kind == "preflight" else {}
        request: dict[str, Any] = {"bodySize": 0, "method": one.method, "url": _url(one), "httpVersion": "HTTP/2"}
        request |= {"headers": _pairs(head), "cookies": _pairs({"sid": "s3cr3t77"}), "headersSize": 400}
        if _posted(one):
            params = _pairs(one.form) if one.form is not None else []
            request["postData"] = {"mimeType": _mime(one), "params": params, "text": _body(one)}
        content = {"mimeType": one.mime, "size": len(one.reply), "encoding": None}
        content |= {"comment": "not included"} if one.kind == "stylesheet" else {"text": one.reply}
        response = {"status": one.status, "headers": _pairs(_said(one)), "cookies": [], "content": content}
        response |= {"redirectURL": one.location, "headersSize": 300, "bodySize": -1}
        when = f"2026-11-23T13:00:{number:02d}.250+01:00"
        entries.append({"startedDateTime": when, "request": request, "response": response, "cache": {}, "timings": {}})
    return _har(entries, creator={"name": "Firefox", "version": "128.0"}, pages=[])


def safari() -> bytes:
    """Folds a form and its redirect into one entry; several cookies in one header; no kinds at all."""
    entries = []
    before: Passed | None = None
    for number, one in enumerate(PURCHASE):
        if one.location:
            before = one
            continue
        request: dict[str, Any] = {"method": one.method, "url": _url(one), "httpVersion": "HTTP/2"}
        request |= {"headers": _pairs({"Accept": "text/html"}), "cookies": _pairs({"sid": "s3cr3t77"})}
        if _posted(one):
            request["postData"] = {"mimeType": _mime(one), "text": _body(one), "params": []}
        if before is not None:
            request["postData"] = {"mimeType": "", "text": _body(before), "params": []}
        said = _said(one) | ({"Set-Cookie": "a=1, sid=s3cr3t77; Path=/"} if one.cookie else {})
        content = {"size": len(one.reply), "compression": 0, "mimeType": one.mime or "x-unknown", "text": one.reply}
        response = {"status": one.status, "headers": _pairs(said), "cookies": _pairs({"sid": "s3cr3t77"})}
        response |= {"content": content, "redirectURL": "", "headersSize": -1, "bodySize": -1}
        entry = {"pageref": "page_0", "startedDateTime": _when(number), "_fetchType": "Network Load"}
        entries.append({**entry, "request": request, "response": response})
        before = None
    return _har(entries, creator={"name": "WebKit Web Inspector", "version": "1.0"})


def mitmproxy() -> bytes:
    """Packed with zlib (`.zhar`), cookies in lists, times with an offset, and no kinds."""
    entries = []
    for number, one in enumerate(PURCHASE):
        request: dict[str, Any] = {"method": one.method, "url": _url(one), "httpVersion": "HTTP/2.0"}
        request |= {"cookies": _pairs({"sid": "s3cr3t77"}), "headers": _pairs({"cookie": "sid=s3cr3t77"})}
        if one.method == "POST":
            params = _pairs(one.form) if one.form is not None else []
            request["postData"] = {"mimeType": _mime(one), "text": _body(one), "params": params}
        content = {"size": 1, "compression": 0, "mimeType": one.mime, "text": one.reply}
        response = {"status": one.status, "cookies": [], "headers": _pairs(_said(one)), "content": content}
        response |= {"redirectURL": one.location, "headersSize": 1, "bodySize": 1}
        when = f"2026-11-23T12:00:{number:02d}.250000+00:00"
        entries.append({"startedDateTime": when, "time": 3.0, "request": request, "response": response, "timings": {}})
    return zlib.compress(_har(entries, pages=[]), 9)


def charles() -> bytes:
    """Every body in base64, forms as text alone, no sizes of headers."""
    entries = []
    for number, one in enumerate(PURCHASE):
        request: dict[str, Any] = {
            "method": one.method,
            "url": _url(one),
            "headers": _pairs({"Cookie": "sid=s3cr3t77"}),
        }
        if _posted(one):
            request["postData"] = {"mimeType": _mime(one), "text": _body(one)}
        packed = base64.b64encode(one.reply.encode("iso-8859-1")).decode()
        content = {"size": 1, "mimeType": one.mime.replace("utf-8", "iso-8859-1"), "text": packed, "encoding": "base64"}
        response = {
            "_charlesStatus": "COMPLETE",
            "status": one.status,
            "headers": _pairs(_said(one)),
            "content": content,
        }
        entries.append({"startedDateTime": _when(number), "request": request, "response": response})
    return b"\xef\xbb\xbf" + _har(entries, creator={"name": "Charles Proxy", "version": "4.6"})


def fiddler() -> bytes:
    """Seven digits of a second, tunnels, replies packed as they passed, forms as `params` without a text."""
    entries: list[dict[str, Any]] = []
    tunnel = {"method": "CONNECT", "url": "shop.example:443", "headers": []}
    entries.append({"startedDateTime": _when(0), "request": tunnel, "response": {"status": 200, "headers": []}})
    for number, one in enumerate(PURCHASE):
        request: dict[str, Any] = {
            "method": one.method,
            "url": _url(one),
            "headers": _pairs({"Cookie": "sid=s3cr3t77"}),
        }
        if _posted(one):
            request["postData"] = {"mimeType": _mime(one), "text": "", "params": _pairs(one.form or {})}
        packed = base64.b64encode(gzip.compress(one.reply.encode(), mtime=0)).decode()
        content = {"mimeType": one.mime, "text": packed, "encoding": "base64"}
        said = _said(one) | {"Content-Encoding": "gzip"}
        response = {"status": one.status, "headers": _pairs(said), "content": content, "redirectURL": one.location}
        when = f"2026-11-23T12:00:{number:02d}.2501234+00:00"
        entries.append({"startedDateTime": when, "comment": f"[#{number}]", "request": request, "response": response})
    return (
        _har(entries, creator={"name": "Fiddler", "version": "5.0"})
        .replace(b'"log"', b'\n "log"')
        .replace(b": 3.0", b": NaN")
    )


def playwright(file: Path) -> None:
    """A zip: `har.har`, and each body as a file that the HAR names."""
    entries = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, one in enumerate(PURCHASE):
            request: dict[str, Any] = {"method": one.method, "url": _url(one), "cookies": _pairs({"sid": "s3cr3t77"})}
            request |= {"headers": _pairs({"cookie": "sid=s3cr3t77"}), "headersSize": -1}
            if _posted(one):
                params = _pairs(one.form or {})
                request["postData"] = {"mimeType": _mime(one), "params": params, "_file": f"sent{number}.dat"}
                archive.writestr(f"sent{number}.dat", _body(one))
            content: dict[str, Any] = {"size": len(one.reply), "mimeType": one.mime}
            if one.reply:
                content["_file"] = f"{number}abc.html"
                archive.writestr(f"{number}abc.html", one.reply)
            response = {"status": one.status, "headers": _pairs(_said(one)), "content": content}
            response |= {"redirectURL": one.location}
            entry = {"_frameref": "f@1", "_monotonicTime": 7.5, "_resourceType": one.kind}
            entries.append({**entry, "startedDateTime": _when(number), "request": request, "response": response})
        archive.writestr("har.har", _har(entries, creator={"name": "Playwright", "version": "1.5"}))


DIALECTS: dict[str, Callable[[], bytes]] = {
    "chromium": chromium,
    "chromium-sanitized": lambda: chromium(bare=True),
    "firefox": firefox,
    "safari": safari,
    "mitmproxy": mitmproxy,
    "charles": charles,
    "fiddler": fiddler,
}

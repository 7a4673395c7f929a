"""Small recordings made by hand, in the shape that browsers write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from surgectl.cli.init import _prove
from surgectl.drafting.har import read_har
from surgectl.drafting.purchase import draft_of
from surgectl.drafting.write import write
from surgectl.profile.load import load_target
from surgectl.profile.target import Target

SHOP = "http://127.0.0.1:8000"


def entry(
    method: str,
    path: str,
    status: int = 200,
    *,
    form: dict[str, str] | None = None,
    sent: Any = None,
    reply: Any = "",
    headers: dict[str, str] | None = None,
    said: dict[str, str] | None = None,
    kind: str = "",
) -> dict[str, Any]:
    """One entry; a reply that is no text is JSON."""
    url = path if "://" in path else SHOP + path
    is_json = not isinstance(reply, str)
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "headers": [{"name": name, "value": value} for name, value in (headers or {}).items()],
    }
    if form is not None:
        request["postData"] = {"mimeType": "application/x-www-form-urlencoded", "text": urlencode(form)}
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    mime = "application/json" if is_json else "text/html; charset=utf-8"
    return {
        "_resourceType": kind or ("fetch" if is_json or sent is not None else "document"),
        "request": request,
        "response": {
            "status": status,
            "headers": [{"name": name, "value": value} for name, value in (said or {}).items()],
            "content": {"mimeType": mime, "text": json.dumps(reply) if is_json else reply},
        },
    }


def har(*entries: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()


def drafted(*entries: Any) -> str:
    """The draft of these entries; it has passed what `surgectl check` asks."""
    text = write(draft_of(read_har(har(*entries), "bought.har"), "bought.har"))
    _prove(text)
    return text


def target_of(text: str, folder: Path, **variables: str) -> Target:
    file = folder / "shop.yaml"
    file.write_text(text, "utf-8")
    return load_target(file, variables, environ={})

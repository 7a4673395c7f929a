"""The words of every answer: JSON in, JSON out, and a refusal that a program can read."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.refusals import Refused

T = TypeVar("T")
Reply = tuple[int, object]
"""Status and body; bytes are a body that is JSON already."""

_encode = msgspec.json.Encoder().encode


def json(status: int, body: object, headers: dict[str, str] | None = None) -> web.Response:
    text = body if isinstance(body, bytes) else _encode(body)
    return web.Response(body=text, status=status, content_type="application/json", headers=headers)


def refusal(refused: Refused) -> web.Response:
    body: dict[str, Any] = {"code": refused.code, "message": refused.say, **refused.extra}
    if refused.retry_after_s is None:
        return json(refused.status, body)
    body["retry_after_ms"] = refused.retry_after_s * 1000
    return json(refused.status, body, {"Retry-After": str(refused.retry_after_s)})


def read_body(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """What was sent; 400 where it is not what it should be."""
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise Refused(400, "BAD_REQUEST", str(error)) from error


def read_number(request: Asked, name: str, default: int) -> int:
    """A whole number of the query; 400 where it is none."""
    text = request.query.get(name, "")
    if text and not text.isdecimal():
        raise Refused(400, "BAD_REQUEST", f"{name} must be a whole number")
    return int(text) if text else default

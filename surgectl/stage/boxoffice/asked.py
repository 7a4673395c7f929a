"""One wish at the box office, whoever wrote it down: the street itself, or a room that translates for others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from aiohttp import web
from multidict import CIMultiDict


class Asked(Protocol):
    """As much of an HTTP request as the shop reads."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def query(self) -> Mapping[str, str]: ...
    async def read(self) -> bytes: ...


class Written:
    """A wish that a room puts into the shop's own words (docs/stage.md lists them)."""

    def __init__(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(path)
        self.method = method
        self.path = unquote(parts.path)
        self.query: Mapping[str, str] = dict(parse_qsl(parts.query))
        self.headers: Mapping[str, str] = CIMultiDict(headers or {})
        self._body = b"" if body is None else msgspec.json.encode(body)

    async def read(self) -> bytes:
        return self._body


Tell = Callable[[Asked], Awaitable[web.Response]]
"""The shop's answer to one wish: the one way in, with its limits, its books and its refusals."""

"""A request that came to a doorman, as the shop's own rooms read it, and the shop's answer as it goes back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import web
from multidict import CIMultiDict

from surgectl.stage.boxoffice.doormen.tube import Told, Wish


class Relayed:
    """As much of a request as pages, API and letter box read."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        parts = urlsplit(wish.url)
        self.method = wish.method
        self.path = unquote(parts.path)
        self.query: Mapping[str, str] = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.headers: Mapping[str, str] = CIMultiDict(wish.headers)

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        try:
            return {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()}
        except CookieError:
            return {}

    async def read(self) -> bytes:
        return self._wish.body


def as_told(number: int, answer: web.Response) -> Told:
    """Everything that a response says before it meets the wire."""
    body = answer.body
    assert isinstance(body, bytes | bytearray | None), "the shop answers in one piece"
    headers = list(answer.headers.items())
    headers += [("Set-Cookie", cookie.OutputString()) for cookie in answer.cookies.values()]
    return Told(number, answer.status, headers, bytes(body or b""))

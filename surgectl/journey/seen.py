"""One reply as the rules look at it: its JSON and its text are read once, and only if a rule asks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import msgspec

from surgectl import chance
from surgectl.journey.messages import Reply
from surgectl.journey.paths import MISSING
from surgectl.journey.template import Variables

Dice = tuple[int, ...]
"""(seed, fan, tab, number of the send): what a seeded pick depends on."""


class NotJsonError(Exception):
    """A rule needs the JSON of a body that is not JSON."""


class _NotJson(msgspec.Struct, frozen=True):
    """Why a body is not JSON."""

    why: str


class Seen:
    """A reply, the variables it is judged with, and what has been read of it so far."""

    __slots__ = ("_headers", "_json", "_text", "dice", "reply", "variables")

    def __init__(self, reply: Reply, variables: Variables, dice: Dice = (0, 0, 0, 0)) -> None:
        self.reply = reply
        self.variables = variables
        self.dice = dice
        self._json: Any = MISSING
        self._text: str | None = None
        self._headers: dict[str, str] | None = None

    def json(self) -> Any:
        """The decoded body. NotJsonError where it is not JSON."""
        if self._json is MISSING:
            try:
                self._json = msgspec.json.decode(self.reply.body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._json = _NotJson(str(error))
        if type(self._json) is _NotJson:
            # A fresh one each time: an exception that is kept keeps the whole tab alive through its traceback.
            raise NotJsonError(self._json.why)
        return self._json

    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        if self._text is None:
            self._text = self.reply.body.decode("utf-8", "replace")
        return self._text

    def header(self, name: str) -> Any:
        """The first header of that name, in any case, or MISSING."""
        if self._headers is None:
            headers: dict[str, str] = {}
            for key, value in self.reply.headers:
                headers.setdefault(key.lower(), value)
            self._headers = headers
        return self._headers.get(name.lower(), MISSING)

    def location(self) -> Any:
        """The Location header made absolute, or MISSING."""
        value = self.header("location")
        return value if value is MISSING or not self.reply.url else urljoin(self.reply.url, value)

    def sample(self, items: list[Any], count: int) -> list[Any]:
        """`count` of the items, seeded, in drawn order (Fisher & Yates)."""
        seed, *counters = self.dice
        pool = list(items)
        for index in range(count):
            other = index + chance.bits(seed, "pick", *counters, index) % (len(pool) - index)
            pool[index], pool[other] = pool[other], pool[index]
        return pool[:count]

"""A login that many requests share, and the questions it is made of."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.profile.called import Called
from surgectl.profile.part import Part
from surgectl.profile.rule import Hint, Take, When
from surgectl.profile.step import GraphQL
from surgectl.profile.values import Duration


class Ask(Called, frozen=True, kw_only=True):
    """One question to an authority: it changes nothing that a fan could see."""

    get: str | None = None
    post: str | None = None
    origin: str | None = None
    headers: dict[str, str] = {}
    json: Any = msgspec.UNSET
    form: dict[str, Any] | None = None
    graphql: GraphQL | None = None


class LoginStep(Ask, frozen=True, kw_only=True):
    """One request of a login. Cookies are kept; what it takes fills the blanks of everything asked after it."""

    take: dict[str, Take] = {}


class Login(Part, frozen=True, kw_only=True):
    """A login that is made once and used by many requests; what it takes is `{NAME.token}` in their headers."""

    steps: list[LoginStep]
    per: Literal["run", "account"] = "run"
    """run: one for all fans; account: one for each row of fans_from."""
    expires: Hint | None = None
    """Where its last reply says how long it holds."""
    lasts: Duration | None = None
    """How long it holds where the reply does not say it."""
    denied: When | list[When] = When(status=401)
    """What a request is answered whose login does not hold any more."""

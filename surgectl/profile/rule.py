"""What a reply means and what it holds: conditions, rules, and the values that are taken out of it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.profile.part import Part


class When(Part, frozen=True, kw_only=True):
    """Conditions on a reply; all named ones must hold. A list means any."""

    status: int | str | list[int | str] | None = None
    json: dict[str, Any] | list[dict[str, Any]] | None = None
    location: str | list[str] | None = None
    url: str | list[str] | None = None
    body: str | list[str] | None = None
    header: dict[str, str] | None = None
    var: dict[str, Any] | None = None
    event: str | list[str] | None = None
    """Of a message that was pushed: its name, `message` where it has none."""


class Hint(Part, frozen=True, kw_only=True):
    """Where the shop says how long to wait."""

    header: str | None = None
    json: str | None = None
    regex: str | None = None
    """Searched in the body: what a page's `<meta http-equiv="refresh">` says."""
    unit: Literal["s", "ms"] = "s"


class Rule(Part, frozen=True, kw_only=True):
    """If `when` holds, then go there or end so."""

    when: When | list[When]
    then: str | None = None
    """next · poll · again [STEP] · shed · goto STEP · flow NAME"""
    end: str | None = None
    """confirmed · accepted · sold-out · declined · limit · gone · refused · a name of one's own with `means`."""
    means: Literal["ok", "fail", "info"] | None = None
    at_most: int = 20
    hint: Hint | None = None


class Take(Part, frozen=True, kw_only=True):
    """One value out of a reply."""

    json: str | None = None
    regex: str | None = None
    header: str | None = None
    location: bool | str | None = None
    cookie: str | None = None
    url: bool | str | None = None
    else_: str | None = msgspec.field(name="else", default=None)
    default: Any = msgspec.UNSET
    pick: str | int | None = None


class Claim(Part, frozen=True, kw_only=True):
    """What the shop told the fan, in a form that can be checked against its books."""

    json: str | None = None
    regex: str | None = None
    header: str | None = None
    location: bool | str | None = None
    url: bool | str | None = None
    var: str | None = None
    money: str | None = None
    """`minor EUR` · `major EUR` · `text`"""
    unit: Literal["s", "ms"] = "s"
    """Of `wait`."""

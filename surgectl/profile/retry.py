"""The retry profile: how a fan behaves when things are slow or fail. One YAML file, these frozen structs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.profile.values import Duration, Share


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a retry profile: frozen, and strict about its keys."""


class Exponential(_Part, frozen=True, kw_only=True):
    """base·2ⁿ up to cap (AWS architecture blog, "Exponential backoff and jitter")."""

    base: Duration
    cap: Duration
    jitter: Literal["none", "full", "equal", "decorrelated"] = "full"


class Lognormal(_Part, frozen=True, kw_only=True):
    median: Duration
    sigma: float


class Weibull(_Part, frozen=True, kw_only=True):
    shape: float
    scale: Duration


class Backoff(_Part, frozen=True, kw_only=True):
    """How long to wait before trying again; nothing named = at once."""

    fixed: Duration | None = None
    exponential: Exponential | None = None
    lognormal: Lognormal | None = None
    uniform: list[Duration] | None = None
    """[least, most]"""


class Reaction(_Part, frozen=True, kw_only=True):
    """What a fan does about one outcome. `tries` includes the first."""

    tries: int = 1
    backoff: Backoff = Backoff()
    key: Literal["same", "fresh"] = "same"
    """With `back` and `same` the client keeps its key although what it buys has changed."""
    flow: str | None = None
    back: str | None = None
    """Role of an earlier step: goes back there, and from it through the journey once more, with what comes of it."""
    retry_after: Literal["honour", "ignore"] = "ignore"


class Tabs(_Part, frozen=True, kw_only=True):
    """Opens several tabs at a step of that role; the first success closes the others."""

    open: str
    """`3` or `2-5`"""
    from_: str = msgspec.field(name="from", default="join")


class Quits(_Part, frozen=True, kw_only=True):
    """How long a fan waits in all before leaving for good."""

    weibull: Weibull


class Think(_Part, frozen=True, kw_only=True):
    """A pause before each step."""

    lognormal: Lognormal | None = None
    fixed: Duration | None = None


class Looks(_Part, frozen=True, kw_only=True):
    """Reads the shop's first page again and again before joining; some only ever look."""

    times: str
    """`20` or `5-40`: how often in all."""
    every: Backoff = Backoff()
    leaves: Share = Share(0.0)
    """Share of these fans who leave after looking, and never meant to buy."""


class RetryProfile(_Part, frozen=True, kw_only=True):
    """One kind of fan, whole."""

    name: str
    about: str = ""
    patience: dict[str, Duration] = {}
    """Role → how long one attempt may take before the fan acts."""
    quits: Quits | None = None
    react: dict[str, dict[str, Reaction]] = {}
    """Role → outcome (`info`, `again`, `shed` or an end's name) → reaction."""
    tabs: int | Tabs = 1
    double: Share = Share(0.0)
    abandons: Share = Share(0.0)
    """Share of these fans who fill a basket and never come to pay."""
    refresh: dict[str, str | dict[str, Any]] = {}
    """Role (poll) → `never` or {lognormal: {median, sigma}}: reloads whatever the shop asked for."""
    looks: Looks | None = None
    think: Think | None = None

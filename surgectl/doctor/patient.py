"""Who is examined: a target, and the profile that would storm it where one was named."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from surgectl.evidence.reading import Redact, unredacted
from surgectl.journey.messages import Reply, Verdict
from surgectl.journey.model import Journey
from surgectl.plan.build import Plan
from surgectl.profile.accounts import Accounts
from surgectl.profile.target import Target


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What came of waiting for a push: its first message, or what came instead of one."""

    reply: Reply
    verdict: Verdict
    took_ns: int


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one fan who bought."""

    run: str
    intent: str
    end: str
    outcome: str
    detail: str = ""
    requests: int
    minted: dict[str, str]
    claims: dict[str, Any]
    """What the shop told the fan."""
    setup: Any = None
    """What the setup hook printed; None: there is none."""
    heard: dict[str, Heard] = {}
    """By the path of the step that waited for a push."""


Then = Callable[[Bought], Awaitable[None]]
Buy = Callable[[Then], Awaitable[None]]
"""Plays one fan between setup and teardown; whoever is handed in looks at the shop while the purchase still shows."""


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """A target that could be loaded and compiled, and what a rehearsal would know of it."""

    target: Target
    journey: Journey
    folder: Path
    """The target's: relative files are found from here."""
    variables: Mapping[str, Any]
    """`run`, `sale`, and `setup` where the hook was run: what requests without a fan may name."""
    plan: Plan | None = None
    tls: ssl.SSLContext | None = None
    """Whom the target believes to be its shop; None: as the system does."""
    unset: tuple[str, ...] = ()
    """`${…}` that nobody has set."""
    unfilled: tuple[str, ...] = ()
    """What the profile's commands lack, in words."""
    toxiproxy: str | None = None
    embedded_proxy: bool = False
    redact: Redact = unredacted
    learn: Callable[[str], None] = lambda value: None
    """Hears of what `redact` is to hide from now on: what a login gave."""
    people: Callable[[], Accounts | None] | None = None
    """Reads the table of fans_from as a run would; UsageError. None: it cannot be looked for yet."""
    buy: Buy | None = None

    @property
    def stage_is_down(self) -> bool:
        """The built-in shop is meant, which only a run puts up."""
        return self.target.stage is not None and bool(self.unset)

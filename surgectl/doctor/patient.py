"""Who is examined: a target, and the profile that would storm it where one was named."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from surgectl.evidence.reading import Redact, unredacted
from surgectl.journey.model import Journey
from surgectl.plan.build import Plan
from surgectl.profile.target import Target


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

    @property
    def stage_is_down(self) -> bool:
        """The built-in shop is meant, which only a run puts up."""
        return self.target.stage is not None and bool(self.unset)

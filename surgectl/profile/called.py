"""Somebody's own Python that has the last word on a request, whoever sends it: a fan, a login, or a reader of books."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.profile.part import Part


class Called(Part, frozen=True, kw_only=True):
    """What asks, and may be signed before it leaves."""

    call: str | None = None
    """A callable of the entry point `surgectl.steps`: it has the last word on the request, or works values out."""
    with_: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    """What it is given."""

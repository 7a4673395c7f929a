"""A target file that is still being thought about: steps, and beside each doubt its reason."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.profile.step import Role


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, take or claim as it will stand in the file."""

    value: dict[str, Any]
    doubt: str = ""
    """Written behind it as `# ? …`."""
    asleep: bool = False
    """Commented out: what could not be seen."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A value with a name in a mapping (a take, a header, a mint)."""

    name: str
    value: Any
    doubt: str = ""
    asleep: bool = False


class DraftPoll(msgspec.Struct, kw_only=True):
    """Asking again, or listening until the shop says it by itself."""

    request: dict[str, Any]
    """`get`, `query`, `origin`, `headers`, `follow` …; of what listens `sse` or `ws`, and `send`"""
    pushed: bool = False
    """It stands as `await:`, not as `poll:`."""
    every: str = "1s"
    hint: dict[str, Any] | None = None
    outcomes: list[Line] = []
    take: list[Named] = []
    claims: list[Named] = []
    doubt: str = ""


class DraftStep(msgspec.Struct, kw_only=True):
    """One step of the journey to be."""

    name: str
    request: dict[str, Any]
    """The request's keys in the target's own words; empty where the step only polls."""
    role: Role = "browse"
    role_doubt: str = ""
    notes: list[str] = []
    """Comments above it."""
    outcomes: list[Line] = []
    take: list[Named] = []
    claims: list[Named] = []
    poll: DraftPoll | None = None
    only: dict[str, Any] | None = None


class DraftLogin(msgspec.Struct, frozen=True, kw_only=True):
    """What many requests share: an entry of `logins:`."""

    name: str
    steps: list[dict[str, Any]]
    expires: dict[str, Any] | None = None
    doubt: str = ""


class Draft(msgspec.Struct, kw_only=True):
    """The whole file to be."""

    name: str
    about: str
    base_url: str
    steps: list[DraftStep]
    made_by: str = "surgectl init"
    host: str = ""
    """Named in a commented `allow:` where it is not this machine."""
    origins: dict[str, str] = {}
    headers: list[Named] = []
    mint: list[Named] = []
    logins: list[DraftLogin] = []
    status: list[DraftStep] = []
    checks: list[str] = []
    """What a person should look at, the most important first."""
    left_out: list[str] = []
    """What was in the recording and is not in the draft."""
    secrets: list[str] = []
    """Environment variables that stand in for secrets."""

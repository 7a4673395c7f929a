"""What a fan asks: a request, and the step of a journey around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from surgectl.profile.part import Part
from surgectl.profile.rule import Claim, Hint, Rule, Take, When
from surgectl.profile.values import Duration, Share

Role = Literal["browse", "join", "poll", "hold", "pay", "status"]


class GraphQL(Part, frozen=True, kw_only=True):
    """A GraphQL request: the query verbatim, variables rendered."""

    query: str
    variables: dict[str, Any] = {}


class Follow(Part, frozen=True, kw_only=True):
    """Follow redirects until one points there (that one is not fetched)."""

    until: str


class Request(Part, frozen=True, kw_only=True):
    """What a step, a poll or a probe sends."""

    get: str | None = None
    post: str | None = None
    put: str | None = None
    patch: str | None = None
    delete: str | None = None
    head: str | None = None
    origin: str | None = None
    query: dict[str, Any] = {}
    json: Any = msgspec.UNSET
    form: dict[str, Any] | None = None
    graphql: GraphQL | None = None
    body: str | None = None
    form_page: bool = False
    headers: dict[str, str] = {}
    follow: bool | Follow = False
    timeout: Duration | None = None
    call: str | None = None
    """A callable of the entry point `surgectl.steps`: it has the last word on the request, or works values out."""
    with_: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    """What it is given."""


class Poll(Request, frozen=True, kw_only=True):
    """Ask again until the shop knows. Reading, never an attempt."""

    every: Duration = Duration(500_000_000)
    jitter: Share = Share(0.2)
    hint: Hint | None = None
    within: Duration = Duration(60 * 10**9)
    outcomes: list[Rule] = []
    take: dict[str, Take] = {}
    claims: dict[str, Claim | int | str] = {}


class Await(Part, frozen=True, kw_only=True):
    """Wait until the shop says it by itself. Reading, never an attempt."""

    sse: str | None = None
    """Server-sent events: the URL of the stream."""
    ws: str | None = None
    """A WebSocket: its URL."""
    origin: str | None = None
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    send: Any = msgspec.UNSET
    """Said once the WebSocket is open: a text as it is, anything else as JSON."""
    events: list[str] = []
    """Names of the events that are listened to, as a page does; without it, all."""
    reconnect: Duration = Duration(3 * 10**9)
    """How long after the end of a connection the next is opened, unless the stream says so itself."""
    timeout: Duration | None = None
    """Until the connection is open."""
    within: Duration = Duration(60 * 10**9)
    outcomes: list[Rule] = []
    take: dict[str, Take] = {}
    claims: dict[str, Claim | int | str] = {}


class Barrier(Part, frozen=True, kw_only=True):
    """Hold fans until enough have come."""

    name: str
    fans: int
    within: Duration


class Repeat(Part, frozen=True, kw_only=True):
    """Walk a wizard: look where we are, do that page's steps, until done."""

    by: Take
    """The first group of its pattern names the case."""
    cases: dict[str, list[Step]]
    until: When
    at_most: int = 8


class Step(Request, frozen=True, kw_only=True):
    """One operation of the journey."""

    step: str
    role: Role = "browse"
    outcomes: list[Rule] | None = None
    take: dict[str, Take] = {}
    claims: dict[str, Claim | int | str] = {}
    poll: Poll | None = None
    await_: Await | None = msgspec.field(name="await", default=None)
    only: When | None = None
    repeat: Repeat | None = None
    barrier: Barrier | None = None


def walk(steps: list[Step], path: str) -> Iterator[tuple[str, Step]]:
    """Every step with its path, those of a wizard's cases too."""
    for number, step in enumerate(steps):
        at = f"{path}[{number}]"
        yield at, step
        if step.repeat:
            for case, inner in step.repeat.cases.items():
                yield from walk(inner, f"{at}.repeat.cases.{case}")

"""The compiled target: what every fan of a run walks through. Frozen, shared, and free of any fan's state."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from surgectl.journey.calling import CompiledCall
from surgectl.journey.conditions import Condition
from surgectl.journey.logins import CompiledLogin
from surgectl.journey.messages import Push, Reply, Verdict
from surgectl.journey.outcomes import Judge
from surgectl.journey.request import CompiledRequest
from surgectl.journey.seen import Seen
from surgectl.journey.template import Template

KEY = "key"


class CompiledPoll(msgspec.Struct, frozen=True, kw_only=True):
    """Asking again until the shop knows."""

    request: CompiledRequest
    judge: Judge
    every_ns: int
    jitter: float
    within_ns: int
    rules: tuple[str, ...] = ()


class CompiledListen(msgspec.Struct, frozen=True, kw_only=True):
    """Waiting until the shop says it by itself."""

    request: CompiledRequest
    """What opens the connection; its body is what is said first."""
    push: Push
    judge: Judge
    reconnect_ns: int
    within_ns: int
    rules: tuple[str, ...] = ()


class CompiledRepeat(msgspec.Struct, frozen=True, kw_only=True):
    """A wizard: where we are, what that page wants, and when it is over. All look at the last page."""

    by: Callable[[Seen], object]
    until: Condition
    at_most: int
    cases: dict[str, tuple[CompiledStep, ...]]


class CompiledBarrier(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    fans: int
    within_ns: int


class CompiledStep(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the journey, ready to be played."""

    name: str
    role: str
    path: str
    """Where it stands in the file: `journey[3]`."""
    request: CompiledRequest | None = None
    """None: it only waits, meets, repeats or works something out."""
    call: CompiledCall | None = None
    """Of a step without a request: what works its values out. One that has the last word on a request stands there."""
    judge: Judge | None = None
    rules: tuple[str, ...] = ()
    """The outcome rules as their author wrote them, for people."""
    poll: CompiledPoll | None = None
    listen: CompiledListen | None = None
    polls_at_once: bool = False
    """Its own request is already the first poll."""
    only: Condition | None = None
    repeat: CompiledRepeat | None = None
    barrier: CompiledBarrier | None = None
    takes: frozenset[str] = frozenset()

    @property
    def waits(self) -> bool:
        """Does it ask or listen until the shop knows?"""
        return self.poll is not None or self.listen is not None


class Mint(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is unique to an intent by construction."""

    name: str
    text: Template
    fresh: bool
    """Made of {uuid} or {attempt}, itself or through another mint: a fresh key mints it anew."""
    per_tab: bool
    """Each tab of a person has its own."""


class CompiledProbe(msgspec.Struct, frozen=True, kw_only=True):
    """A page that the independent prober asks for."""

    name: str
    request: CompiledRequest
    judge: Callable[[Reply], Verdict]


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """A target, compiled."""

    name: str
    steps: tuple[CompiledStep, ...]
    flows: dict[str, tuple[CompiledStep, ...]] = {}
    probes: dict[str, CompiledProbe] = {}
    mint: tuple[Mint, ...] = ()
    cookies: bool = True
    keeps_page: bool = False
    """Some step looks at the page before it: the last reply is kept."""
    logins: dict[str, CompiledLogin] = {}
    """Made once and used often; what they give is filled in when a request leaves."""
    key_variable: str = KEY
    key_step: str | None = None
    """The step whose page gives the key, where none is minted."""
    takers: dict[str, str] = {}
    """Variable → the first step that takes it."""

    def every_step(self) -> Iterator[CompiledStep]:
        """All steps: those of flows and of wizards too."""
        for block in (self.steps, *self.flows.values()):
            yield from _walk(block)


def _walk(steps: tuple[CompiledStep, ...]) -> Iterator[CompiledStep]:
    for step in steps:
        yield step
        if step.repeat is not None:
            for case in step.repeat.cases.values():
                yield from _walk(case)

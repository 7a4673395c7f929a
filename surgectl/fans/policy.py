"""How patient a fan is, what it does about each outcome, and how long it waits before doing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from surgectl import chance
from surgectl.errors import UsageError
from surgectl.fans.memory import Memory
from surgectl.profile.check_retry import look_range, tab_range
from surgectl.profile.retry import Backoff, Looks, Reaction, RetryProfile, Tabs, Weibull
from surgectl.profile.values import Duration

Draw = Callable[[Memory], int]
"""A tab's memory → nanoseconds."""

Wait = Callable[[Memory, int, int], int]
"""(memory, number of the retry from 0, the wait before it in ns) → nanoseconds."""

_READING = frozenset({"join", "poll", "status"})


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A reaction, ready to be used."""

    tries: int
    wait: Wait
    fresh_key: bool = False
    flow: str | None = None
    back: str | None = None
    """Role of the step to go back to."""
    honours_hint: bool = False


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """How a fan reads the first page, ready to be used."""

    times: tuple[int, int]
    pause: Draw
    leaves: float


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A retry profile, compiled. Every draw depends on seed, fan, tab and a counter alone."""

    name: str
    patience_ns: dict[str, int] = {}
    react: dict[tuple[str, str], Response] = {}
    quits: Weibull | None = None
    double: float = 0.0
    tabs: tuple[int, int] = (1, 1)
    tabs_from: str = "join"
    refresh: dict[str, Draw] = {}
    looking: Looking | None = None
    abandons: float = 0.0
    think: Draw | None = None

    def response(self, role: str, words: tuple[str, ...]) -> tuple[str, Response] | None:
        """The reaction to the first of these outcome words that the profile names.

        A role that only reads (join, poll, status) falls back to what the profile says of browse.
        """
        for at in (role, "browse") if role in _READING else (role,):
            for word in words:
                found = self.react.get((at, word))
                if found is not None:
                    return word, found
        return None

    def budget_ns(self, seed: int, fan: int) -> int | None:
        """How long this person waits in all before leaving for good; None = for ever."""
        if self.quits is None:
            return None
        return round(chance.weibull(self.quits.shape, float(self.quits.scale), seed, "quits", fan))

    def leaves_its_basket(self, seed: int, fan: int) -> bool:
        """Whether this person fills a basket and never comes to pay."""
        return chance.unit(seed, "abandons", fan) < self.abandons

    def open_tabs(self, seed: int, fan: int) -> int:
        """How many tabs this person opens in all."""
        return _within(self.tabs, seed, "tabs", fan)

    def looks(self, seed: int, fan: int) -> int:
        """How often this person reads the first page in all."""
        return 1 if self.looking is None else _within(self.looking.times, seed, "looks", fan)

    def only_looks(self, seed: int, fan: int) -> bool:
        """Whether this person leaves after looking."""
        return self.looking is not None and chance.unit(seed, "only-looks", fan) < self.looking.leaves


def _within(bounds: tuple[int, int], seed: int, purpose: str, fan: int) -> int:
    least, most = bounds
    return least if most <= least else least + int(chance.unit(seed, purpose, fan) * (most - least + 1))


def compile_policy(profile: RetryProfile) -> Policy:
    """A retry profile → decisions. UsageError where it says something that cannot be drawn."""
    think: Draw | None = None
    if profile.think is not None:
        waits = Backoff(lognormal=profile.think.lognormal, fixed=profile.think.fixed)
        think = _as_draw(compile_wait(waits, "think"))
    return Policy(
        name=profile.name,
        patience_ns={role: int(patience) for role, patience in profile.patience.items()},
        react={
            (role, word): _compile_reaction(reaction, f"{role}.{word}")
            for role, reactions in profile.react.items()
            for word, reaction in reactions.items()
        },
        quits=profile.quits.weibull if profile.quits is not None else None,
        double=float(profile.double),
        tabs=_tabs(profile),
        tabs_from=profile.tabs.from_ if isinstance(profile.tabs, Tabs) else "join",
        refresh={
            role: _as_draw(compile_wait(_read_refresh(habit, profile.name, role), f"refresh.{role}"))
            for role, habit in profile.refresh.items()
            if habit != "never"
        },
        looking=_looking(profile.looks) if profile.looks is not None else None,
        abandons=float(profile.abandons),
        think=think,
    )


def _looking(looks: Looks) -> Looking:
    return Looking(
        times=look_range(looks.times), pause=_as_draw(compile_wait(looks.every, "looks")), leaves=float(looks.leaves)
    )


def _compile_reaction(reaction: Reaction, purpose: str) -> Response:
    return Response(
        tries=reaction.tries,
        wait=compile_wait(reaction.backoff, f"backoff.{purpose}"),
        fresh_key=reaction.key == "fresh",
        flow=reaction.flow,
        back=reaction.back,
        honours_hint=reaction.retry_after == "honour",
    )


def compile_wait(backoff: Backoff, purpose: str) -> Wait:
    """The draw of a backoff; nothing named = at once.

    Exponential after the AWS architecture blog, "Exponential backoff and jitter": with t = min(cap, base·2ⁿ),
    none: t · full: U(0, t) · equal: t/2 + U(0, t/2) · decorrelated: min(cap, U(base, 3·previous)).
    """
    if backoff.fixed is not None:
        fixed_ns = int(backoff.fixed)
        return lambda memory, retry, previous_ns: fixed_ns
    if backoff.uniform is not None:
        least, most = (float(bound) for bound in backoff.uniform)
        return lambda memory, retry, previous_ns: round(
            chance.between(least, most, memory.seed, purpose, *memory.draw())
        )
    if backoff.lognormal is not None:
        median, sigma = float(backoff.lognormal.median), backoff.lognormal.sigma
        return lambda memory, retry, previous_ns: round(
            chance.lognormal(median, sigma, memory.seed, purpose, *memory.draw())
        )
    if backoff.exponential is not None:
        base, cap, jitter = int(backoff.exponential.base), int(backoff.exponential.cap), backoff.exponential.jitter

        def draw(memory: Memory, retry: int, previous_ns: int) -> int:
            ceiling = min(cap, base << min(retry, 62))
            if jitter == "none":
                return ceiling
            share = chance.unit(memory.seed, purpose, *memory.draw())
            if jitter == "full":
                return round(ceiling * share)
            if jitter == "equal":
                return round(ceiling / 2 + ceiling / 2 * share)
            return min(cap, round(base + (max(base, 3 * previous_ns) - base) * share))

        return draw
    return lambda memory, retry, previous_ns: 0


def _as_draw(wait: Wait) -> Draw:
    return lambda memory: wait(memory, 0, 0)


def _tabs(profile: RetryProfile) -> tuple[int, int]:
    if isinstance(profile.tabs, int):
        return profile.tabs, profile.tabs
    try:
        return tab_range(profile.tabs.open)
    except ValueError as error:
        raise UsageError(str(error), where=f"{profile.name}: tabs.open") from None


def _read_refresh(habit: str | dict[str, Any], name: str, role: str) -> Backoff:
    def read(kind: type, value: Any) -> Any:
        if kind is Duration:
            return Duration.parse(str(value))
        raise NotImplementedError(kind)

    try:
        return msgspec.convert(habit, Backoff, dec_hook=read)
    except (msgspec.ValidationError, ValueError) as error:
        raise UsageError(
            str(error), where=f"{name}: refresh.{role}", hint="never, or lognormal: {median: 2.5s, sigma: 0.5}"
        ) from error

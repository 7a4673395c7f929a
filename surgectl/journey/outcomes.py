"""Decides what a reply means: it happened, it did not, or nobody can know.

The rules of the target are tried in order; anything that they do not name stays `info` for ever. That is the
first promise of a rehearsal: a timeout, a cut connection or a 502 page is never taken for a refusal.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import msgspec

from surgectl.journey.extract import CompiledClaim, CompiledTake
from surgectl.journey.messages import QUIET, Reply, Verdict
from surgectl.journey.paths import MISSING
from surgectl.journey.rules import CompiledRule, Effect, compile_otherwise
from surgectl.journey.seen import Dice, NotJsonError, Seen
from surgectl.journey.template import Variables
from surgectl.text import one_line

Judge = Callable[[Reply, Variables, Dice], Verdict]

_TITLE = re.compile(r"(?i)<title[^>]{0,200}>([^<]+)")
_LOOKED_AT, _SHOWN = 2_000, 120
_SUCCESS = Effect(outcome="ok", why="next", then="next", reads="all")
_WAITING = Effect(outcome="ok", why="poll", then="poll", reads="all")


def compile_judge(
    rules: tuple[CompiledRule, ...] | None,
    takes: tuple[CompiledTake, ...],
    claims: tuple[CompiledClaim, ...],
    where: str,
    *,
    then_poll: bool = False,
) -> Judge:
    """The judge of a step's own replies. Without rules, 2xx is `next` (or `poll`, for a step that waits)."""
    read = _compile_reading(takes, claims, where)
    default = _WAITING if then_poll else _SUCCESS
    pairs = None if rules is None else tuple((rule.holds, rule.effect) for rule in rules)

    def judge(reply: Reply, variables: Variables, dice: Dice) -> Verdict:
        if reply.broken is not None:
            return judge_broken(reply)
        seen = Seen(reply, variables, dice)
        if pairs is None:
            if 200 <= reply.status < 300:
                return read(seen, default, None)
            return _unmatched(reply)
        try:
            for index, (holds, effect) in enumerate(pairs):
                if holds(seen):
                    return read(seen, effect, index)
        except NotJsonError as error:
            return _invalid(f"the body is not JSON: {error}")
        return _unmatched(reply)

    return judge


def compile_poll_judge(
    rules: tuple[CompiledRule, ...],
    takes: tuple[CompiledTake, ...],
    claims: tuple[CompiledClaim, ...],
    hint: Callable[[Seen], int | None] | None,
    where: str,
) -> Judge:
    """The judge of a poll's replies: whatever no rule names means not yet, and is never held against the operation."""
    read = _compile_reading(takes, claims, where, keep=True)
    glance = _compile_reading(takes, claims, where, lenient=True)
    pairs = tuple((rule.holds, rule.effect) for rule in rules)

    def judge(reply: Reply, variables: Variables, dice: Dice) -> Verdict:
        if reply.broken is not None:
            return msgspec.structs.replace(judge_broken(reply), then="poll")
        seen = Seen(reply, variables, dice)
        success = 200 <= reply.status < 400
        effect = Effect(
            outcome="ok" if success else "info",
            why="not-yet" if success else "unmatched",
            then="poll",
            hint=hint,
            reads="present" if success else "none",
        )
        try:
            for index, (holds, found) in enumerate(pairs):
                if holds(seen):
                    if found.then in ("poll", "shed"):
                        # A shop that sheds a poll has said nothing about the operation: ask again later.
                        wait = msgspec.structs.replace(found, then="poll", hint=found.hint or hint, reads="present")
                        return glance(seen, wait, index)
                    return read(seen, found, index)
        except NotJsonError as error:
            return msgspec.structs.replace(_invalid(f"the body is not JSON: {error}"), then="poll")
        return glance(seen, effect, None)

    return judge


def compile_push_judge(
    rules: tuple[CompiledRule, ...], takes: tuple[CompiledTake, ...], claims: tuple[CompiledClaim, ...], where: str
) -> Judge:
    """The judge of pushed messages, and of a connection's refusal: as a poll's, and silence is no time-out."""
    judge_poll = compile_poll_judge(rules, takes, claims, None, where)

    def judge(reply: Reply, variables: Variables, dice: Dice) -> Verdict:
        if reply.broken == "timeout" and reply.detail == QUIET:
            return Verdict(outcome="ok", why="not-yet", then="poll", detail=QUIET)
        return judge_poll(reply, variables, dice)

    return judge


def judge_broken(reply: Reply) -> Verdict:
    """No whole reply came. Never sent is a definite no; anything after the first byte is open for ever."""
    why = reply.broken or "invalid"
    return Verdict(
        outcome="fail" if why == "not-sent" else "info",
        why=why,
        then="unknown",
        detail=reply.detail,
    )


def _unmatched(reply: Reply) -> Verdict:
    said = _beginning(reply.body)
    detail = f"no rule names this {reply.status}" + (f": {said}" if said else "")
    return Verdict(outcome="info", why="unmatched", then="unknown", detail=detail)


def _beginning(body: bytes) -> str:
    """What it says, in one short line: whoever writes the missing rule has to know. Of a page, its title."""
    text = body[:_LOOKED_AT].decode("utf-8", "replace").lstrip()
    if text.startswith("<"):
        found = _TITLE.search(text)
        text = html.unescape(found[1]) if found else ""
    return one_line(text[:_SHOWN])


def _invalid(detail: str) -> Verdict:
    return Verdict(outcome="info", why="invalid", then="unknown", detail=detail[:200])


Reading = Callable[[Seen, Effect, int | None], Verdict]


def _compile_reading(
    takes: tuple[CompiledTake, ...],
    claims: tuple[CompiledClaim, ...],
    where: str,
    *,
    keep: bool = False,
    lenient: bool = False,
) -> Reading:
    """Takes and claims of a matched reply.

    `keep`: what was taken once stays, so an absence counts only for a value that never came. `lenient`: no absence
    counts, and a body that is not JSON says nothing.
    """
    items = tuple(
        (take.name, take.read, compile_otherwise(take, f"{where}.take.{take.name}.else"), take.default)
        for take in takes
    )

    def read(seen: Seen, effect: Effect, rule: int | None) -> Verdict:
        hint_ns = effect.hint(seen) if effect.hint is not None else None
        taken: dict[str, Any] = {}
        told: dict[str, Any] = {}
        detail = ""
        if effect.reads != "none":
            strict = effect.reads == "all" and not lenient
            try:
                for name, source, otherwise, default in items:
                    value = source(seen)
                    if value is not MISSING:
                        taken[name] = value
                    elif not strict or (keep and seen.variables.get(name) is not None):
                        continue
                    elif default is not msgspec.UNSET:
                        taken[name] = default
                    elif otherwise is not None:
                        return _absent(name, otherwise, rule, hint_ns)
                for claim in claims:
                    try:
                        told.update(claim.read(seen))
                    except (ValueError, ArithmeticError) as error:  # or a number without end
                        detail = f"claim {claim.name}: {error}"[:200]
            except NotJsonError as error:
                if strict:
                    return _invalid(f"the body is not JSON: {error}")
        return Verdict(
            outcome=effect.outcome,
            why=effect.why,
            then=effect.then,
            to=effect.to,
            at_most=effect.at_most,
            rule=rule,
            hint_ns=hint_ns,
            hinted=effect.hint is not None,
            takes=taken,
            claims=told,
            detail=detail,
        )

    return read


def _absent(name: str, effect: Effect, rule: int | None, hint_ns: int | None) -> Verdict:
    return Verdict(
        outcome=effect.outcome,
        why=effect.why,
        then=effect.then,
        to=effect.to,
        at_most=effect.at_most,
        rule=rule,
        hint_ns=hint_ns,
        detail=f"{name} is absent",
    )

"""The outcome rules of a target: what each word of them does, and what it means for the history."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec

from surgectl.errors import did_you_mean
from surgectl.journey.conditions import Condition, compile_when
from surgectl.journey.extract import CompiledTake
from surgectl.journey.paths import MISSING, compile_path
from surgectl.journey.problem import TargetError, compile_regex, unknown_word
from surgectl.journey.seen import NotJsonError, Seen
from surgectl.profile.rule import Hint, Rule
from surgectl.recording.rows import Outcome
from surgectl.units import NS_PER_S

ENDS: dict[str, Outcome] = {
    "confirmed": "ok",
    "accepted": "ok",
    "sold-out": "fail",
    "declined": "fail",
    "limit": "fail",
    "gone": "fail",
    "refused": "fail",
}
"""The ends that the language knows, and what they mean for the history."""

THENS: dict[str, Outcome] = {
    "next": "ok",
    "poll": "ok",
    "again": "fail",
    "shed": "fail",
    "goto": "ok",
    "flow": "ok",
}
"""The moves that a rule may name; `goto`, `flow` (and, if wanted, `again`) take a name after them."""

Then = Literal["next", "poll", "again", "shed", "goto", "flow", "end", "unknown"]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What a matched rule does."""

    outcome: Outcome
    why: str
    then: Then
    to: str | None = None
    at_most: int = 20
    hint: Callable[[Seen], int | None] | None = None
    reads: Literal["all", "present", "none"] = "none"
    """Whether values are taken: all (an absence is an outcome), those that are there, or none."""


class CompiledRule(msgspec.Struct, frozen=True, kw_only=True):
    holds: Condition
    effect: Effect
    text: str
    """The rule as its author wrote it, on one line."""


def compile_rule(rule: Rule, where: str) -> CompiledRule:
    """One `{when: …, then: …}` or `{when: …, end: …}`."""
    return CompiledRule(
        holds=compile_when(rule.when, f"{where}.when"), effect=compile_effect(rule, where), text=show_rule(rule)
    )


def compile_effect(rule: Rule, where: str) -> Effect:
    """What a rule says to do. TargetError for a word that nobody knows."""
    hint = compile_hint(rule.hint, f"{where}.hint") if rule.hint else None
    if rule.then is not None and rule.end is not None:
        raise TargetError("then and end exclude each other", f"{where}.end")
    if rule.at_most < 1:
        raise TargetError("at_most must be at least 1", f"{where}.at_most")
    if rule.end is not None:
        return _end(rule.end, rule.means, hint, where)
    if rule.then is None:
        if rule.means == "info":
            return Effect(outcome="info", why="unknown", then="unknown", hint=hint)
        raise TargetError("a rule needs then or end", where, hint="only `means: info` stands alone")
    word, _, name = rule.then.strip().partition(" ")
    name = name.strip()
    if word in ENDS:
        raise TargetError(f"{word} is an end, not a move", f"{where}.then", hint=f"write end: {word}")
    if word not in THENS:
        raise unknown_word("move", rule.then, THENS, f"{where}.then")
    if word in ("goto", "flow") and not name:
        raise TargetError(f"{word} needs a name", f"{where}.then", hint=f"then: {word} NAME")
    if name and word not in ("goto", "flow", "again"):
        raise TargetError(f"{word} takes no name", f"{where}.then")
    reads: Literal["all", "present", "none"] = "none"
    if word in ("next", "poll", "goto"):
        reads = "all"
    elif word == "flow":
        reads = "present"
    then: Then = word  # type: ignore[assignment]  # checked against THENS above
    return Effect(
        outcome=rule.means or THENS[word],
        why=word,
        then=then,
        to=name or None,
        at_most=rule.at_most,
        hint=hint,
        reads=reads,
    )


def _end(name: str, means: Outcome | None, hint: Callable[[Seen], int | None] | None, where: str) -> Effect:
    if name in THENS or name.split(" ")[0] in THENS:
        raise TargetError(f"{name} is a move, not an end", f"{where}.end", hint=f"write then: {name}")
    if means is None and name not in ENDS:
        near = did_you_mean(name, ENDS)
        raise TargetError(
            f'the end "{name}" is one of your own and does not say what it means',
            f"{where}.end",
            hint=f"{near} Otherwise add means: ok, fail or info" if near else "add means: ok, fail or info",
        )
    outcome = means or ENDS[name]
    return Effect(outcome=outcome, why=name, then="end", to=name, hint=hint, reads="all" if outcome == "ok" else "none")


def show_rule(rule: Rule) -> str:
    """A rule on one line, as its author would write it."""

    def flow(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(flow(item) for item in value) + "]"
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def plain(when: Any) -> Any:
        if isinstance(when, list):
            return [plain(one) for one in when]
        return {name: value for name in when.__struct_fields__ if (value := getattr(when, name)) is not None}

    words: dict[str, Any] = {"when": plain(rule.when)}
    words |= {name: value for name in ("then", "end", "means") if (value := getattr(rule, name)) is not None}
    return flow(words)


def compile_hint(hint: Hint, where: str) -> Callable[[Seen], int | None]:
    """Where the shop says how long to wait → nanoseconds, or None where it does not say (or says nonsense).

    Retry-After is seconds or an HTTP date (RFC 9110 §10.2.3); a date is compared with the reply's own Date header.
    """
    if sum(place is not None for place in (hint.header, hint.json, hint.regex)) != 1:
        raise TargetError("a hint reads one header, one json path or one regex", where)
    scale = NS_PER_S if hint.unit == "s" else 1_000_000
    if hint.regex is not None:
        pattern = compile_regex(hint.regex, f"{where}.regex")

        def read_page(seen: Seen) -> int | None:
            match = pattern.search(seen.text())
            return _wait_ns(match[1 if pattern.groups else 0], scale) if match else None

        return read_page
    if hint.json is not None:
        look = compile_path(hint.json, f"{where}.json")

        def read_json(seen: Seen) -> int | None:
            try:
                return _wait_ns(look(seen.json()), scale)
            except NotJsonError:
                return None

        return read_json
    name = hint.header or ""

    def read_header(seen: Seen) -> int | None:
        value = seen.header(name)
        wait_ns = _wait_ns(value, scale)
        return wait_ns if wait_ns is not None or value is MISSING else _until_ns(value, seen.header("date"))

    return read_header


def _wait_ns(value: Any, scale: int) -> int | None:
    if value is MISSING or isinstance(value, bool):
        return None
    try:
        wait_ns = float(value) * scale
    except (TypeError, ValueError, OverflowError):
        return None
    # A day at most: a hint is a wait, and no rehearsal lasts longer.
    return round(wait_ns) if 0 <= wait_ns <= 86_400 * NS_PER_S else None


def _until_ns(date: str, now: Any) -> int | None:
    try:
        left_s = (parsedate_to_datetime(date) - parsedate_to_datetime(now)).total_seconds()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return round(max(0.0, min(left_s, 86_400.0)) * NS_PER_S)


def compile_otherwise(take: CompiledTake, where: str) -> Effect | None:
    """The outcome of an absent value. A name of one's own here means info: nothing is concluded from it."""
    word = take.otherwise
    if word is None:
        return None
    if word in ENDS:
        return _end(word, None, None, where)
    first = word.split(" ")[0]
    if first in THENS:
        return compile_effect(Rule(when=[], then=word), where)
    return Effect(outcome="info", why=word, then="unknown" if word == "unknown" else "end", to=word)

"""Tells whether a reply is the one that a rule describes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from surgectl.journey.messages import EVENT
from surgectl.journey.paths import MISSING, compile_path
from surgectl.journey.problem import TargetError, compile_regex, unknown_word
from surgectl.journey.seen import NotJsonError, Seen
from surgectl.journey.template import show
from surgectl.profile.rule import When

Condition = Callable[[Seen], bool]
"""NotJsonError where a success reply should be JSON and is not: then nothing may be concluded from it."""

Match = Callable[[Any], bool]

_OPERATORS = ("exists", "matches", "gt", "ge", "lt", "le", "not")


def compile_when(when: When | list[When], where: str) -> Condition:
    """All named conditions must hold; a list of maps is an or."""
    if isinstance(when, list):
        if not when:
            raise TargetError("an empty list of conditions", where, hint="it would never match")
        choices = [compile_when(one, f"{where}[{index}]") for index, one in enumerate(when)]
        return choices[0] if len(choices) == 1 else lambda seen: any(choice(seen) for choice in choices)
    # Cheap ones first, JSON last: a rule for status 409 never reads the body of a 502 page.
    found: list[Condition] = []
    if when.status is not None:
        found.append(_status(when.status, f"{where}.status"))
    if when.var is not None:
        found.append(_var(when.var, f"{where}.var"))
    if when.header is not None:
        found.extend(_header(name, text, f"{where}.header.{name}") for name, text in when.header.items())
    if when.event is not None:
        found.append(_event(when.event))
    if when.location is not None:
        found.append(_search(when.location, lambda seen: seen.header("location"), f"{where}.location"))
    if when.url is not None:
        found.append(_search(when.url, lambda seen: seen.reply.url or MISSING, f"{where}.url"))
    if when.body is not None:
        found.append(_search(when.body, lambda seen: seen.text(), f"{where}.body"))
    if when.json is not None:
        found.append(_json(when.json, f"{where}.json"))
    if not found:
        raise TargetError(
            "no condition",
            where,
            hint="status, json, location, url, body, header, var or event; leave the rule out otherwise",
        )
    if len(found) == 1:
        return found[0]
    if len(found) == 2:
        first, second = found
        return lambda seen: first(seen) and second(seen)
    return lambda seen: all(condition(seen) for condition in found)


def _status(wanted: int | str | list[int | str], where: str) -> Condition:
    exact: set[int] = set()
    for item in wanted if isinstance(wanted, list) else [wanted]:
        text = str(item).strip().lower()
        if re.fullmatch(r"[1-5]xx", text):
            exact.update(range(int(text[0]) * 100, int(text[0]) * 100 + 100))
        elif re.fullmatch(r"[1-5]\d\d", text):
            exact.add(int(text))
        else:
            raise TargetError(f"{item!r} is not a status", where, hint="204, [200, 201] or 2xx")
    codes = frozenset(exact)
    return lambda seen: seen.reply.status in codes


def _search(wanted: str | list[str], source: Callable[[Seen], Any], where: str) -> Condition:
    patterns = [compile_regex(text, where) for text in (wanted if isinstance(wanted, list) else [wanted])]

    def holds(seen: Seen) -> bool:
        value = source(seen)
        return value is not MISSING and any(pattern.search(value) for pattern in patterns)

    return holds


def _header(name: str, pattern: str, where: str) -> Condition:
    return _search(pattern, lambda seen: seen.header(name), where)


def _event(wanted: str | list[str]) -> Condition:
    names = frozenset([wanted] if isinstance(wanted, str) else wanted)
    return lambda seen: seen.header(EVENT) in names


def _var(wanted: dict[str, Any], where: str) -> Condition:
    tests = [
        (compile_path(name, f"{where}.{name}"), compile_match(value, f"{where}.{name}", loose=True))
        for name, value in wanted.items()
    ]
    return lambda seen: all(match(look(seen.variables)) for look, match in tests)


def _json(wanted: dict[str, Any] | list[dict[str, Any]], where: str) -> Condition:
    if isinstance(wanted, list):
        choices = [_json(one, f"{where}[{index}]") for index, one in enumerate(wanted)]
        return lambda seen: any(choice(seen) for choice in choices)
    tests = [
        (compile_path(path, f"{where}.{path}"), compile_match(value, f"{where}.{path}"))
        for path, value in wanted.items()
    ]

    if len(tests) == 1:
        only_look, only_match = tests[0]

        def fits(document: Any) -> bool:
            return only_match(only_look(document))

    else:

        def fits(document: Any) -> bool:
            return all(match(look(document)) for look, match in tests)

    def holds(seen: Seen) -> bool:
        try:
            document = seen.json()
        except NotJsonError:
            # A proxy's 503 page is HTML and a later rule may name 503. A success without its JSON is a broken
            # reply: falling through to the next rule could turn it into a refusal that nobody spoke.
            if 200 <= seen.reply.status < 300:
                raise
            return False
        return fits(document)

    return holds


def compile_match(wanted: Any, where: str, *, loose: bool = False) -> Match:
    """A value, a list of them (any), or `{exists: true}`, `{matches: regex}`, `{gt: 0}`, `{not: value}`.

    JSON null counts as absent. `loose` compares numbers with their text: what a regex took is always text.
    """
    if isinstance(wanted, dict):
        return _compile_operators(wanted, where, loose)
    if isinstance(wanted, list):
        choices = [compile_match(item, where, loose=loose) for item in wanted]
        return lambda value: any(choice(value) for choice in choices)
    if wanted is None:
        return lambda value: value is MISSING
    if isinstance(wanted, bool):
        return lambda value: value is wanted or (loose and value == show(wanted))
    if loose:
        text = show(wanted)
        return lambda value: value is not MISSING and (show(value) == text or (value == wanted and value is not True))
    return lambda value: value == wanted and not isinstance(value, bool)


def _compile_operators(wanted: dict[str, Any], where: str, loose: bool) -> Match:
    tests: list[Match] = []
    for name, operand in wanted.items():
        here = f"{where}.{name}"
        if name not in _OPERATORS:
            raise unknown_word("test", name, _OPERATORS, here)
        if name == "exists":
            if not isinstance(operand, bool):
                raise TargetError("exists is true or false", here)
            tests.append(_exists(operand))
        elif name == "matches":
            tests.append(_matches(compile_regex(str(operand), here)))
        elif name == "not":
            tests.append(_negate(compile_match(operand, here, loose=loose)))
        else:
            if isinstance(operand, bool) or not isinstance(operand, (int, float)):
                raise TargetError(f"{name} needs a number", here)
            tests.append(_compare(name, float(operand)))
    if not tests:
        raise TargetError("an empty test", where, hint=f"one of {', '.join(_OPERATORS)}")
    return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)


def _exists(wanted: bool) -> Match:
    return lambda value: (value is not MISSING) is wanted


def _matches(pattern: re.Pattern[str]) -> Match:
    return lambda value: value is not MISSING and pattern.search(show(value)) is not None


def _negate(match: Match) -> Match:
    return lambda value: not match(value)


def _compare(name: str, bound: float) -> Match:
    def holds(value: Any) -> bool:
        if value is MISSING or isinstance(value, bool):
            return False
        try:
            number = float(value)
        except (TypeError, ValueError):
            return False
        if name == "gt":
            return number > bound
        if name == "ge":
            return number >= bound
        return number < bound if name == "lt" else number <= bound

    return holds

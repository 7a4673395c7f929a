"""Reads out of a reply what the fan needs later, and what the shop promised in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import msgspec

from surgectl.journey.money import FORMS, compile_money
from surgectl.journey.paths import MISSING, compile_path
from surgectl.journey.problem import TargetError, compile_regex, unknown_word
from surgectl.journey.seen import Seen
from surgectl.journey.template import UnsetError, Value, compile_value, getter, root, show
from surgectl.profile.rule import Claim, Take

Source = Callable[[Seen], Any]
"""A reply → the value in it, or MISSING. NotJsonError where it needs the JSON of a body that is none."""


class CompiledTake(msgspec.Struct, frozen=True, kw_only=True):
    """One value to keep, and what its absence means."""

    name: str
    read: Source
    otherwise: str | None = None
    """The outcome's word when it is absent."""
    default: Any = msgspec.UNSET


class CompiledClaim(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the shop told the fan, in the form that the audit checks."""

    name: str
    read: Callable[[Seen], dict[str, Any]]
    """→ the fields it gives (amount gives two), empty where the reply does not say. ValueError where it is garbled."""


MOST_OF_A_NAME = 1_000
"""Characters of an order's name, and of a seat's. What is longer names nothing: a shop that answers with a flood must
not fill the disk."""
MOST_OF_A_LIST = 10_000
"""Characters of all seats or tickets of one reply together."""

CLAIMS = ("order", "amount", "qty", "seats", "tickets", "position", "wait")


def compile_take(name: str, take: Take, where: str) -> CompiledTake:
    """`{json: id}`, `{regex: …, else: sold-out}`, `{location: true}` …"""
    if take.else_ is not None and take.default is not msgspec.UNSET:
        raise TargetError("else and default exclude each other", f"{where}.default")
    read = compile_source(take, where)
    if take.pick is not None:
        read = _picking(read, take.pick, where)
    return CompiledTake(name=name, read=read, otherwise=take.else_, default=take.default)


def compile_source(take: Take | Claim, where: str) -> Source:
    """Where the value stands (one place), then the regex that cuts it out, if any."""
    places: list[tuple[str, Any]] = [
        (name, getattr(take, name))
        for name in ("json", "header", "location", "cookie", "url", "var")
        if getattr(take, name, None) not in (None, False)
    ]
    if len(places) > 1:
        raise TargetError(f"{places[0][0]} and {places[1][0]} exclude each other", f"{where}.{places[1][0]}")
    if not places and take.regex is None:
        raise TargetError("it does not say where to read", where, hint="json, regex, header, location, cookie or url")
    place, word = places[0] if places else ("body", "")
    source = _place(place, word, f"{where}.{place}")
    if take.regex is None:
        return source
    return _cut(source, compile_regex(take.regex, f"{where}.regex"))


def _place(place: str, word: Any, where: str) -> Source:
    if place == "json":
        look = compile_path(word, where)
        return lambda seen: look(seen.json())
    if place == "header":
        return lambda seen: seen.header(word)
    if place == "cookie":
        return lambda seen: seen.reply.cookies.get(word, MISSING)
    if place == "location":
        if word is True:
            return lambda seen: seen.location()
        return _cut(lambda seen: seen.header("location"), compile_regex(word, where))
    if place == "url":
        if word is True:
            return lambda seen: seen.reply.url or MISSING
        return _cut(lambda seen: seen.reply.url or MISSING, compile_regex(word, where))
    if place == "var":
        get = getter(word, where)

        def read_variable(seen: Seen) -> Any:
            try:
                return get(seen.variables)
            except UnsetError:
                return MISSING

        return read_variable
    return lambda seen: seen.text()


def _cut(source: Source, pattern: re.Pattern[str]) -> Source:
    """The pattern's first group (the whole match where it has none), with HTML entities decoded."""
    group = 1 if pattern.groups else 0

    def read(seen: Seen) -> Any:
        value = source(seen)
        if value is MISSING:
            return MISSING
        match = pattern.search(show(value))
        return MISSING if match is None or match[group] is None else html.unescape(match[group])

    return read


def _picking(source: Source, pick: str | int, where: str) -> Source:
    count = compile_value(pick, f"{where}.pick")

    def read(seen: Seen) -> Any:
        items = source(seen)
        if not isinstance(items, list):
            return MISSING
        try:
            wanted = int(count.render(seen.variables))
        except (UnsetError, TypeError, ValueError):
            return MISSING
        # Fewer than wanted is an absence: `else: sold-out` may say what it means.
        return seen.sample(items, wanted) if 0 < wanted <= len(items) else MISSING

    return read


def take_names(take: Take) -> frozenset[str]:
    """The variables that a take itself needs."""
    return compile_value(take.pick, "").names if isinstance(take.pick, str) else frozenset()


def compile_claim(name: str, claim: Claim | int | str, where: str) -> CompiledClaim:
    """One claim. A number is itself, a text may hold variables, anything else is read from the reply."""
    if name not in CLAIMS:
        raise unknown_word("claim", name, CLAIMS, where)
    if not isinstance(claim, Claim):
        if name == "amount":
            raise TargetError(
                "amount needs to say its currency", where, hint='{json: total, money: "minor EUR"}, or major, or text'
            )
        return CompiledClaim(name=name, read=_fixed(name, compile_value(claim, where)))
    source = compile_source(claim, where)
    if name == "amount":
        if claim.money is None:
            raise TargetError("amount needs money", f"{where}.money", hint=FORMS)
        money = compile_money(claim.money, f"{where}.money")

        def read_amount(seen: Seen) -> dict[str, Any]:
            value = source(seen)
            if value is MISSING or value is None:
                return {}
            minor, currency = money(value, seen.json)
            return {"amount_minor": minor, "currency": currency}

        return CompiledClaim(name=name, read=read_amount)
    if claim.money is not None:
        raise TargetError(f"money belongs to amount, not to {name}", f"{where}.money")
    scale = 0.001 if claim.unit == "ms" else 1.0

    def read(seen: Seen) -> dict[str, Any]:
        value = source(seen)
        # A position that is null before the draw is a shop that claims nothing, not one that claims nonsense.
        return {} if value is MISSING or value is None else _shape(name, value, scale)

    return CompiledClaim(name=name, read=read)


def _fixed(name: str, value: Value) -> Callable[[Seen], dict[str, Any]]:
    def read(seen: Seen) -> dict[str, Any]:
        try:
            return _shape(name, value.render(seen.variables), 1.0)
        except UnsetError:
            return {}

    return read


def _shape(name: str, value: Any, scale: float) -> dict[str, Any]:
    """The one form of each claim. ValueError where the reply's value cannot be it."""
    if name == "order":
        return {"order": _name(name, value)}
    if name in ("qty", "position"):
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{name} {value!r} is not a number") from None
        if isinstance(value, bool) or number != int(number):
            raise ValueError(f"{name} {value!r} is not a whole number")
        return {name: int(number)}
    if name == "wait":
        try:
            return {"wait_s": float(value) * scale}
        except (TypeError, ValueError):
            raise ValueError(f"wait {value!r} is not a number") from None
    if isinstance(value, str):
        return {name: _names(name, [item.strip() for item in value.split(",") if item.strip()])}
    return {name: _names(name, value if isinstance(value, list) else [value])}


def _names(claim: str, values: list[Any]) -> list[str]:
    if len(values) > MOST_OF_A_LIST:
        raise ValueError(f"{claim} of {len(values):,} items is no list of a purchase")
    names = [_name(claim, value) for value in values]
    if (length := sum(map(len, names))) > MOST_OF_A_LIST:
        raise ValueError(f"{claim} of {length:,} characters is no list of a purchase")
    return names


def _name(claim: str, value: Any) -> str:
    text = show(value)
    if len(text) > MOST_OF_A_NAME:
        raise ValueError(f"{claim} of {len(text):,} characters is no name")
    return text


def claim_names(claim: Claim | int | str) -> frozenset[str]:
    """The variables that a claim itself needs."""
    if isinstance(claim, Claim):
        return frozenset({root(claim.var)}) if claim.var else frozenset()
    return compile_value(claim, "").names

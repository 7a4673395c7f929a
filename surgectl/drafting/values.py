"""Decides for every value that was sent whether it is fixed, each fan's own, the shop's own word, or a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from surgectl.drafting import words
from surgectl.drafting.draft import Named
from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.spots import PAGE_BOUND, Spot, spots_of, text_spot
from surgectl.drafting.turns import Turn

_BLANK = re.compile(r"\{([A-Za-z_][\w.\[\]-]*)\}")
_RESERVED = frozenset("run intent fan attempt tab qty uuid url sale setup key email".split())
_SHORTEST_SECRET = 8


class Values:
    """What is known of the recording's values; asked for each request in the order in which they were sent."""

    def __init__(self, turns: list[Turn]) -> None:
        self.mint: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        """Variable → why it is one."""
        self.takes: dict[tuple[int, bool], dict[str, Named]] = {}
        """(turn, in its poll) → what is read there."""
        self.doubts: list[str] = []
        self.typed: dict[str, str] = {}
        """Names of fields whose value stays as it was typed."""
        self._names: dict[str, str] = {}
        self._by_value: dict[str, str] = {}
        self._minted: dict[str, str] = {}
        self._spots: dict[str, list[tuple[int, bool, Spot]]] = {}
        self._texts: list[tuple[int, bool, Exchange]] = []
        self._first_sent: dict[str, int] = {}
        self._last_sent: dict[str, int] = {}
        self._secrets: set[str] = set()
        for index, turn in enumerate(turns):
            for in_poll, one in _replies(turn):
                followed = not in_poll and turn.follows
                for spot in spots_of(one, followed=followed):
                    self._spots.setdefault(spot.value, []).append((index, in_poll, spot))
                self._texts.append((index, in_poll, one))
            for one in (*turn.hops, *turn.polls):
                self._note_sent(one)

    def _note_sent(self, one: Exchange) -> None:
        for _, value in sent_values(one):
            self._first_sent.setdefault(value, one.number)
            self._last_sent[value] = one.number
        for name, value in one.headers:
            if name in ("authorization", "proxy-authorization"):
                self._secrets |= {value, value.partition(" ")[2]}
            elif name == "cookie":
                self._secrets |= {pair.partition("=")[2].strip() for pair in value.split(";")}
        for name, value in one.reply_headers:
            if name == "set-cookie":
                self._secrets.add(value.partition(";")[0].partition("=")[2])
        for name, value in sent_values(one):
            if words.SECRETS.search(name) or words.is_card(value):
                self._secrets.add(value)

    # -- one value -----------------------------------------------------------------------------------------

    def fill(self, at: int, name: str, value: str, place: str) -> str:
        """The value as it stands in the draft: itself, `{a variable}` or `${A_SECRET}`. `place`: path, query, form,
        json or header."""
        if not value:
            return ""
        if place != "header" and words.EMAIL.fullmatch(value):
            return self._email(value)
        if (
            place in ("form", "json", "query")
            and words.QTY.match(name)
            and value.isdecimal()
            and 0 < int(value[:3]) <= 50
        ):
            return "{qty}"
        if place != "path" and ((words.CARDS.search(name) and re.search(r"\d{3}", value)) or words.is_card(value)):
            return self.secret(name, "a card is not written into a file")
        taken = self._take(at, name, value, place)
        if taken is not None:
            return "{" + taken + "}"
        if place != "path" and words.CAPTCHA.search(name):
            self.doubts.append(f"{name} is a captcha: fans cannot solve it; switch it off for rehearsals")
            return self.secret(name, "a captcha's answer")
        if words.IDEMPOTENCY.match(name) and words.id_like(value):
            self.mint.setdefault("key", "{uuid}")
            return "{key}"
        if words.UUID.fullmatch(value) and not self._offered(at, value):
            return "{" + self._mint(name, value, "{uuid}") + "}"
        if place != "path" and words.SECRETS.search(name):
            return self.secret(name, "a password or key is not written into a file")
        if (
            place in ("form", "query", "json")
            and words.TOKENS.search(name)
            and words.id_like(value)
            and len(value) >= 16
        ):
            self.doubts.append(f"nobody was seen giving {name}: where does it come from?")
            return self.secret(name, "no reply gave it")
        return self.fixed(value, name)

    def fixed(self, value: str, name: str = "value") -> str:
        """A value as literal text: its own braces mean nothing, and a secret inside it stays out of the file."""
        if words.JWT.search(value) or any(secret in value for secret in self._long_secrets()):
            return self.secret(name, "it holds what only this browser knew")
        for known, email in self._minted.items():
            if "@" in known and known in value.lower():
                start = value.lower().index(known)
                return self.fixed(value[:start], name) + email + self.fixed(value[start + len(known) :], name)
        for known, variable in self._by_value.items():
            if len(known) >= 8 and known in value and self._first_sent.get(known, -1) >= 0:
                before, _, after = value.partition(known)
                return self.fixed(before, name) + "{" + variable + "}" + self.fixed(after, name)
        return literal(value)

    def _long_secrets(self) -> Iterable[str]:
        return (one for one in self._secrets if len(one) >= _SHORTEST_SECRET and one not in self._by_value)

    def secret(self, name: str, why: str) -> str:
        """A place for what only the environment may say."""
        variable = re.sub(r"[^A-Z0-9]+", "_", f"SHOP_{words.a_name(name).upper()}")[:60].strip("_")
        self.environment.setdefault(variable, why)
        return "${" + variable + "}"

    def _email(self, value: str) -> str:
        known = self._minted.get(value.lower())
        if known is None:
            name = self._free("email") if "email" in self.mint else "email"
            local = "fan" if name == "email" else name.replace("_", "-")
            self.mint[name] = f"{local}-{{run}}-{{intent}}@example.org"
            known = self._minted[value.lower()] = "{" + name + "}"
        return known

    def _mint(self, name: str, value: str, text: str) -> str:
        if value not in self._minted:
            free = self._free(words.a_name(name, "id"))
            self.mint[free] = text
            self._minted[value] = free
        return self._minted[value]

    # -- what the shop said before -------------------------------------------------------------------------

    def _take(self, at: int, name: str, value: str, place: str) -> str | None:
        before = [found for found in self._spots.get(value, ()) if found[0] < at]
        first = self._first_sent.get(value, 10**9)
        # What the browser sent before the shop said it was the browser's own word.
        before = [found for found in before if found[2].number <= first or value in self._by_value]
        moving = [found for found in before if found[2].moves and (found[2].kind != "cookie" or place == "header")]
        bound = [found for found in moving if found[2].kind in PAGE_BOUND]
        if bound and place != "path":
            return self._taking(*bound[-1], name, place)
        if value in self._by_value:
            return self._by_value[value]
        if moving:
            order = ("json", "location", "url", "header", "hidden", "meta", "cookie")
            return self._taking(*min(moving, key=lambda found: order.index(found[2].kind)), name, place)
        if before and before[0][2].listed and words.id_like(value):
            self.doubts.append(f"{name}: one of a list that the shop showed; every fan takes the one that was recorded")
            return None
        if words.id_like(value) and len(value) >= 8 and place != "header" and not before:
            for turn, polled, one in reversed(self._texts):
                if turn < at and one.number <= first and (spot := text_spot(one, value)):
                    return self._taking(turn, polled, spot, name, place)
        return None

    def _offered(self, at: int, value: str) -> bool:
        """Did the shop say it before it was sent? Then no fan can make it up."""
        return any(
            turn < at and spot.number <= self._first_sent.get(value, 10**9)
            for turn, _, spot in self._spots.get(value, ())
        )

    def _taking(self, turn: int, polled: bool, spot: Spot, name: str, place: str) -> str:
        variable = self._name(spot, name, place)
        self._by_value[spot.value] = variable
        doubt = ""
        if spot.kind == "text":
            doubt = "known by the text before it: does every fan's page have it there?"
        elif spot.listed:
            doubt = "one of a list: the same place in it for every fan"
        self.takes.setdefault((turn, polled), {})[variable] = Named(
            name=variable, value={key: item for key, item in spot.take.items()}, doubt=doubt
        )
        return variable

    def _name(self, spot: Spot, name: str, place: str) -> str:
        known = self._by_value.get(spot.value)
        if known is not None:
            return known
        base = words.a_name(spot.name if place in ("path", "header") else name)
        if base in ("id", "uuid", "value", "code", "number", "ref", "token", "name") and spot.kind == "json":
            base = words.a_name(words.singular(spot.parent) or base) if base != "token" else base
        if base in _RESERVED and not (base == "key" and spot.kind == "hidden"):
            base += "_taken"
        old = self._names.get(base)
        if old is None or (spot.kind in PAGE_BOUND and self._last_sent.get(old, 0) < spot.number):
            self._names[base] = spot.value
            return base
        return self._free(base, spot.value)

    def _free(self, base: str, value: str = "") -> str:
        if base in _RESERVED and base != "email":
            base += "_own"
        name, number = base, 2
        while name in self._names or name in self.mint:
            name, number = f"{base}_{number}", number + 1
        self._names[name] = value
        return name


def key_literal(name: str) -> str:
    """A name in which braces are braces. (`${…}` has no meaning in a name.)"""
    return _BLANK.sub(r"{{\1}}", name)


def literal(text: str) -> str:
    """Text in which braces are braces: `{name}` → `{{name}}`, `${NAME}` → `$${NAME}`."""
    return _BLANK.sub(r"{{\1}}", text).replace("${", "$${")


def path_template(values: Values, at: int, one: Exchange) -> str:
    """The path of a request with the shop's own values as variables, percent-encoded as a URL wants it."""
    parts = []
    before = ""
    for raw, part in zip(one.path.split("/")[1:], one.segments, strict=True):
        filled = values.fill(at, before or "id", part, "path") if part else ""
        is_own = "{" in filled and filled != literal(part)
        parts.append(filled if is_own else literal(quote(raw, safe="%/:@!$'()*,;=~-._+&")))
        before = part
    return "/" + "/".join(parts)


def sent_values(one: Exchange) -> list[tuple[str, str]]:
    """Name and text of everything a request says: path, query, fields, JSON, headers of its own."""
    found = [("path", part) for part in one.segments] + list(one.query) + list(one.form)
    if not one.form and one.body:
        document = json_of(one.body)
        if document is not NOT_JSON:
            found += [(leaf.key, str(leaf.value)) for leaf in leaves(document) if not isinstance(leaf.value, bool)]
    found += [(name, value) for name, value in one.headers if name.startswith("x-")]
    return [(name, value) for name, value in found if value]


def _replies(turn: Turn) -> list[tuple[bool, Exchange]]:
    """The replies out of which a target could read, those of the polling apart."""
    last = [(False, turn.hops[-1])] if turn.hops else []
    return [*last, *((True, one) for one in turn.polls)]

"""Decides for every value that was sent whether it is fixed, each fan's own, the shop's own word, or a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from surgectl.drafting import words
from surgectl.drafting.draft import Named
from surgectl.drafting.exchange import Exchange, json_of
from surgectl.drafting.jsons import lists
from surgectl.drafting.literal import literal
from surgectl.drafting.logins import is_login
from surgectl.drafting.sent import all_sent, readable, sent_values
from surgectl.drafting.spots import PAGE_BOUND, Spot, spots_of, text_spot
from surgectl.drafting.turns import Turn

_RESERVED = frozenset("run intent fan attempt tab qty uuid url sale setup key email".split())
_SHORTEST_SECRET = 8
_A_LOGIN = re.compile(r"(?i)^(user_?(name|id)?|login|account|email|mail|identifier|benutzer(name)?)$")


class Values:
    """What is known of the recording's values; asked for each request in the order in which they were sent."""

    def __init__(self, turns: list[Turn], pay: int = -1, shop: str = "") -> None:
        """`pay`: which of the turns buys; `shop`: its origin, which may be another one tomorrow."""
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
        self._keys: dict[str, str] = {}
        self._shop = shop if "}" not in shop else ""
        self._logins = {at for at, turn in enumerate(turns) if turn.hops and is_login(turn.asks)}
        self._first_page = next((at for at, turn in enumerate(turns) if turn.hops), 0)
        self._silent = [(at, turn.push) for at, turn in enumerate(turns) if turn.push is not None and not turn.polls]
        self._replies = {at: turn.hops[-1].number for at, turn in enumerate(turns) if turn.hops}
        self.shared: dict[str, str] = {}
        """A recorded token → the login that gives it, as it stands in a header."""
        if 0 <= pay < len(turns):
            sent = (*sent_values(turns[pay].asks), *turns[pay].asks.headers)
            paid = [value for name, value in sent if words.IDEMPOTENCY.match(name) and words.id_like(value)]
            self._keys.update((value, "key") for value in paid[:1])
        wanted = all_sent(turns)
        for index, turn in enumerate(turns):
            for in_poll, one in readable(turn):
                followed = not in_poll and turn.follows
                for spot in spots_of(one, wanted, followed=followed):
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
        if at in self._logins and value.lower() not in self._minted and place in ("form", "json"):
            if words.EMAIL.fullmatch(value) or _A_LOGIN.search(name):
                self.doubts.append("all fans log in as one customer: give each their own by fans_from: and {account.…}")
                return self.secret(f"login_{words.a_name(name)}", "the name of a customer that the shop knows")
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
        if place in ("form", "json", "query") and words.words_of(name) & words.SEATS:
            if (one := self._one_of(at, name, value)) is not None:
                return one
        taken = self._take(at, name, value, place)
        if taken is not None:
            return "{" + taken + "}"
        if place != "path" and words.CAPTCHA.search(name):
            self.doubts.append(f"{name} is a captcha: fans cannot solve it; switch it off for rehearsals")
            return self.secret(name, "a captcha's answer")
        if words.IDEMPOTENCY.match(name) and words.id_like(value):
            return "{" + self._key(value) + "}"
        if (heard := self._from_silence(at, name, value, place)) is not None:
            return heard
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
        if self._shop and value.startswith(self._shop) and value[len(self._shop) :][:1] in ("", "/", "?"):
            return f"${{SHOP_URL:-{self._shop}}}{self.fixed(value[len(self._shop) :], name)}"
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

    def _key(self, value: str) -> str:
        """The mint of an idempotency key: `key` is that of the payment, another wish has another."""
        name = self._keys.get(value)
        if name is None:
            taken = set(self._keys.values())
            name = "key" if not taken else self._free("wish_key")
            self._keys[value] = name
        self.mint.setdefault(name, "{uuid}")
        return name

    def _from_silence(self, at: int, name: str, value: str, place: str) -> str | None:
        """What no reply gave, and what was pushed before is not in the recording: it came from there."""
        if len(value) < 8 or not words.id_like(value) or words.EMAIL.fullmatch(value) or place == "path":
            return None
        if words.UUID.fullmatch(value) and not words.words_of(name) & words.PASSES:
            return None
        for turn, push in reversed(self._silent):
            if turn >= at or self._first_sent.get(value, 10**9) < push.number:
                continue
            said = re.sub(r"(?i)^x[-_]", "", name)
            key = words.a_name(said) if place == "header" else name
            if value not in self._by_value:
                self._by_value[value] = self._free(words.a_name(said))
            variable = self._by_value[value]
            doubt = "what was pushed is not in this recording: is it called so there?"
            take = {"json": key if re.fullmatch(r"[\w-]+", key) else words.a_name(key)}
            self.takes.setdefault((turn, True), {})[variable] = Named(name=variable, value=take, doubt=doubt)
            return "{" + variable + "}"
        return None

    def by_cookie(self, at: int, name: str, cookie: str, value: str, *, seen: bool) -> str:
        """A header that repeats a cookie (double submit), though no reply was seen setting it."""
        page = self._first_page
        if page >= at:
            return self.secret(name, f"it repeats the cookie {cookie}, which no earlier reply sets")
        spot = Spot(value=value, kind="cookie", name=cookie, take={"cookie": cookie}, number=self._replies[page])
        variable = self._taking(page, False, spot, name, "header")
        why = "the browser had it already" if seen else "this recording was exported without its cookies"
        doubt = f"{why}: does this reply set it?"
        self.takes[(page, False)][variable] = Named(name=variable, value={"cookie": cookie}, doubt=doubt)
        return "{" + variable + "}"

    # -- one of many ---------------------------------------------------------------------------------------

    def picked(self, at: int, name: str, items: list[str]) -> str | None:
        """A list that was chosen out of one that the shop showed: as many of it as this fan wants."""
        if not items or len(items) > 50 or not words.words_of(name) & words.SEATS:
            return None
        for turn, polled, one in reversed(self._texts):
            if turn >= at or not one.reply:
                continue
            for path, given in lists(json_of(one.reply)):
                shown = [str(item) for item in given if isinstance(item, str | int) and not isinstance(item, bool)]
                if len(shown) == len(given) >= len(items) and set(items) <= set(shown):
                    return self._picking(turn, polled, name, {"json": path, "pick": "{qty}"})
        return None

    def _one_of(self, at: int, name: str, value: str) -> str | None:
        """One thing of a list that the shop showed, and every fan wants another: a seat."""
        for turn, polled, spot in reversed(self._spots.get(value, ())):
            inside = re.fullmatch(r"(.+)\[\d+\](?:\.([A-Za-z_]\w*))?", str(spot.take.get("json", "")))
            if turn >= at or not spot.listed or inside is None:
                continue
            variable = self._picking(turn, polled, name, {"json": inside[1], "pick": 1})
            return variable[:-1] + "[0]" + (f".{inside[2]}" if inside[2] else "") + "}"
        return None

    def _picking(self, turn: int, polled: bool, name: str, take: dict[str, Any]) -> str:
        known = self.takes.setdefault((turn, polled), {})
        for variable, one in known.items():
            if {key: item for key, item in one.value.items() if key != "else"} == take:
                return "{" + variable + "}"
        variable = self._free(words.a_name(name))
        doubt = "any of the list, as chance has it: are all of them free?"
        known[variable] = Named(name=variable, value={**take, "else": "sold-out"}, doubt=doubt)
        return "{" + variable + "}"

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
        moving = moving or [found for found in before if _is_of_the_answer(found[2], name, place)]
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


_COUNTED = re.compile(r"(?i)qty|quantity|total|amount|price|count|limit|position|left|wait|pieces|_at$|^at$|version")


def _is_of_the_answer(spot: Spot, name: str, place: str) -> bool:
    """Short numbers as small shops give them (K2, 17): what an order was answered with, and its address has again."""
    if spot.kind != "json" or not spot.made or not re.search(r"\d", spot.value) or _COUNTED.search(spot.name):
        return False
    return place == "path" or words.a_name(spot.name) == words.a_name(name)

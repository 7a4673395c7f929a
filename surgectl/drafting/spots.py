"""Finds where on a page, in an answer or in its headers a value stands, and how a target would take it from there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Set
from html.parser import HTMLParser
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.signs import special
from surgectl.drafting.words import TOKENS, id_like, singular, words_of

Kind = Literal["hidden", "meta", "json", "header", "location", "url", "cookie", "text"]
PAGE_BOUND = ("hidden", "meta")
"""Kinds that every page gives anew."""

_PLAIN_HEADERS = frozenset(
    "date etag server expires last-modified content-length content-type content-encoding cache-control vary age via "
    "set-cookie location connection keep-alive transfer-encoding x-request-id x-trace-id cf-ray x-amz-cf-id "
    "x-runtime x-served-by x-timer report-to nel alt-svc strict-transport-security".split()
)
_IDS = frozenset(
    "id uuid guid code token key number no ref reference pass ticket secret nonce handle hash slug".split()
)


_FIELDS = re.compile(r"""(?i)<(?:input|meta)\b(?:[^>"']{1,2000}+|"[^"]{0,20000}+"|'[^']{0,20000}+'){0,200}+>""")
"""The tags in which a page hides values: the rest of it need not be taken apart."""


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """One value in one reply."""

    value: str
    kind: Kind
    name: str
    """What the shop calls it there."""
    take: dict[str, Any]
    """In the words of a target's `take:`."""
    number: int
    """The exchange that gave it."""
    parent: str = ""
    listed: bool = False
    made: bool = False
    """The answer to something that changed the shop, not to a look."""

    @property
    def moves(self) -> bool:
        """Is it another one for every fan, as far as one recording shows?"""
        match self.kind:
            case "hidden" | "meta":
                named = bool(TOKENS.search(self.name)) and len(self.value) >= 6
                return named or id_like(self.value)
            case "location" | "url":
                return id_like(self.value) or self.value.isdigit()
            case "json" if self.made:
                return bool(words_of(self.name) & _IDS) or id_like(self.value)
            case "json":
                return id_like(self.value) and not self.listed
            case _:
                return len(self.value) >= 8 and (id_like(self.value) or self.kind == "header")


def spots_of(one: Exchange, wanted: Set[str], *, followed: bool = False) -> list[Spot]:
    """The values of a reply that are `wanted` and that a take could name. `followed`: redirects led here, its URL
    tells something."""
    found = [*_headers(one), *_json(one, wanted)]
    if one.is_html:
        found += _html(one, wanted)
    if followed:
        found += _path(one, one.url, "url")
    elif one.location:
        found += _path(one, one.location, "location")
    return found


def _headers(one: Exchange) -> Iterator[Spot]:
    for name, value in one.reply_headers:
        if name == "set-cookie":
            cookie, mark, rest = value.partition("=")
            text = rest.partition(";")[0].strip()
            if mark and text and re.fullmatch(r"[\w.!#$%&'*+^`|~-]+", cookie.strip()):
                take = {"cookie": cookie.strip()}
                yield Spot(value=text, kind="cookie", name=cookie.strip(), take=take, number=one.number)
                if unquote(text) != text:
                    # A page's script undoes the encoding before it echoes a cookie; a take does not. The padding of
                    # base64 at its end may go, nothing else.
                    cut = {**take, "regex": "([^%]+)"} if unquote(text).rstrip("=") == text.partition("%")[0] else take
                    yield Spot(value=unquote(text), kind="cookie", name=cookie.strip(), take=cut, number=one.number)
        elif name not in _PLAIN_HEADERS and value:
            bare = value.removeprefix("Bearer ").strip()
            take = {"header": name, "regex": "Bearer (.+)"} if bare != value else {"header": name}
            yield Spot(value=bare, kind="header", name=name, take=take, number=one.number, made=True)


def _json(one: Exchange, wanted: Set[str]) -> Iterator[Spot]:
    document = json_of(one.reply)
    if document is NOT_JSON:
        return
    made = one.method != "GET" and not (
        one.body.lstrip().startswith("{") and '"query' in one.body and "mutation" not in one.body
    )
    resource = next((part for part in reversed(one.segments) if part and not id_like(part) and not part.isdigit()), "")
    for leaf in leaves(document):
        if isinstance(leaf.value, bool | float) or str(leaf.value) not in wanted:
            continue
        parent = leaf.parent or singular(resource)
        yield Spot(
            value=str(leaf.value), kind="json", name=leaf.key, take={"json": leaf.path}, number=one.number,
            parent=parent, listed=leaf.listed, made=made,
        )  # fmt: skip


def _path(one: Exchange, url: str, kind: Literal["url", "location"]) -> Iterator[Spot]:
    """The segments of a path that look made up: /order/abc123 → '/order/([^/?#]+)'."""
    at = msgspec.structs.replace(one, url=url)
    raw = at.path.split("/")[1:]
    for index, part in enumerate(raw):
        if not (id_like(part) or (part.isdigit() and index)):
            continue
        before = raw[index - 1] if index else ""
        if index and (id_like(before) or before.isdigit()):
            continue
        pattern = f"/{special(before)}/([^/?#]+)" if before else "//[^/]+/([^/?#]+)" if kind == "url" else "/([^/?#]+)"
        match = re.search(pattern, at.url)
        if match and match[1] == part:
            name = singular(before) or "id"
            yield Spot(value=unquote(part), kind=kind, name=name, take={kind: pattern}, number=one.number, made=True)
    for name, value in at.query:
        pattern = f"[?&]{special(name)}=([^&#]+)"
        match = re.search(pattern, at.url)
        if match and match[1] == value and id_like(value):
            yield Spot(value=value, kind=kind, name=name, take={kind: pattern}, number=one.number, made=True)


class _Inputs(HTMLParser):
    """Hidden fields and meta tags, each with its markup as it stands."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[Kind, str, str, str]] = []
        self.action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and given.get("type", "").lower() == "hidden" and given.get("name") and given.get("value"):
            self.found.append(("hidden", given["name"], given["value"], "value"))
        elif tag == "meta" and given.get("content") and (name := given.get("name") or given.get("property")):
            self.found.append(("meta", name, given["content"], "content"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)


def _html(one: Exchange, wanted: Set[str]) -> Iterator[Spot]:
    reader = _Inputs()
    try:
        reader.feed("".join(_FIELDS.findall(one.reply)))
    except (AssertionError, ValueError):  # html.parser gives up on some broken declarations
        pass
    for kind, name, value, attribute in [each for each in reader.found if each[2] in wanted][:2_000]:
        pattern = _pattern(one.reply, name, value, attribute)
        if pattern:
            yield Spot(value=value, kind=kind, name=name, take={"regex": pattern}, number=one.number)


def _pattern(page: str, name: str, value: str, attribute: str) -> str | None:
    """The simplest regular expression whose first match on this page is the value."""
    word = special(name)
    for pattern in (
        f'name="{word}" {attribute}="([^"]+)"',
        f'name="{word}"[^>]*? {attribute}="([^"]+)"',
        f"name='{word}'[^>]*? {attribute}='([^']+)'",
        f'{attribute}="([^"]+)"[^>]*? name="{word}"',
        f"{attribute}='([^']+)'[^>]*? name='{word}'",
        f"""name=["']?{word}["']?[^>]*? {attribute}=["']?([^"'\\s>]+)""",
    ):
        if finds(pattern, page, value):
            return pattern
    return None


def finds(pattern: str, text: str, value: str) -> bool:
    """Does its first group give exactly this value, entities decoded?"""
    match = re.search(pattern, text)
    return match is not None and html.unescape(match[1]) == value


def text_spot(one: Exchange, value: str) -> Spot | None:
    """A made-up value anywhere in a page's text (a link, a script): known again by the few characters before it."""
    at = one.reply.find(value)
    if at < 0 or not re.fullmatch(r"[\w.~-]{8,200}", value):
        return None
    line = one.reply[max(0, at - 40) : at].rpartition("\n")[2]
    for length in (8, 12, 16, 24, 40):
        before = line[-length:]
        if len(before) < min(length, 8) or re.search(r"\d{3}|[\w-]{16}|[^\x20-\x7e]", before):
            break
        pattern = f"{special(before)}([\\w.~-]+)"
        if finds(pattern, one.reply, value):
            name = (re.findall(r"[A-Za-z][A-Za-z_-]+", before) or ["id"])[-1]
            return Spot(value=value, kind="text", name=singular(name), take={"regex": pattern}, number=one.number)
    return None

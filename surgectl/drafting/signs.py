"""What tells one page from all others: a word in its markup by which a rule can know it again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.words import CONFIRMS, FLAG_NAMES, STATES_DONE, is_state, words_of

_HEADS = re.compile(r"(?is)<(title|h1|h2)\b[^>]*>([^<]{3,80})<")
_TAG = re.compile(r"(?i)<(?:body|main|section|div|article|html)\b[^<>]{0,400}>")
_DATA = re.compile(r'(?i)\s(data-[\w-]{1,30}|id|class)="([^"<>]{2,60})"')


def special(text: str) -> str:
    """Text as a regular expression for itself, with no more backslashes than it needs."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def sign_of(page: Exchange, others: Iterable[Exchange]) -> str | None:
    """A regular expression that is found in this page and in none of the others; the most telling one, or None."""
    rest = [one.reply for one in others if one.reply and one.reply != page.reply]
    best: tuple[int, str] | None = None
    for weight, text in _candidates(page.reply):
        if re.search(r"\d", text) or any(text in other for other in rest):
            continue
        if best is None or weight > best[0]:
            best = (weight, text)
    return special(best[1]) if best else None


def _candidates(page: str) -> Iterator[tuple[int, str]]:
    for match in (found for tag in _TAG.finditer(page) for found in _DATA.finditer(tag[0])):
        telling = 10 if words_of(match[2]) & CONFIRMS else 0
        yield telling + (5 if match[1].lower().startswith("data-") else 1), f'{match[1]}="{match[2]}"'
    for match in _HEADS.finditer(page):
        text = match[2].strip()
        if text and "\n" not in text:
            yield (10 if words_of(text) & CONFIRMS else 0) + (3 if match[1].lower() == "title" else 4), text


def confirms(one: Exchange) -> int:
    """How much a reply looks like the end of a purchase: 0 not at all."""
    if not 200 <= one.status < 400:
        return 0
    score = 3 if one.method == "GET" and words_of(one.path) & CONFIRMS else 0
    if one.is_html:
        told = " ".join(match[2] for match in _HEADS.finditer(one.reply))
        return score + (3 if words_of(told) & CONFIRMS else 0)
    done = done_leaf(one)
    return score + (2 if done is not None else 0)


def done_leaf(one: Exchange) -> tuple[str, str | bool] | None:
    """Path and value in a JSON answer that say "it is done", or None."""
    document = json_of(one.reply)
    if document is NOT_JSON:
        return None
    for leaf in leaves(document):
        if is_state(leaf.key) and isinstance(leaf.value, str) and not leaf.listed:
            if "".join(sorted_word(leaf.value)) in STATES_DONE:
                return leaf.path, leaf.value
    return None


def sorted_word(text: str) -> str:
    """PAYMENT_SETTLED → paymentsettled."""
    return re.sub(r"[^a-z]", "", text.lower())


def success_leaf(one: Exchange) -> tuple[str, str | bool] | None:
    """Path and value by which a JSON answer with status 200 says that it is not a refusal, or None."""
    document = json_of(one.reply)
    if document is NOT_JSON:
        return None
    flags = [
        leaf
        for leaf in leaves(document)
        if not leaf.listed and leaf.path.count(".") < 3 and isinstance(leaf.value, str | bool)
    ]
    for leaf in flags:
        if leaf.key in FLAG_NAMES and leaf.value is True:
            return leaf.path, True
    for leaf in flags:
        if is_state(leaf.key) and isinstance(leaf.value, str) and re.fullmatch(r"[A-Za-z_-]{2,40}", leaf.value):
            return leaf.path, leaf.value
    return None


_NUMBERS = frozenset("id number no order reference ref confirmation booking reservation ticket tickets uuid".split())
_OTHER_NUMBERS = frozenset("request trace correlation session error errors message".split())


def identity_leaf(one: Exchange) -> str | None:
    """The path of what a JSON answer made: an order's number, an id. A refusal with the same status has none of it."""
    document = json_of(one.reply)
    found: list[tuple[int, str]] = []
    for number, leaf in enumerate(leaves(document) if document is not NOT_JSON else ()):
        parts = words_of(leaf.key)
        if leaf.listed or isinstance(leaf.value, bool) or leaf.value in ("", 0) or number > 400:
            continue
        if words_of(leaf.path) & _OTHER_NUMBERS or leaf.path.count(".") > 4:
            continue
        # A refusal, too, may have a code: it counts below something of a name of its own only.
        if parts & _NUMBERS or ("code" in parts and leaf.parent):
            found.append((leaf.path.count(".") + 5 * (not parts & _NUMBERS), leaf.path))
    return min(found, default=(0, None), key=lambda one: one[0])[1]


def changed_leaf(polls: tuple[Exchange, ...]) -> tuple[str, str | bool] | None:
    """Path and value by which the last of several JSON answers differs from those before; of one, its state."""
    last = json_of(polls[-1].reply)
    if last is NOT_JSON:
        return None
    before = [
        {leaf.path: leaf.value for leaf in leaves(document)}
        for one in polls[:-1]
        if (document := json_of(one.reply)) is not NOT_JSON
    ]
    found = [leaf for leaf in leaves(last) if isinstance(leaf.value, str | bool) and not leaf.listed]
    found = [leaf for leaf in found if all(leaf.value != told.get(leaf.path) for told in before)]
    for leaf in found:
        if is_state(leaf.key) and isinstance(leaf.value, str):
            return leaf.path, leaf.value
    for leaf in found:
        if leaf.key in FLAG_NAMES and leaf.value is True:
            return leaf.path, True
    return None

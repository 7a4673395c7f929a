"""Puts together what belongs together: a form and the redirects it led through, a question asked again and again."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.words import STATE_NAMES, id_like, role_words

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
REFRESH = re.compile(r"""(?i)http-equiv=["']?refresh["']?\s+content=["']?(\d+)""")
BUSTER = re.compile(r"(?i)^(_|t|ts|cb|nocache|timestamp|rnd)$")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the buyer did, and all that came of it."""

    hops: tuple[Exchange, ...]
    """The request, then the redirects that were followed. Empty where it only waits."""
    polls: tuple[Exchange, ...] = ()
    """The same question, asked until the answer was another."""
    doubt: str = ""
    """Why the polling is a guess."""

    @property
    def asks(self) -> Exchange:
        return self.hops[0] if self.hops else self.polls[0]

    @property
    def last(self) -> Exchange:
        """The reply that the outcome rules see first."""
        return self.hops[-1] if self.hops else self.polls[-1]

    @property
    def final(self) -> Exchange:
        return self.polls[-1] if self.polls else self.hops[-1]

    @property
    def follows(self) -> bool:
        return len(self.hops) > 1


def bust(url: str) -> str:
    """The URL without fragment and without what only keeps caches away."""
    parts = urlsplit(url)
    query = "&".join(
        pair
        for pair in parts.query.split("&")
        if not (BUSTER.match(pair.partition("=")[0]) and re.search(r"=[\d.]{6,}$", pair))
    )
    return f"{parts.scheme}://{parts.netloc}{parts.path or '/'}?{query}"


def fold(kept: tuple[Exchange, ...]) -> list[Turn]:
    """Exchanges in their order → turns in theirs."""
    waiting = _chains(kept)
    turns: list[Turn] = []
    while waiting:
        chain = waiting.pop(0)
        tail = chain[-1]
        again: list[Exchange] = []
        rest: list[Exchange] = []
        while waiting and not rest and _same(waiting[0][0], tail):
            again.append(waiting[0][0])
            rest = waiting.pop(0)[1:]
        if again and not _is_poll(chain, again, turns, rest):
            chain, again = [*chain[:-1], again[-1], *rest], []
            rest = []
        if again:
            _add_polls(turns, chain, (tail, *again))
        elif len(chain) > 2 and chain[0].method != "GET" and role_words(chain[0].path)[0] == "join":
            doubt = "passed through at once when it was recorded; taken for the waiting page"
            turns.append(Turn(hops=(chain[0],), polls=(chain[1],), doubt=doubt))
            rest = chain[2:]
        elif len(chain) == 1 and turns and _looks_after(tail, turns[-1]):
            turns[-1] = msgspec.structs.replace(
                turns[-1], polls=(tail,), doubt="asked once when it was recorded; taken for polling"
            )
        else:
            turns.append(Turn(hops=tuple(chain)))
        if rest:
            waiting.insert(0, rest)
    return turns


def _chains(kept: tuple[Exchange, ...]) -> list[list[Exchange]]:
    left = list(kept)
    chains: list[list[Exchange]] = []
    while left:
        chain = [left.pop(0)]
        while chain[-1].status in _REDIRECTS and chain[-1].location and len(chain) < 20:
            to = chain[-1].location.partition("#")[0]
            methods = ("GET", chain[-1].method) if chain[-1].status in (307, 308) else ("GET",)
            near = [one for one in left[:4] if one.url.partition("#")[0] == to and one.method in methods]
            if not near:
                break
            left.remove(near[0])
            chain.append(near[0])
        chains.append(chain)
    return chains


def _same(one: Exchange, other: Exchange) -> bool:
    return one.method == other.method and bust(one.url) == bust(other.url) and one.body == other.body


def _is_poll(chain: list[Exchange], again: list[Exchange], turns: list[Turn], rest: list[Exchange]) -> bool:
    """Was it the page that asked again, or a person who reloaded or pressed a button twice?"""
    tail = chain[-1]
    if tail.method != "GET":
        return len(again) > 1 and _is_reading(tail)
    if len(again) > 1 or rest or REFRESH.search(tail.reply) or len(chain) > 1:
        return True
    return bool(turns) and turns[-1].asks.method != "GET" and not tail.is_html


def _is_reading(one: Exchange) -> bool:
    """A GraphQL query, sent by POST."""
    body = json_of(one.body)
    query = body.get("query") if isinstance(body, dict) else None
    return isinstance(query, str) and "mutation" not in query[:200]


def _add_polls(turns: list[Turn], chain: list[Exchange], polls: tuple[Exchange, ...]) -> None:
    if len(chain) > 1:
        turns.append(Turn(hops=tuple(chain[:-1]), polls=polls))
    elif turns and turns[-1].asks.method != "GET" and not turns[-1].polls and not turns[-1].follows:
        turns[-1] = msgspec.structs.replace(turns[-1], polls=polls)
    else:
        turns.append(Turn(hops=(), polls=polls))


def _looks_after(one: Exchange, before: Turn) -> bool:
    """A single look at what a POST has just made, whose answer has a state: it was ready at the first look."""
    asked = before.asks
    if one.method != "GET" or asked.method == "GET" or before.polls or before.follows or one.is_html:
        return False
    document = json_of(one.reply)
    if document is NOT_JSON or not any(leaf.key in STATE_NAMES for leaf in leaves(document)):
        return False
    named = [part for part in one.segments if part and (id_like(part) or part.isdigit())]
    return before.last.status == 202 or any(part in before.last.reply for part in named)

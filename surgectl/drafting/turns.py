"""Puts together what belongs together: a form and the redirects it led through, a question asked again and again."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from surgectl.drafting.exchange import NOT_JSON, Exchange, Message, json_of
from surgectl.drafting.graphql import only_looks
from surgectl.drafting.jsons import leaves
from surgectl.drafting.signs import changed_leaf
from surgectl.drafting.words import id_like, is_state, role_words

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
REFRESH = re.compile(r"""(?i)http-equiv=["']?refresh["']?\s+content=["']?(\d+)""")
BUSTER = re.compile(r"(?i)^(_|t|ts|cb|nocache|timestamp|rnd)$")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the buyer did, and all that came of it."""

    hops: tuple[Exchange, ...]
    """The request, then the redirects that were followed. Empty where it only waits."""
    polls: tuple[Exchange, ...] = ()
    """The same question, asked until the answer was another."""
    push: Exchange | None = None
    """The connection over which the shop said by itself what was waited for. `polls` are then its messages."""
    doubt: str = ""
    """Why the polling is a guess."""

    @property
    def asks(self) -> Exchange:
        return self.hops[0] if self.hops else self.push or self.polls[0]

    @property
    def last(self) -> Exchange:
        """The reply that the outcome rules see first."""
        return self.hops[-1] if self.hops else self.final

    @property
    def final(self) -> Exchange:
        return self.polls[-1] if self.polls else self.hops[-1] if self.hops else self.asks

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
    waiting = _chains(_gathered(kept))
    turns: list[Turn] = []
    while waiting:
        chain = waiting.pop(0)
        tail = chain[-1]
        if tail.pushes:
            _add_push(turns, tail)
            continue
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


def _gathered(kept: tuple[Exchange, ...]) -> list[Exchange]:
    """What was asked again while other questions were under way stands behind what it repeats."""
    out: list[Exchange] = []
    for one in kept:
        at = len(out)
        if _asks_quietly(one):
            back = at - 1
            while back >= 0 and at - back <= 12 and _asks_quietly(out[back]) and not _same(out[back], one):
                back -= 1
            if back >= 0 and _same(out[back], one):
                at = back + 1
        out.insert(at, one)
    return out


def _asks_quietly(one: Exchange) -> bool:
    return one.method == "GET" and not one.is_document and not one.is_html and not one.location and not one.pushes


def _chains(kept: list[Exchange]) -> list[list[Exchange]]:
    left = list(kept)
    chains: list[list[Exchange]] = []
    while left:
        chain = [left.pop(0)]
        while chain[-1].status in _REDIRECTS and chain[-1].location and len(chain) < 20:
            to = chain[-1].location.partition("#")[0]
            methods = ("GET", chain[-1].method) if chain[-1].status in (307, 308) else ("GET",)
            near = [one for one in left[:8] if one.url.partition("#")[0] == to and one.method in methods]
            if not near:
                break
            left.remove(near[0])
            chain.append(near[0])
        chains.append(chain)
    return chains


def _same(one: Exchange, other: Exchange) -> bool:
    return one.method == other.method and not one.pushes and bust(one.url) == bust(other.url) and one.body == other.body


def _is_poll(chain: list[Exchange], again: list[Exchange], turns: list[Turn], rest: list[Exchange]) -> bool:
    """Was it the page that asked again, or a person who reloaded or pressed a button twice?"""
    tail = chain[-1]
    if tail.method != "GET" and not only_looks(tail):
        return len(again) > 1 and changed_leaf((tail, *again)) is not None
    if not tail.is_html and tail.reply and not rest and all(one.reply == tail.reply for one in again):
        return False  # the same answer each time: nobody waited for another
    if len(again) > 1 or rest or REFRESH.search(tail.reply) or len(chain) > 1:
        return True
    return bool(turns) and turns[-1].asks.method != "GET" and not tail.is_html


def _add_push(turns: list[Turn], push: Exchange) -> None:
    """A connection that stays open belongs to what was asked just before it; opened again, it is still the same."""
    messages = tuple(_as_answer(push, one) for one in push.messages if not one.sent and one.data)
    before = turns[-1] if turns else None
    if before is not None and before.push is not None and bust(before.push.url) == bust(push.url):
        turns[-1] = msgspec.structs.replace(before, polls=before.polls + messages)
    elif (
        before is not None and before.hops and not before.polls and before.push is None
        and (before.asks.method != "GET" or before.asks.is_document)
    ):  # fmt: skip
        turns[-1] = msgspec.structs.replace(before, push=push, polls=messages)
    else:
        turns.append(Turn(hops=(), push=push, polls=messages))


def _as_answer(push: Exchange, message: Message) -> Exchange:
    """A message as the target sees it: a reply with status 200 whose body is the message's data."""
    kind = "application/json" if json_of(message.data) is not NOT_JSON else "text/plain"
    return Exchange(
        number=push.number, method="GET", url=push.url, status=200, kind="pushed", reply=message.data,
        reply_mime=kind, event=message.event,
    )  # fmt: skip


def _add_polls(turns: list[Turn], chain: list[Exchange], polls: tuple[Exchange, ...]) -> None:
    if len(chain) > 1:
        turns.append(Turn(hops=tuple(chain[:-1]), polls=polls))
    elif (
        turns and turns[-1].asks.method != "GET" and not turns[-1].polls and not turns[-1].follows
        and turns[-1].push is None
    ):  # fmt: skip
        turns[-1] = msgspec.structs.replace(turns[-1], polls=polls)
    else:
        turns.append(Turn(hops=(), polls=polls))


def _looks_after(one: Exchange, before: Turn) -> bool:
    """A single look at what was just made, whose answer has a state: it was ready at the first look."""
    asked = before.asks
    waits = before.polls or before.push is not None or before.follows
    looks = one.method == "GET" or only_looks(one)
    if not looks or asked.method == "GET" or only_looks(asked) or waits or one.is_html:
        return False
    document = json_of(one.reply)
    if document is NOT_JSON or not any(is_state(leaf.key) for leaf in leaves(document)):
        return False
    named = [part for part in one.segments if part and (id_like(part) or part.isdigit())]
    if one.method != "GET":
        named = [str(leaf.value) for leaf in leaves(json_of(one.body)) if leaf.key != "query"]
        named = [value for value in named if len(value) >= 4 and not value.isalpha()]
    return before.last.status == 202 or any(part in before.last.reply or part in asked.body for part in named)

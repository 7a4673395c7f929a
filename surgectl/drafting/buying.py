"""Finds the purchase in what was recorded: which requests belong to it, which one pays, and where it ends."""

from __future__ import annotations

import functools
import re

import msgspec

from surgectl.drafting import words
from surgectl.drafting.exchange import Exchange
from surgectl.drafting.graphql import only_looks, operation_of
from surgectl.drafting.requests import name_of
from surgectl.drafting.sift import host_of
from surgectl.drafting.signs import changed_leaf, confirms
from surgectl.drafting.turns import Turn
from surgectl.errors import UsageError
from surgectl.profile.step import Role

MOST_STEPS = 60


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The turns of the purchase, and which of them is which."""

    turns: list[Turn]
    pay: int
    end: int
    roles: list[Role]
    doubts: dict[int, str]
    sure_end: bool


def used(turns: list[Turn], left: list[str]) -> list[Turn]:
    """Without what was pushed to no purpose; where there are pages, without calls whose answers nothing later needs."""
    turns = _heard(turns, left)
    if not any(turn.asks.is_document for turn in turns):
        return turns
    kept: list[Turn] = []
    dropped = 0
    for at, turn in enumerate(turns):
        one = turn.asks
        idle = not changes(one) and not turn.polls and not one.is_document and not one.is_html and not turn.push
        if idle and not _is_needed(turn.final.reply, turns[at + 1 :]):
            dropped += 1
        else:
            kept.append(turn)
    if dropped:
        left.append(f"{dropped} background requests whose answers nothing later used")
    return kept


_WAITS = frozenset(
    "queue line waiting wait lobby room waitingroom turn turns admission position places order orders payment payments "
    "checkout status hold reservation basket cart".split()
)


def _heard(turns: list[Turn], left: list[str]) -> list[Turn]:
    """Of what was pushed, only what the purchase waited for: something that is sent later, or a state that changed."""
    kept: list[Turn] = []
    idle: set[str] = set()
    for at, turn in enumerate(turns):
        if turn.push is None:
            kept.append(turn)
            continue
        later = turns[at + 1 :]
        host = host_of(turn.push.url)
        told = next((n for n, one in enumerate(turn.polls) if _is_needed(one.reply, later)), None)
        if told is not None:
            turn = msgspec.structs.replace(turn, polls=turn.polls[: told + 1])
        elif not _waited(turn):
            idle.add(host)
            if not turn.hops:
                continue
            turn = msgspec.structs.replace(turn, push=None, polls=())
        kept.append(turn)
    if idle:
        left.append(f"what {', '.join(sorted(idle))} pushed and nothing waited for (WebSocket, server-sent events)")
    return kept


def _waited(turn: Turn) -> bool:
    """By the words of its address a wait, and either it ended with another word than it began, or nobody knows."""
    assert turn.push is not None
    if not words.words_of(f"{turn.push.path} {turn.asks.path}") & _WAITS:
        return False
    if not turn.polls:
        return True
    events = [one.event for one in turn.polls]
    return changed_leaf(turn.polls) is not None or (len(events) > 1 and events[-1] not in events[:-1])


def _is_needed(reply: str, later: list[Turn]) -> bool:
    """Is something of this reply sent later, that no person could have thought of?"""
    if not reply:
        return False
    values = {value for turn in later[:200] for value in _made_up(turn.asks)}
    return any(re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", reply) for value in values if value in reply)


@functools.lru_cache(maxsize=1_000)
def _made_up(one: Exchange) -> tuple[str, ...]:
    sent = [value for _, value in (*one.form, *one.query)] + one.segments
    sent += re.findall(r'"([^"\\]{6,200})"', one.body[:50_000])
    sent += [value.removeprefix("Bearer ") for name, value in one.headers if name.startswith("x-")]
    sent += [value.removeprefix("Bearer ") for name, value in one.headers if name == "authorization"]
    return tuple({value for value in sent[:300] if words.id_like(value)})


def planned(turns: list[Turn], where: str, left: list[str]) -> Plan:
    """Which turn is which. UsageError where nobody buys anything; whatever is dropped is said in `left`."""
    changing = [at for at, turn in enumerate(turns) if turn.hops and changes(turn.asks)]
    if not changing:
        raise UsageError(
            "holds no purchase: pages were looked at, nothing was sent",
            where=where,
            hint="record until the shop says thank you, with Preserve log",
        )
    scores = {
        at: max((confirms(one) for one in (*turn.hops[-1:], *turn.polls)), default=0)
        for at, turn in enumerate(turns)
        if at >= changing[0]
    }
    best = max(scores.values())
    end = max(at for at, score in scores.items() if score == best) if best else _last_order(turns, changing)
    pay = max(at for at in changing if at <= end)
    if best and (scores[pay] >= best or (end > pay and scores[pay] and not turns[pay].asks.is_html)):
        end = pay
    if len(turns) - 1 - end:
        left.append(f"{len(turns) - 1 - end} things that were done after the purchase")
    turns = turns[: end + 1]
    if len(turns) > MOST_STEPS:
        cut = len(turns) - MOST_STEPS
        left.append(f"the first {cut} steps: a purchase has at most {MOST_STEPS} here")
        turns, pay, end = turns[cut:], pay - cut, end - cut
    if pay < 0:
        raise UsageError("has too much between the order and the thanks", where=where, hint="record one purchase alone")
    turns[pay] = _polling_order(turns[pay], last=pay == end)
    roles: list[Role] = []
    doubts: dict[int, str] = {}
    seen: set[Role] = set()
    for at, turn in enumerate(turns):
        role: Role = "browse"
        if at == pay:
            role = "pay"
            if not words.pay_words(turn.asks.path, operation_of(turn.asks)):
                doubts[at] = "the last thing sent before the end"
        elif not turn.hops:
            role = "poll"
        elif changes(turn.asks) and at < pay:
            guess, _ = words.role_words(turn.asks.path, operation_of(turn.asks))
            if guess in ("join", "hold") and (guess not in seen or (guess == "hold" and turn.polls)):
                role = guess
                doubts[at] = f"by the words of its {'operation' if operation_of(turn.asks) else 'path'}"
        seen.add(role)
        roles.append(role)
    return Plan(turns=turns, pay=pay, end=end, roles=roles, doubts=doubts, sure_end=bool(best))


def _last_order(turns: list[Turn], changing: list[int]) -> int:
    """Where nothing said thank you: the last thing sent that sounds like buying, else the last but what people are
    asked when all is over."""
    said = {at: f"{turns[at].asks.path} {operation_of(turns[at].asks)}" for at in changing}
    fit = [at for at in changing if not words.words_of(said[at]) & words.AFTERWARDS] or changing
    return max((at for at in fit if words.pay_words(said[at])), default=fit[-1])


def changes(one: Exchange) -> bool:
    """Is it sent to change something? A GraphQL query is a look."""
    return one.method != "GET" and not only_looks(one)


def _polling_order(turn: Turn, *, last: bool) -> Turn:
    """A payment that leads to the page of its own order: that page is looked at until it says how it went."""
    if not last or turn.polls or turn.push or len(turn.hops) != 2 or turn.asks.method == "GET":
        return turn
    to = turn.hops[1]
    if not any(words.id_like(part) for part in to.segments) or words.words_of(to.path) & words.CONFIRMS:
        return turn
    doubt = "decided at the first look when it was recorded; under load it may take longer"
    return Turn(hops=turn.hops[:1], polls=turn.hops[1:], doubt=doubt)


def names_of(plan: Plan) -> list[str]:
    """A name for each turn, none of them twice."""
    names: list[str] = []
    for turn, role in zip(plan.turns, plan.roles, strict=True):
        name = role if role in ("join", "hold", "pay") and role not in names else name_of(turn.asks)
        base, number = name, 2
        while name in names:
            name, number = f"{base}-{number}", number + 1
        names.append(name)
    return names

"""Finds the purchase in what was recorded: which requests belong to it, which one pays, and where it ends."""

from __future__ import annotations

import re

import msgspec

from surgectl.drafting import words
from surgectl.drafting.exchange import Exchange, json_of
from surgectl.drafting.requests import name_of, operation_of
from surgectl.drafting.signs import confirms
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
    """Without background calls whose answers nothing later needs, where there are pages."""
    if not any(turn.asks.is_document for turn in turns):
        return turns
    kept: list[Turn] = []
    dropped = 0
    for at, turn in enumerate(turns):
        one = turn.asks
        idle = not changes(one) and not turn.polls and not one.is_document and not one.is_html
        if idle and not _is_needed(turn, turns[at + 1 :]):
            dropped += 1
        else:
            kept.append(turn)
    if dropped:
        left.append(f"{dropped} background requests whose answers nothing later used")
    return kept


def _is_needed(turn: Turn, later: list[Turn]) -> bool:
    said = set(re.findall(r"[^\s\"'<>\\]{6,}", turn.final.reply))
    said |= {part for text in said if len(text) < 2_000 for part in re.split(r"[,:/?&=}\]]", text)}
    for other in later[:200]:
        one = other.asks
        sent = (
            [value for _, value in (*one.form, *one.query)]
            + one.segments
            + re.findall(r'"([^"\\]{6,200})"', one.body[:50_000])
        )
        sent += [value for name, value in one.headers if name.startswith("x-") or name == "authorization"]
        if any(words.id_like(value) and value.removeprefix("Bearer ") in said for value in sent[:300]):
            return True
    return False


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
        at: max(confirms(one) for one in (*turn.hops[-1:], *turn.polls))
        for at, turn in enumerate(turns)
        if at >= changing[0]
    }
    best = max(scores.values())
    end = max(at for at, score in scores.items() if score == best) if best else changing[-1]
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


def changes(one: Exchange) -> bool:
    """Is it sent to change something? A GraphQL query is a look."""
    if one.method == "GET":
        return False
    document = json_of(one.body)
    query = document.get("query") if isinstance(document, dict) else None
    return not isinstance(query, str) or "mutation" in query


def _polling_order(turn: Turn, *, last: bool) -> Turn:
    """A payment that leads to the page of its own order: that page is looked at until it says how it went."""
    if not last or turn.polls or len(turn.hops) != 2 or turn.asks.method == "GET":
        return turn
    if not any(words.id_like(part) for part in turn.hops[1].segments):
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

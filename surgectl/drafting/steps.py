"""Makes a step of each request of a purchase: what it sends, what its answer means, and how it is waited for."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from surgectl.drafting import words
from surgectl.drafting.buying import Plan, changes
from surgectl.drafting.draft import DraftStep, Line, Named
from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.graphql import operation_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.requests import push_of, request_of
from surgectl.drafting.signs import done_leaf, identity_leaf, sign_of, success_leaf
from surgectl.drafting.turns import Turn
from surgectl.drafting.values import Values
from surgectl.drafting.waiting import await_of, literal_value, path_pattern, poll_of
from surgectl.profile.step import Role


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a step sends, and what its poll does."""

    request: dict[str, Any]
    poll: dict[str, Any] | None
    doubts: list[str]


def requests(values: Values, at: int, turn: Turn, others: dict[str, str]) -> Asked:
    """Of the turn at that place. `others`: origins beside the shop's own, by their name."""
    doubts: list[str] = []
    request: dict[str, Any] = {}
    if turn.hops:
        request, doubts = request_of(values, at, turn.asks, others.get(turn.asks.origin))
        if turn.follows:
            request["follow"] = True
    poll: dict[str, Any] | None = None
    if turn.push is not None:
        at += 1 if turn.hops else 0
        poll, more = push_of(values, at, turn.push, others.get(turn.push.origin))
        doubts += more
    elif turn.polls:
        # What the step itself was told is known when it polls.
        poll, more = request_of(values, at + 1 if turn.hops else at, turn.polls[0], others.get(turn.polls[0].origin))
        doubts += more
    return Asked(request=request, poll=poll, doubts=doubts)


def step_of(plan: Plan, values: Values, at: int, asked: Asked, name: str, pages: list[Exchange]) -> DraftStep:
    """The step of that turn, with its rules. `pages`: every page that was seen, to tell one from another."""
    turn, role = plan.turns[at], plan.roles[at]
    step = DraftStep(
        name=name,
        role=role,
        role_doubt=plan.doubts.get(at, ""),
        request=asked.request,
        notes=[f"? {doubt}" for doubt in asked.doubts],
        take=[*values.takes.get((at, False), {}).values()],
    )
    ends = at == plan.end
    done: dict[str, Any] = {"end": "confirmed"} if ends else {"then": "next"}
    if turn.hops:
        waits = bool(turn.polls) or turn.push is not None
        when, doubt = _when(turn, step.take, pages, ends=ends and not waits, role=role)
        effect = {"then": "poll"} if waits else done
        if ends and not waits and not doubt and not plan.sure_end:
            doubt = "does this reply say that the tickets are sold?"
        step.outcomes = [Line(value={"when": when, **effect}, doubt=doubt)]
        step.outcomes += _asleep(role, turn.asks, step.take, ends=ends)
    if turn.push is not None and asked.poll is not None:
        step.poll = await_of(turn, values, at, asked.poll, done, step.take)
    elif turn.polls and asked.poll is not None:
        step.poll = poll_of(turn, values, at, asked.poll, done, pages)
    if ends or role == "pay":
        _claim(step, turn)
    return step


def _when(
    turn: Turn, takes: list[Named], pages: list[Exchange], *, ends: bool, role: Role
) -> tuple[dict[str, Any], str]:
    """The condition under which things went as they did when they were recorded."""
    last = turn.last
    when: dict[str, Any] = {"status": 200 if last.status == 304 else last.status}
    path = path_pattern(last)
    if turn.follows and path:
        when["url"] = path
    if last.location and not turn.follows and (to := path_pattern(msgspec.structs.replace(last, url=last.location))):
        when["location"] = to
        return when, ""
    if ends:
        done = done_leaf(last)
        if done is not None:
            when["json"] = {done[0]: literal_value(done[1])}
            return when, ""
        if turn.follows and words.words_of(path) & words.CONFIRMS:
            return when, ""
        sign = sign_of(last, pages) if last.is_html else None
        if sign:
            when["body"] = sign
            return when, ""
        made = identity_leaf(last)
        if made is not None:
            when["json"] = {**_no_errors(turn), made: {"exists": True}}
            return when, "does this say that the tickets are sold? A refusal has none of it, it seems"
        return when, "what tells this answer from a refusal?"
    fields = [take.value["regex"] for take in takes if "regex" in take.value]
    if fields and last.is_html:
        found = re.match(r"""[^()]*?name=["'][^"'()]+["']""", fields[-1])
        if found:
            when["body"] = found[0]
    elif last.status == 200 and (turn.asks.method != "GET") and not last.is_html:
        flag = success_leaf(last)
        wanted = _no_errors(turn)
        if flag is not None:
            wanted[flag[0]] = flag[1]
        elif wanted and (made := identity_leaf(last)) is not None:
            wanted[made] = {"exists": True}
        if wanted:
            when["json"] = wanted
    if role == "browse" and turn.asks.method == "GET" and "body" in when:
        return when, ""
    return when, ""


def _no_errors(turn: Turn) -> dict[str, Any]:
    """GraphQL answers 200 whatever happened; `errors` beside the data is a failure (October 2021, §7.1.2)."""
    document = json_of(turn.last.reply)
    return {"errors": None} if isinstance(document, dict) and "data" in document and operation_of(turn.asks) else {}


def _asleep(role: Role, one: Exchange, takes: list[Named], *, ends: bool) -> list[Line]:
    """Rules for what a purchase that went well does not show."""
    lines: list[Line] = []
    if one.method == "GET" or not changes(one):
        if any("regex" in take.value for take in takes):
            lines.append(
                Line(value={"when": {"status": 200}, "end": "sold-out"}, asleep=True,
                     doubt="not seen: is the page without its form the sign that nothing is left?")
            )  # fmt: skip
        return lines
    if role in ("hold", "pay"):
        lines.append(
            Line(
                value={"when": {"status": 409}, "end": "sold-out"},
                asleep=True,
                doubt="not seen: how does it say sold out?",
            )
        )
    if role == "pay":
        lines.append(
            Line(value={"when": {"status": 402}, "end": "declined"}, asleep=True, doubt="not seen: a declined card")
        )
    if role in ("join", "hold", "pay"):
        shed = {"when": {"status": [429, 503]}, "then": "shed", "hint": {"header": "Retry-After"}}
        lines.append(Line(value=shed, asleep=True, doubt="only if such a refusal means: nothing was done"))
    return lines


def _claim(step: DraftStep, turn: Turn) -> None:
    """What the shop told the fan about the order, asleep until the books are there to be compared."""
    found: list[Named] = []
    document = json_of(turn.final.reply)
    for leaf in leaves(document) if document is not NOT_JSON else []:
        parts = words.words_of(leaf.key)
        if leaf.listed or isinstance(leaf.value, bool):
            continue
        if "order" not in [one.name for one in found] and (
            leaf.key == "order" or parts & {"number", "code"} or parts == {"order", "id"}
        ):
            found.append(
                Named(name="order", value={"json": leaf.path}, asleep=True, doubt="the number that the books have?")
            )
        elif "qty" not in [one.name for one in found] and parts & {"qty", "quantity"} and isinstance(leaf.value, int):
            found.append(Named(name="qty", value={"json": leaf.path}, asleep=True, doubt="how many tickets?"))
        elif "amount" not in [one.name for one in found] and parts & {"total", "amount"}:
            money = "minor EUR" if isinstance(leaf.value, int) else "major EUR"
            value = {"json": leaf.path, "money": money}
            found.append(Named(name="amount", value=value, asleep=True, doubt="which unit and currency?"))
    takes = [*step.take, *(step.poll.take if step.poll else [])]
    for take in takes:
        if not found and set(take.value) & {"location", "url"}:
            found.append(Named(name="order", value=take.value, asleep=True, doubt="the number that the books have?"))
    step.claims = found

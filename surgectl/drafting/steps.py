"""Makes a step of each request of a purchase: what it sends, what its answer means, and how it is waited for."""

from __future__ import annotations

import re
import statistics
from typing import Any
from urllib.parse import unquote

import msgspec

from surgectl.drafting import words
from surgectl.drafting.buying import Plan, changes
from surgectl.drafting.draft import DraftPoll, DraftStep, Line, Named
from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.requests import operation_of, request_of
from surgectl.drafting.signs import changed_leaf, done_leaf, sign_of, special, success_leaf
from surgectl.drafting.turns import REFRESH, Turn
from surgectl.drafting.values import Values, literal
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
    if turn.polls:
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
        when, doubt = _when(turn, step.take, pages, ends=ends and not turn.polls, role=role)
        effect = {"then": "poll"} if turn.polls else done
        if ends and not turn.polls and not doubt and not plan.sure_end:
            doubt = "does this reply say that the tickets are sold?"
        step.outcomes = [Line(value={"when": when, **effect}, doubt=doubt)]
        step.outcomes += _asleep(role, turn.asks, step.take, ends=ends)
    if turn.polls and asked.poll is not None:
        step.poll = _poll(turn, values, at, asked.poll, done, pages)
    if ends or role == "pay":
        _claim(step, turn)
    return step


def _when(
    turn: Turn, takes: list[Named], pages: list[Exchange], *, ends: bool, role: Role
) -> tuple[dict[str, Any], str]:
    """The condition under which things went as they did when they were recorded."""
    last = turn.last
    when: dict[str, Any] = {"status": 200 if last.status == 304 else last.status}
    path = _path_pattern(last)
    if turn.follows and path:
        when["url"] = path
    if last.location and not turn.follows and (to := _path_pattern(msgspec.structs.replace(last, url=last.location))):
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
        return when, "" if sign else "what tells this answer from a refusal?"
    fields = [take.value["regex"] for take in takes if "regex" in take.value]
    if fields and last.is_html:
        found = re.match(r"""[^()]*?name=["'][^"'()]+["']""", fields[-1])
        if found:
            when["body"] = found[0]
    elif last.status == 200 and (turn.asks.method != "GET") and not last.is_html:
        flag = success_leaf(last)
        document = json_of(last.reply)
        if isinstance(document, dict) and "data" in document and operation_of(turn.asks):
            when["json"] = {"errors": None, **({flag[0]: flag[1]} if flag else {})}
        elif flag is not None:
            when["json"] = {flag[0]: flag[1]}
    if role == "browse" and turn.asks.method == "GET" and "body" in when:
        return when, ""
    return when, ""


def literal_value(value: str | bool) -> str | bool:
    return literal(value) if isinstance(value, str) and "${" in value else value


def _path_pattern(one: Exchange) -> str:
    """The path of a URL as a pattern in which what a machine made up may be anything; empty for the front page."""
    parts = [part for part in one.path.split("/")[1:]]
    shown = ["[^/?]+" if words.id_like(unquote(part)) or part.isdigit() else special(part) for part in parts]
    if not "".join(parts):
        return ""
    return "/" + "/".join(shown) + r"(\?|$)"


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


def _poll(
    turn: Turn, values: Values, at: int, request: dict[str, Any], done: dict[str, Any], pages: list[Exchange]
) -> DraftPoll:
    last = turn.polls[-1]
    when: dict[str, Any] = {"status": 200 if last.status == 304 else last.status}
    doubt = ""
    path = _path_pattern(msgspec.structs.replace(last, url=last.location)) if last.location else ""
    if path:
        when["location"] = path
    elif last.is_html:
        sign = sign_of(last, pages)
        if sign:
            when["body"] = sign
        else:
            doubt = "what tells the answer from waiting?"
    else:
        leaf = changed_leaf(turn.polls)
        if leaf is not None:
            when["json"] = {leaf[0]: literal_value(leaf[1])}
        else:
            doubt = "what tells the answer from waiting?"
    outcomes = [Line(value={"when": when, **done}, doubt=doubt)]
    if "end" in done:
        refused = {"json": {next(iter(when["json"])): "failed"}} if "json" in when else {"body": "declined"}
        outcomes.append(
            Line(value={"when": refused, "end": "declined"}, asleep=True, doubt="not seen: how does it say no?")
        )
    else:
        outcomes.append(Line(value={"when": {"status": 410}, "end": "sold-out"}, asleep=True, doubt="not seen"))
    return DraftPoll(
        request={key: value for key, value in request.items() if key != "follow"},
        every=_every(turn.polls),
        hint=_hint(turn.polls),
        outcomes=outcomes,
        take=[*values.takes.get((at, True), {}).values()],
        doubt=turn.doubt,
    )


def _every(polls: tuple[Exchange, ...]) -> str:
    times = [one.started_s for one in polls if one.started_s is not None]
    gaps = [later - before for before, later in zip(times, times[1:], strict=False) if later > before]
    seconds = min(10.0, max(0.2, statistics.median(gaps))) if gaps else 1.0
    return f"{round(seconds * 1000)}ms"


def _hint(polls: tuple[Exchange, ...]) -> dict[str, Any] | None:
    """Where the shop says how long to wait."""
    for one in polls:
        if any(name == "retry-after" for name, _ in one.reply_headers):
            return {"header": "Retry-After"}
        if one.is_html and REFRESH.search(one.reply):
            match = re.search(r"""http-equiv=["']?refresh["']?\s+content=["']?(\d+)""", one.reply)
            return (
                {"regex": 'http-equiv="refresh" content="(\\d+)'}
                if match and '"refresh" content="' in match[0]
                else None
            )
        document = json_of(one.reply)
        if document is NOT_JSON:
            continue
        for leaf in leaves(document):
            parts = words.words_of(leaf.key)
            if (
                isinstance(leaf.value, int | float)
                and parts & {"poll", "retry", "refresh"}
                and parts & {"after", "in", "ms"}
            ):
                return {"json": leaf.path, "unit": "ms" if parts & {"ms", "millis"} else "s"}
    return None


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

"""How a target waits as a page did: by asking again, or by listening until the shop says it by itself."""

from __future__ import annotations

import re
import statistics
from typing import Any
from urllib.parse import unquote

import msgspec

from surgectl.drafting import words
from surgectl.drafting.draft import DraftPoll, Line, Named
from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.literal import literal
from surgectl.drafting.signs import changed_leaf, done_leaf, sign_of, special
from surgectl.drafting.turns import REFRESH, Turn
from surgectl.drafting.values import Values


def poll_of(
    turn: Turn, values: Values, at: int, request: dict[str, Any], done: dict[str, Any], pages: list[Exchange]
) -> DraftPoll:
    last = turn.polls[-1]
    when: dict[str, Any] = {"status": 200 if last.status == 304 else last.status}
    doubt = ""
    path = path_pattern(msgspec.structs.replace(last, url=last.location)) if last.location else ""
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
            if len(turn.polls) == 1 and done_leaf(last) is None:
                doubt = "seen once: is this the end, or is it still waiting?"
        else:
            doubt = "what tells the answer from waiting?"
    if (
        not re.search(r"\{[a-z_]", str(request))
        and turn.hops
        and any(re.search(r"\d", part) for part in turn.polls[0].segments)
    ):
        doubt = "every fan asks at this one address: whose is it? It looks like the one that was recorded"
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


def await_of(
    turn: Turn, values: Values, at: int, request: dict[str, Any], done: dict[str, Any], own: list[Named]
) -> DraftPoll:
    """The wait for what the shop says by itself, and the message that ends it. `own`: what the step itself takes."""
    takes = [*values.takes.get((at, True), {}).values()]
    when: dict[str, Any] = {}
    doubt = "by the last message that was pushed"
    if turn.polls:
        events = [one.event for one in turn.polls]
        named = events[-1] not in ("", "message") and events[-1] not in events[:-1]
        if named:
            when["event"] = events[-1]
        leaf = changed_leaf(turn.polls) or done_leaf(turn.polls[-1])
        if leaf is not None:
            when["json"] = {leaf[0]: literal_value(leaf[1])}
    # Where nothing of it was written down: the message that gives what is sent later, and was not needed to listen.
    given = [one for one in (*takes, *own) if "json" in one.value and f"{{{one.name}}}" not in str(request)]
    if not when and given:
        when["json"] = {given[0].value["json"]: {"exists": True}}
        doubt = "which message ends the waiting? That which gives this, it seems"
    if not when:
        when = {"status": 200}
        doubt = "what was pushed is not in this recording: which message ends the waiting?"
        if turn.polls:
            doubt = "which message ends the waiting?"
    outcomes = [Line(value={"when": when, **done}, doubt=doubt)]
    if "end" in done:
        refused = {"json": {next(iter(when["json"])): "failed"}} if "json" in when else {"body": "declined"}
        outcomes.append(
            Line(value={"when": refused, "end": "declined"}, asleep=True, doubt="not seen: how does it say no?")
        )
    else:
        outcomes.append(
            Line(value={"when": {"status": 410}, "end": "sold-out"}, asleep=True, doubt="not seen: all is sold")
        )
    return DraftPoll(request=request, pushed=True, outcomes=outcomes, take=takes, doubt=turn.doubt)


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


def path_pattern(one: Exchange) -> str:
    """The path of a URL as a pattern in which what a machine made up may be anything; empty for the front page."""
    parts = [part for part in one.path.split("/")[1:]]
    shown = ["[^/?]+" if words.id_like(unquote(part)) or part.isdigit() else special(part) for part in parts]
    if not "".join(parts):
        return ""
    return "/" + "/".join(shown) + r"(\?|$)"


def literal_value(value: str | bool) -> str | bool:
    return literal(value) if isinstance(value, str) and "${" in value else value

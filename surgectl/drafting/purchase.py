"""Makes a draft target of one recorded purchase: finds the sale in it, and says what it is not sure of."""

from __future__ import annotations

import re
import statistics
from typing import Any
from urllib.parse import unquote

import msgspec

from surgectl.drafting import words
from surgectl.drafting.draft import Draft, DraftPoll, DraftStep, Line, Named
from surgectl.drafting.exchange import NOT_JSON, Exchange, json_of
from surgectl.drafting.jsons import leaves
from surgectl.drafting.requests import name_of, operation_of, request_of
from surgectl.drafting.sift import host_of, sift
from surgectl.drafting.signs import changed_leaf, confirms, done_leaf, sign_of, special, success_leaf
from surgectl.drafting.turns import REFRESH, Turn, fold
from surgectl.drafting.values import Values, literal
from surgectl.errors import UsageError
from surgectl.profile.target import Role

MOST_STEPS = 60
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[?::1\]?)$")


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The turns of the purchase, and which of them is which."""

    turns: list[Turn]
    pay: int
    end: int
    roles: list[Role]
    doubts: dict[int, str]
    sure_end: bool


def draft_of(exchanges: tuple[Exchange, ...], where: str) -> Draft:
    """The draft of a recording. UsageError where nobody buys anything in it."""
    sifted = sift(exchanges)
    if not sifted.kept:
        raise UsageError("shows no request to a shop", where=where, hint="record a whole purchase, with its pages")
    left = list(sifted.left_out)
    plan = _plan(_used(fold(sifted.kept), left), where, left)
    values = Values(plan.turns)
    others = {origin: name for name, origin in sifted.origins.items()}
    drafted = [_requests(values, at, turn, others) for at, turn in enumerate(plan.turns)]
    names = _names(plan)
    pages = [one for turn in plan.turns for one in (*turn.hops, *turn.polls) if one.is_html]
    steps = [_step(plan, values, at, drafted[at], names[at], pages) for at in range(len(plan.turns))]
    headers = _shared_headers(plan, steps, alone=not others)
    host = host_of(sifted.shop)
    name = re.sub(r"[^a-z0-9-]+", "-", host.lower().removeprefix("www.")).strip("-") or "shop"
    return Draft(
        name="shop" if _LOOPBACK.match(host) else name,
        about="",
        base_url=f"${{SHOP_URL:-{sifted.shop}}}" if "}" not in sifted.shop else sifted.shop,
        host="" if _LOOPBACK.match(host) else host,
        origins=sifted.origins,
        headers=headers,
        mint=[Named(name=name, value=text) for name, text in values.mint.items()],
        steps=steps,
        status=_status(plan, steps),
        checks=_checks(plan, values, steps, names),
        left_out=left,
        secrets=[f"{name}: {why}" for name, why in values.environment.items()],
    )


# -- which turns are the purchase ------------------------------------------------------------------------------


def _used(turns: list[Turn], left: list[str]) -> list[Turn]:
    """Without background calls whose answers nothing later needs, where there are pages."""
    if not any(turn.asks.is_document for turn in turns):
        return turns
    kept: list[Turn] = []
    dropped = 0
    for at, turn in enumerate(turns):
        one = turn.asks
        idle = one.method == "GET" and not turn.polls and not one.is_document and not one.is_html
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


def _plan(turns: list[Turn], where: str, left: list[str]) -> _Plan:
    changes = [at for at, turn in enumerate(turns) if turn.hops and _changes(turn.asks)]
    if not changes:
        raise UsageError(
            "holds no purchase: pages were looked at, nothing was sent",
            where=where,
            hint="record until the shop says thank you, with Preserve log",
        )
    scores = {
        at: max(confirms(one) for one in (*turn.hops[-1:], *turn.polls))
        for at, turn in enumerate(turns)
        if at >= changes[0]
    }
    best = max(scores.values())
    end = max(at for at, score in scores.items() if score == best) if best else changes[-1]
    pay = max(at for at in changes if at <= end)
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
        elif _changes(turn.asks) and at < pay:
            guess, _ = words.role_words(turn.asks.path, operation_of(turn.asks))
            if guess in ("join", "hold") and (guess not in seen or (guess == "hold" and turn.polls)):
                role = guess
                doubts[at] = f"by the words of its {'operation' if operation_of(turn.asks) else 'path'}"
        seen.add(role)
        roles.append(role)
    return _Plan(turns=turns, pay=pay, end=end, roles=roles, doubts=doubts, sure_end=bool(best))


def _changes(one: Exchange) -> bool:
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


def _names(plan: _Plan) -> list[str]:
    names: list[str] = []
    for turn, role in zip(plan.turns, plan.roles, strict=True):
        name = role if role in ("join", "hold", "pay") and role not in names else name_of(turn.asks)
        base, number = name, 2
        while name in names:
            name, number = f"{base}-{number}", number + 1
        names.append(name)
    return names


# -- one step --------------------------------------------------------------------------------------------------


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    request: dict[str, Any]
    poll: dict[str, Any] | None
    doubts: list[str]


def _requests(values: Values, at: int, turn: Turn, others: dict[str, str]) -> _Asked:
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
    return _Asked(request=request, poll=poll, doubts=doubts)


def _step(plan: _Plan, values: Values, at: int, asked: _Asked, name: str, pages: list[Exchange]) -> DraftStep:
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
    if ends:
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
    if one.method == "GET" or not _changes(one):
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


# -- the whole -------------------------------------------------------------------------------------------------


def _shared_headers(plan: _Plan, steps: list[DraftStep], *, alone: bool) -> list[Named]:
    """Accept, and the headers that most requests carry, where nobody else than the shop would get them."""
    html = sum(turn.final.is_html or turn.asks.is_document for turn in plan.turns)
    accept = "text/html,application/xhtml+xml,*/*;q=0.8" if html * 2 >= len(plan.turns) else "application/json"
    shared = [Named(name="Accept", value=accept)]
    if not alone:
        return shared
    requests = [part for step in steps for part in (step.request, step.poll.request if step.poll else {}) if part]
    seen: dict[tuple[str, str], int] = {}
    for request in requests:
        for pair in request.get("headers", {}).items():
            seen[pair] = seen.get(pair, 0) + 1
    for (name, value), count in seen.items():
        clash = any(request.get("headers", {}).get(name, value) != value for request in requests)
        if count < 3 or clash or name.lower() in ("idempotency-key",):
            continue
        shared.append(Named(name=name, value=value))
        for request in requests:
            if request.get("headers", {}).pop(name, None) is not None and not request["headers"]:
                del request["headers"]
    return shared


def _status(plan: _Plan, steps: list[DraftStep]) -> list[DraftStep]:
    """The page of the order, looked at again later: where it has an address of its own."""
    last = steps[-1]
    if last.poll is None or plan.roles[-1] != "pay" or plan.turns[-1].polls[-1].location:
        return []
    names = re.findall(r"\{(\w+)\}", str(last.poll.request.get("get", "")))
    if len(names) != 1 or names[0] in ("email", "key"):
        return []
    outcomes = [line for line in last.poll.outcomes if not line.asleep]
    return [
        DraftStep(
            name="look", role="status", only={"var": {names[0]: {"exists": True}}},
            request=dict(last.poll.request), outcomes=outcomes,
        )
    ]  # fmt: skip


_PERSONAL = frozenset("name first last street address line1 phone postcode zip city birthday company".split())


def _flat(document: Any) -> dict[str, Any]:
    return {leaf.key: leaf.value for leaf in leaves(document)}


def _checks(plan: _Plan, values: Values, steps: list[DraftStep], names: list[str]) -> list[str]:
    checks: list[str] = []
    pay = names[plan.pay]
    how = "" if plan.sure_end else " (nothing said thank you: it was the last thing sent)"
    checks.append(f"the purchase is step {pay}, the end is step {names[plan.end]}{how}")
    if values.environment:
        checks.append(f"set in the environment: {', '.join(sorted(values.environment)[:6])}")
    if not values.mint:
        checks.append("nothing of a fan's own is sent: mint an e-mail or a name, or no row can be linked to a fan")
    checks += dict.fromkeys(values.doubts)
    unsure = [
        f"step {step.name}: {line.doubt}"
        for step in steps
        for line in (*step.outcomes, *(step.poll.outcomes if step.poll else []))
        if line.doubt and not line.asleep
    ]
    checks += unsure
    if "hold" not in plan.roles:
        checks.append("no step of role hold was found: which one takes tickets off the stock?")
    checks.append(f"how the shop says sold out and declined was not seen: the commented rules of {pay}")
    typed = [
        str(name)
        for step in steps
        for name, value in {**step.request.get("form", {}), **_flat(step.request.get("json"))}.items()
        if words.words_of(str(name)) & _PERSONAL and value and "{" not in str(value)
    ]
    if typed:
        checks.append(f"as whoever recorded it typed it, the same for every fan: {', '.join(dict.fromkeys(typed))}")
    missing = [turn for turn in plan.turns if turn.final.is_html and not turn.final.reply and turn.final.status == 200]
    if len(missing) > 1:
        checks.insert(1, f"{len(missing)} pages have no body in this recording: export it with content")
    checks.append("the evidence at the end of the file is a template: without it nothing can be proved")
    return checks[:7]

"""Makes a draft target of one recorded purchase: finds the sale in it, and says what it is not sure of."""

from __future__ import annotations

import re
from typing import Any

from surgectl.drafting import words
from surgectl.drafting.buying import Plan, names_of, planned, used
from surgectl.drafting.draft import Draft, DraftStep, Named
from surgectl.drafting.exchange import Exchange
from surgectl.drafting.jsons import leaves
from surgectl.drafting.logins import shared
from surgectl.drafting.sift import host_of, sift
from surgectl.drafting.steps import requests, step_of
from surgectl.drafting.turns import fold
from surgectl.drafting.unfolded import unfolded
from surgectl.drafting.values import Values
from surgectl.errors import UsageError

_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[?::1\]?)$")


def draft_of(exchanges: tuple[Exchange, ...], where: str) -> Draft:
    """The draft of a recording. UsageError where nobody buys anything in it."""
    sifted = sift(unfolded(exchanges))
    if not sifted.kept:
        raise UsageError("shows no request to a shop", where=where, hint="record a whole purchase, with its pages")
    left = list(sifted.left_out)
    others = {origin: name for name, origin in sifted.origins.items()}
    turns, machines = shared(fold(sifted.kept), others)
    plan = planned(used(turns, left), where, left)
    values = Values(plan.turns, plan.pay, sifted.shop)
    for one in machines:
        values.environment.update(one.secrets)
        values.shared[one.token] = f"{{{one.login.name}.token}}"
    drafted = [requests(values, at, turn, others) for at, turn in enumerate(plan.turns)]
    names = names_of(plan)
    pages = [one for turn in plan.turns for one in (*turn.hops, *turn.polls) if one.is_html]
    steps = [step_of(plan, values, at, drafted[at], names[at], pages) for at in range(len(plan.turns))]
    headers = _shared_headers(plan, steps, alone=not others)
    checks = _checks(plan, values, steps, names, bare=_is_bare(exchanges))
    if (refused := sifted.refused) is not None:
        what = f"{refused.method} {refused.path} was refused ({refused.status}) in this recording"
        checks.insert(0, f"{what}: was anything bought? Record a purchase that ends well")
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
        logins=[one.login for one in machines],
        steps=steps,
        status=_status(plan, steps),
        checks=checks[:7],
        left_out=left,
        secrets=[f"{name}: {why}" for name, why in values.environment.items()],
    )


def _shared_headers(plan: Plan, steps: list[DraftStep], *, alone: bool) -> list[Named]:
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


def _status(plan: Plan, steps: list[DraftStep]) -> list[DraftStep]:
    """The page of the order, looked at again later: where it has an address of its own."""
    last = steps[-1]
    if last.poll is None or last.poll.pushed or plan.roles[-1] != "pay" or plan.turns[-1].polls[-1].location:
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


def _is_bare(exchanges: tuple[Exchange, ...]) -> bool:
    """Did a browser leave out what proves who somebody is (Chromium: "sanitized")?"""
    if not any(one.is_document for one in exchanges) or len(exchanges) < 4:
        return False
    names = {name for one in exchanges for name, _ in (*one.headers, *one.reply_headers)}
    return not names & {"cookie", "set-cookie", "authorization"} and bool(names)


def _checks(plan: Plan, values: Values, steps: list[DraftStep], names: list[str], *, bare: bool) -> list[str]:
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
    missing = [
        turn
        for turn in plan.turns
        if turn.final.status in (200, 201, 202)
        and not turn.final.reply
        and (turn.final.is_html or "json" in turn.final.reply_mime)
    ]
    if len(missing) > 1:
        what = "has no body in this recording: export it with content"
        checks.insert(1, f"what the shop answered {len(missing)} times {what}")
    if bare:
        checks.insert(1, "exported without cookies and Authorization: what came by them is missing, export with them")
    checks.append("the evidence at the end of the file is a template: without it nothing can be proved")
    return checks

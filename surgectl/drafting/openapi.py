"""Makes a draft target of what a shop's own description says: its operations, bodies, answers and keys.

OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/), as JSON or YAML, with `$ref` inside the document. A description
tells what can be asked, never in which order: the way through it is a guess by names, and is marked so.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import msgspec

from surgectl.drafting import words
from surgectl.drafting.answers import end_of, outcomes
from surgectl.drafting.described import Document, Operation, listed, operations, read
from surgectl.drafting.draft import Draft, DraftPoll, DraftStep, Line, Named
from surgectl.drafting.exchange import origin_of
from surgectl.drafting.filling import Filling
from surgectl.drafting.sift import host_of
from surgectl.drafting.values import key_literal, literal
from surgectl.errors import UsageError
from surgectl.profile.step import Role

_ORDER: tuple[Role, ...] = ("join", "hold", "pay")


def draft_of_openapi(data: bytes, where: str) -> Draft:
    """The draft of a description. UsageError where it is none, or offers nothing to buy."""
    doc = Document(read(data, where))
    offered = operations(doc)
    if not any(one.method != "get" for one in offered):
        raise UsageError(
            "describes nothing that could be bought", where=where, hint="it needs at least one POST under paths:"
        )
    chosen = _chosen(offered)
    draft = _Drafting(doc, chosen, offered)
    return draft.whole()


def _chosen(operations: list[Operation]) -> list[tuple[Operation, Role]]:
    """Look, join, hold, pay, look after it: the likeliest operation for each, by its words."""
    posts = [one for one in operations if one.method in ("post", "put") and not _is_ours(one)]
    posts = posts or [one for one in operations if one.method != "get"]
    chosen: dict[Role, Operation] = {}
    scored = {one.said: _scores(one) for one in posts}
    for role in ("pay", "hold", "join"):
        free = [one for one in posts if one not in chosen.values()]
        best = max(free, key=lambda one: scored[one.said][role], default=None)
        if best is not None and (scored[best.said][role] > 0 or role == "pay"):
            chosen[role] = best
    return [(chosen[role], role) for role in _ORDER if role in chosen]


def _is_ours(one: Operation) -> bool:
    """Something for the house: no buyer goes there."""
    return bool(
        words.words_of(f"{one.path} {one.name}")
        & set("admin webhook webhooks refund refunds cancel login auth logout".split())
    )


def _scores(one: Operation) -> dict[str, float]:
    path, name = words.words_of(re.sub(r"\{[^}]*\}", "", one.path)), words.words_of(one.name)
    both = path | name
    last = words.words_of(re.sub(r"\{[^}]*\}", "", one.path).rstrip("/").rpartition("/")[2])
    strong = {
        "join": {"queue", "line", "join", "waiting", "lobby", "waitingroom"},
        "hold": {"hold", "holds", "reserve", "reservation", "reservations", "basket", "cart", "carts", "baskets"},
        "pay": {
            "pay",
            "payment",
            "payments",
            "checkout",
            "purchase",
            "purchases",
            "buy",
            "order",
            "orders",
            "complete",
        },
    }
    return {
        role: 2.0 * len(last & known) + len(both & known) - 0.1 * one.path.count("{") for role, known in strong.items()
    }


class _Drafting:
    """What the steps of one draft share, and its doubts."""

    def __init__(self, doc: Document, chosen: list[tuple[Operation, Role]], operations: list[Operation]) -> None:
        self._doc = doc
        self._chosen = chosen
        self._operations = operations
        self._fill = Filling(doc)
        self._checks: list[str] = []

    def whole(self) -> Draft:
        said = ", ".join(f"{role} = {one.said}" for one, role in self._chosen)
        self._checks.append(f"the order of the steps was guessed by names: {said}")
        steps = [step for one, role in self._chosen for step in [self._step(one, role)]]
        base, host = self._base()
        headers = [Named(name="Accept", value="application/json"), *self._keys()]
        if self._fill.environment:
            self._checks.insert(1, f"set in the environment: {', '.join(self._fill.environment)}")
        self._checks.append("the evidence at the end of the file is a template: without it nothing can be proved")
        info = self._doc.map(self._doc.root.get("info"))
        used = {one.said for one, _ in self._chosen}
        rest = [one.said for one in self._operations if one.said not in used]
        shown = ", ".join(rest[:12]) + (f" and {len(rest) - 12} more" if len(rest) > 12 else "")
        return Draft(
            name=words.a_name(str(info.get("title") or ""), "shop").replace("_", "-"),
            about="",
            base_url=base,
            host=host,
            headers=headers,
            mint=[Named(name=name, value=text) for name, text in self._fill.mint.items()],
            steps=steps,
            checks=self._checks[:7],
            left_out=[f"operations: {shown}"] if rest else [],
            secrets=[f"{name}: {why}" for name, why in self._fill.environment.items()],
        )

    def _base(self) -> tuple[str, str]:
        servers = listed(self._doc.root.get("servers"))
        url = str(self._doc.map(servers[0]).get("url") or "") if servers else ""
        url = urljoin("http://127.0.0.1:8000/", url) if url.startswith("/") or not url else url
        if not origin_of(url) or re.search(r"[{}\s$@]", url):
            self._checks.append("the description names no usable server: set SHOP_URL")
            url = "http://127.0.0.1:8000"
        host = host_of(url)
        return f"${{SHOP_URL:-{url.rstrip('/')}}}", "" if host in ("localhost", "127.0.0.1", "::1") else host

    def _keys(self) -> list[Named]:
        """Security schemes as headers whose value only the environment knows."""
        found: list[Named] = []
        schemes = self._doc.map(self._doc.map(self._doc.root.get("components")).get("securitySchemes"))
        for name, scheme in list(schemes.items())[:4]:
            told = self._doc.map(scheme)
            variable = f"SHOP_{words.a_name(str(name)).upper()}"
            kind, how = told.get("type"), str(told.get("scheme", "")).lower()
            if kind == "apiKey" and told.get("in") == "header" and re.fullmatch(r"[\w-]{1,60}", str(told.get("name"))):
                found.append(Named(name=str(told["name"]), value=f"${{{variable}}}", doubt=f"security scheme {name}"))
            elif kind in ("oauth2", "openIdConnect") or (kind == "http" and how in ("bearer", "basic")):
                if any(one.name == "Authorization" for one in found):
                    continue
                word = "Basic" if how == "basic" else "Bearer"
                found.append(
                    Named(name="Authorization", value=f"{word} ${{{variable}}}", doubt=f"security scheme {name}")
                )
            else:
                continue
            self._fill.environment[variable] = f"the security scheme {name}"
        return found

    def _step(self, one: Operation, role: Role) -> DraftStep:
        notes: list[str] = []
        request: dict[str, Any] = {one.method: self._fill.path(one, notes)}
        query: dict[str, Any] = {}
        headers: dict[str, str] = {}
        for parameter in one.parameters:
            name, place = parameter.get("name"), parameter.get("in")
            if (
                not isinstance(name, str)
                or not name
                or not parameter.get("required")
                and not words.IDEMPOTENCY.match(name)
            ):
                continue
            if place == "query":
                query[key_literal(name)] = self._fill.value(name, parameter.get("schema"), parameter.get("example"))
            elif (
                place == "header"
                and re.fullmatch(r"[\w-]{1,60}", name)
                and name.lower() not in ("authorization", "content-type")
            ):
                value = self._fill.value(name, parameter.get("schema"), parameter.get("example"))
                headers[name] = value if isinstance(value, str) else str(value)
        if query:
            request["query"] = query
        if headers:
            request["headers"] = headers
        self._fill.body(one, request, notes)
        rules, polled = outcomes(self._doc, one, role)
        step = DraftStep(
            name=role,
            role=role,
            role_doubt=f"by the words of {one.name or one.path}",
            request=request,
            notes=notes,
            outcomes=rules,
        )
        step.take = self._takes(one, step)
        if polled:
            step.poll = self._poll(one, step, role)
            if step.poll is None:
                effect = {"end": "accepted"} if role == "pay" else {"then": "next"}
                step.outcomes = [
                    msgspec.structs.replace(line, value={"when": line.value["when"], **effect})
                    if line.value.get("then") == "poll"
                    else line
                    for line in step.outcomes
                ]
        return step

    def _takes(self, one: Operation, step: DraftStep) -> list[Named]:
        resource = words.singular(
            words.a_name(re.sub(r"\{[^}]*\}", "", one.path).rstrip("/").rpartition("/")[2], "thing")
        )
        taken: list[Named] = []
        for name in self._doc.answer(one):
            parts = words.words_of(str(name))
            if not parts & {"id", "token", "pass", "code", "number", "reference", "uuid"} or not re.fullmatch(
                r"[\w-]{1,60}", str(name)
            ):
                continue
            variable = resource if name in ("id", "uuid", "code", "number", "reference") else words.a_name(str(name))
            if variable in _OURS or variable in self._fill.mint or variable in self._fill.given:
                continue
            self._fill.given.add(variable)
            doubt = "the description does not say that the next step needs it"
            taken.append(Named(name=variable, value={"json": str(name)}, doubt=doubt))
        return taken[:8]

    def _poll(self, one: Operation, step: DraftStep, role: Role) -> DraftPoll | None:
        """The GET below the path of what was just made, if there is one."""
        base = one.path.rstrip("/")
        under = re.compile(re.escape(base) + r"/\{[^{}/]+\}(/status)?$")
        look = next((other for other in self._operations if other.method == "get" and under.match(other.path)), None)
        if look is None or not step.take:
            return None
        name = step.take[0].name
        for take in step.take:
            if take.value.get("json") == "id":
                name = take.name
        head = self._fill.path(msgspec.structs.replace(one, path=base), []) + "/{" + name + "}"
        path = head + ("/status" if look.path.endswith("/status") else "")
        done: dict[str, Any] = {"end": "confirmed"} if role == "pay" else {"then": "next"}
        answer = self._doc.answer(look)
        state = next((key for key in answer if key in words.STATE_NAMES), None)
        choices = (
            [one for one in listed(self._doc.map(answer.get(state)).get("enum")) if isinstance(one, str)]
            if state
            else []
        )
        outcomes = []
        for choice in choices[:12]:
            if re.sub(r"[^a-z]", "", choice.lower()) in words.STATES_DONE | {"admitted", "ready", "held"}:
                outcomes.append(
                    Line(value={"when": {"json": {str(state): literal(choice)}}, **done}, doubt=f"by the word {choice}")
                )
            elif (end := end_of(choice)) is not None:
                outcomes.append(
                    Line(
                        value={"when": {"json": {str(state): literal(choice)}}, "end": end},
                        doubt=f"by the word {choice}",
                    )
                )
        if not any(
            "end" in line.value and line.value["end"] == "confirmed" or "then" in line.value for line in outcomes
        ):
            path_ = str(state) if state else "state"
            outcomes.insert(
                0, Line(value={"when": {"json": {path_: "done"}}, **done}, doubt="which answer ends the waiting?")
            )
        return DraftPoll(request={"get": path}, outcomes=outcomes)


_OURS = frozenset("run intent fan attempt tab qty uuid url sale setup key email".split())

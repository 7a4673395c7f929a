"""Makes a draft target of what a shop's own description says: its operations, bodies, answers and keys.

OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/) and Swagger 2.0, as JSON or YAML. A description
tells what can be asked, never in which order: the way through it is a guess by names, and is marked so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import msgspec

from surgectl.drafting import words
from surgectl.drafting.answers import end_of, outcomes
from surgectl.drafting.described import Document, Operation, listed, operations, read
from surgectl.drafting.draft import Draft, DraftPoll, DraftStep, Line, Named
from surgectl.drafting.exchange import origin_of
from surgectl.drafting.filling import Filling
from surgectl.drafting.literal import key_literal, literal
from surgectl.drafting.offered import journey_of
from surgectl.drafting.security import Security, security_of
from surgectl.drafting.sift import host_of
from surgectl.drafting.swagger import server_of
from surgectl.errors import UsageError
from surgectl.profile.step import Role

_ORDER: tuple[Role, ...] = ("join", "hold", "pay")


def draft_of_openapi(data: bytes, where: str, beside: Path | None = None) -> Draft:
    """The draft of a description. UsageError where it is none, or offers nothing to buy.

    `beside`: the folder in which the files lie that it refers to.
    """
    doc = Document(read(data, where), beside)
    offered = operations(doc)
    if not any(one.method != "get" for one in offered):
        hint = "it needs at least one POST under paths:"
        if doc.map(doc.root.get("webhooks")):
            hint += "; webhooks are what the shop sends"
        raise UsageError("describes nothing that could be bought", where=where, hint=hint)
    draft = _Drafting(doc, journey_of(doc, offered), offered)
    return draft.whole()


class _Drafting:
    """What the steps of one draft share, and its doubts."""

    def __init__(self, doc: Document, chosen: list[tuple[Operation, Role]], operations: list[Operation]) -> None:
        self._doc = doc
        self._chosen = chosen
        self._operations = operations
        self._fill = Filling(doc)
        self._checks: list[str] = []
        self._origins: dict[str, str] = {}
        self._gate = Security()
        self._names: set[str] = set()

    def whole(self) -> Draft:
        said = ", ".join(f"{role} = {one.said}" for one, role in self._chosen)
        self._checks.append(f"the order of the steps was guessed by names: {said}")
        base, host = self._base()
        self._gate = security_of(self._doc, [one for one, _ in self._chosen], base)
        self._origins.update(self._gate.origins)
        steps = [self._step(one, role) for one, role in self._chosen]
        self._fill.environment.update(self._gate.environment)
        if self._fill.environment:
            self._checks.insert(1, f"set in the environment: {', '.join(self._fill.environment)}")
        if self._doc.lost:
            self._checks.append(f"references that lead nowhere: {', '.join([*self._doc.lost][:4])}")
        self._checks.append("the evidence at the end of the file is a template: without it nothing can be proved")
        info = self._doc.map(self._doc.root.get("info"))
        used = {one.said for one, _ in self._chosen}
        rest = [one.said for one in self._operations if one.said not in used]
        shown = ", ".join(rest[:12]) + (f" and {len(rest) - 12} more" if len(rest) > 12 else "")
        return Draft(
            name=words.a_name(str(info.get("title") or ""), "shop").replace("_", "-"),
            about="",
            base_url=f"${{SHOP_URL:-{base}}}",
            host=host,
            origins=self._origins,
            headers=[Named(name="Accept", value="application/json"), *self._gate.headers],
            mint=[Named(name=name, value=text) for name, text in self._fill.mint.items()],
            logins=self._gate.logins,
            steps=steps,
            checks=self._checks[:7],
            left_out=[f"operations: {shown}"] if rest else [],
            secrets=[f"{name}: {why}" for name, why in self._fill.environment.items()],
        )

    def _base(self) -> tuple[str, str]:
        """The first server's address, and its host where that is not this machine."""
        url = server_of(self._doc.root) if self._doc.old else self._address(listed(self._doc.root.get("servers")))
        url = urljoin("http://127.0.0.1:8000/", url) if url.startswith("/") or not url else url
        if not origin_of(url) or re.search(r"[{}\s$@]", url):
            self._checks.append("the description names no usable server: set SHOP_URL")
            url = "http://127.0.0.1:8000"
        host = host_of(url)
        return url.rstrip("/"), "" if host in ("localhost", "127.0.0.1", "::1") else host

    def _address(self, servers: list[Any]) -> str:
        """Of the first server, its variables filled with what they are by default."""
        told = self._doc.map(servers[0]) if servers else {}
        given = self._doc.map(told.get("variables"))

        def fill(match: re.Match[str]) -> str:
            variable = self._doc.map(given.get(match[1]))
            first = variable.get("default", next(iter(listed(variable.get("enum"))), ""))
            return str(first) if isinstance(first, str | int | float) else ""

        return re.sub(r"\{([^{}]*)\}", fill, str(told.get("url") or ""))

    def _elsewhere(self, one: Operation) -> str | None:
        """The origin of an operation that says that it has another server than the rest."""
        url = self._address(one.servers) if one.servers else ""
        if not origin_of(url) or re.search(r"[{}\s$@]", url):
            return None
        known = next((name for name, there in self._origins.items() if there == url.rstrip("/")), None)
        if known is None:
            parts = host_of(url).split(".")
            known = re.sub(r"[^A-Za-z0-9-]", "-", parts[-2] if len(parts) > 1 else "other").strip("-") or "other"
            while known in self._origins:
                known += "-2"
            self._origins[known] = url.rstrip("/")
        return known

    def _step(self, one: Operation, role: Role) -> DraftStep:
        notes: list[str] = []
        request: dict[str, Any] = {one.method: self._fill.path(one, notes)}
        if (origin := self._elsewhere(one)) is not None:
            request["origin"] = origin
        query: dict[str, Any] = {key_literal(name): value for name, value in self._gate.query.items()}
        headers: dict[str, str] = {}
        for parameter in one.parameters:
            name, place = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or not name:
                continue
            if not parameter.get("required") and not words.IDEMPOTENCY.match(name):
                continue
            if place == "query":
                query[key_literal(name)] = self._fill.given_to(name, parameter)
            elif place == "header" and re.fullmatch(r"[\w-]{1,60}", name):
                if name.lower() not in ("authorization", "content-type", "accept", "cookie"):
                    value = self._fill.given_to(name, parameter)
                    headers[name] = value if isinstance(value, str) else str(value)
        if query:
            request["query"] = query
        if headers:
            request["headers"] = headers
        self._fill.body(one, request, notes)
        rules, polled = outcomes(self._doc, one, role)
        step = DraftStep(
            name=self._named(one, role),
            role=role,
            role_doubt=f"by the words of {one.name or one.path}" if role != "browse" else "",
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

    def _named(self, one: Operation, role: Role) -> str:
        bare = re.sub(r"\{[^}]*\}", "", one.path).rstrip("/").rpartition("/")[2]
        name = role if role != "browse" else words.a_name(words.singular(bare), "step").replace("_", "-")
        base, number = name, 2
        while name in self._names or (role == "browse" and name in _ORDER):
            name, number = f"{base}-{number}", number + 1
        self._names.add(name)
        return name

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
        state = next((key for key in answer if words.is_state(str(key))), None)
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

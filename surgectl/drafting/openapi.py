"""Makes a draft target of what a shop's own description says: its operations, bodies, answers and keys.

OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/), as JSON or YAML, with `$ref` inside the document. A description
tells what can be asked, never in which order: the way through it is a guess by names, and is marked so.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urljoin

import msgspec
import yaml

from surgectl.drafting import words
from surgectl.drafting.draft import Draft, DraftPoll, DraftStep, Line, Named
from surgectl.drafting.exchange import origin_of, whole
from surgectl.drafting.sift import host_of
from surgectl.drafting.values import key_literal, literal
from surgectl.errors import UsageError
from surgectl.profile.target import Role
from surgectl.text import tamed

MOST_BYTES = 16 * 1024 * 1024
_METHODS = ("get", "post", "put", "patch", "delete")
_DEEPEST = 8
_ORDER: tuple[Role, ...] = ("join", "hold", "pay")


class _Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked."""

    method: str
    path: str
    name: str
    about: dict[str, Any]
    parameters: list[dict[str, Any]]

    @property
    def said(self) -> str:
        return f"{self.method.upper()} {self.path}"


class _Document:
    """The description, with its references resolved on the way."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root

    def map(self, value: object) -> dict[str, Any]:
        """A mapping, behind at most eight local references; empty for anything else."""
        for _ in range(_DEEPEST):
            if not isinstance(value, dict):
                return {}
            ref = value.get("$ref")
            if not isinstance(ref, str):
                return value
            value = self._look(ref)
        return {}

    def _look(self, ref: str) -> object:
        if not ref.startswith("#/"):
            return {}
        at: object = self.root
        for part in ref[2:].split("/"):
            if not isinstance(at, dict):
                return {}
            at = at.get(part.replace("~1", "/").replace("~0", "~"))
        return at


def draft_of_openapi(data: bytes, where: str) -> Draft:
    """The draft of a description. UsageError where it is none, or offers nothing to buy."""
    doc = _Document(_read(data, where))
    operations = _operations(doc)
    if not any(one.method != "get" for one in operations):
        raise UsageError(
            "describes nothing that could be bought", where=where, hint="it needs at least one POST under paths:"
        )
    chosen = _chosen(operations)
    draft = _Drafting(doc, chosen, operations)
    return draft.whole()


def _read(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise UsageError(f"is larger than {MOST_BYTES // 1024 // 1024} MiB", where=where)
    try:
        text = data.decode("utf-8-sig")
        root = json.loads(text) if text.lstrip()[:1] == "{" else yaml.load(text, Loader=_NoAliases)
        root = tamed(root, whole)
    except UnicodeDecodeError as error:
        raise UsageError("is not UTF-8 text", where=where) from error
    except json.JSONDecodeError as error:
        raise UsageError(f"is not JSON: {error.msg}", where=f"{where}:{error.lineno}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"is not YAML: {error.problem}", where=f"{where}:{line}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UsageError("is neither JSON nor YAML that can be read", where=where) from error
    version = root.get("openapi") if isinstance(root, dict) else None
    if not re.match(r"3\.[01]", str(version)):
        hint = "convert it to OpenAPI 3" if isinstance(root, dict) and "swagger" in root else "openapi: 3.0 or 3.1"
        raise UsageError("is not an OpenAPI 3.0 or 3.1 document", where=where, hint=hint)
    assert isinstance(root, dict)
    return root


class _NoAliases(yaml.SafeLoader):
    """Aliases can multiply a small file into a huge one; a description has `$ref` for that."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it bare
            raise yaml.MarkedYAMLError(problem="an alias (*name): write it out, or use $ref", problem_mark=mark)
        return super().compose_node(parent, index)


def _operations(doc: _Document) -> list[_Operation]:
    found: list[_Operation] = []
    for path, item in doc.map(doc.root.get("paths")).items():
        each = doc.map(item)
        for method in _METHODS:
            about = doc.map(each.get(method))
            if not about or not isinstance(path, str) or not path.startswith("/"):
                continue
            shared = [*_list(each.get("parameters")), *_list(about.get("parameters"))]
            name = about.get("operationId")
            found.append(
                _Operation(
                    method=method,
                    path=path,
                    name=name if isinstance(name, str) else "",
                    about=about,
                    parameters=[doc.map(parameter) for parameter in shared],
                )
            )
    return found


def _chosen(operations: list[_Operation]) -> list[tuple[_Operation, Role]]:
    """Look, join, hold, pay, look after it: the likeliest operation for each, by its words."""
    posts = [one for one in operations if one.method in ("post", "put") and not _is_ours(one)]
    posts = posts or [one for one in operations if one.method != "get"]
    chosen: dict[Role, _Operation] = {}
    scored = {one.said: _scores(one) for one in posts}
    for role in ("pay", "hold", "join"):
        free = [one for one in posts if one not in chosen.values()]
        best = max(free, key=lambda one: scored[one.said][role], default=None)
        if best is not None and (scored[best.said][role] > 0 or role == "pay"):
            chosen[role] = best
    return [(chosen[role], role) for role in _ORDER if role in chosen]


def _is_ours(one: _Operation) -> bool:
    """Something for the house: no buyer goes there."""
    return bool(
        words.words_of(f"{one.path} {one.name}")
        & set("admin webhook webhooks refund refunds cancel login auth logout".split())
    )


def _scores(one: _Operation) -> dict[str, float]:
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
    """What the steps of one draft share: names of variables, mints, doubts."""

    def __init__(self, doc: _Document, chosen: list[tuple[_Operation, Role]], operations: list[_Operation]) -> None:
        self._doc = doc
        self._chosen = chosen
        self._operations = operations
        self._mint: dict[str, str] = {"email": "fan-{run}-{intent}@example.org"}
        self._environment: dict[str, str] = {}
        self._given: dict[str, DraftStep] = {}
        """Variable → the step that takes it."""
        self._checks: list[str] = []

    def whole(self) -> Draft:
        said = ", ".join(f"{role} = {one.said}" for one, role in self._chosen)
        self._checks.append(f"the order of the steps was guessed by names: {said}")
        steps = [step for one, role in self._chosen for step in [self._step(one, role)]]
        base, host = self._base()
        headers = [Named(name="Accept", value="application/json"), *self._keys()]
        if self._environment:
            self._checks.insert(1, f"set in the environment: {', '.join(self._environment)}")
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
            mint=[Named(name=name, value=text) for name, text in self._mint.items()],
            steps=steps,
            checks=self._checks[:7],
            left_out=[f"operations: {shown}"] if rest else [],
            secrets=[f"{name}: {why}" for name, why in self._environment.items()],
        )

    def _base(self) -> tuple[str, str]:
        servers = _list(self._doc.root.get("servers"))
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
            self._environment[variable] = f"the security scheme {name}"
        return found

    def _step(self, one: _Operation, role: Role) -> DraftStep:
        notes: list[str] = []
        request: dict[str, Any] = {one.method: self._path(one, notes)}
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
                query[key_literal(name)] = self._value(name, parameter.get("schema"), parameter.get("example"))
            elif (
                place == "header"
                and re.fullmatch(r"[\w-]{1,60}", name)
                and name.lower() not in ("authorization", "content-type")
            ):
                value = self._value(name, parameter.get("schema"), parameter.get("example"))
                headers[name] = value if isinstance(value, str) else str(value)
        if query:
            request["query"] = query
        if headers:
            request["headers"] = headers
        self._body(one, request, notes)
        outcomes, polled = self._outcomes(one, role)
        step = DraftStep(
            name=role,
            role=role,
            role_doubt=f"by the words of {one.name or one.path}",
            request=request,
            notes=notes,
            outcomes=outcomes,
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

    def _path(self, one: _Operation, notes: list[str]) -> str:
        def fill(match: re.Match[str]) -> str:
            name = words.a_name(match[1], "id")
            known = self._known(name, one.path[: match.start()])
            if known is not None:
                return "{" + known + "}"
            variable = f"SHOP_{name.upper()}"
            self._environment.setdefault(variable, f"{{{match[1]}}} of {one.path}")
            notes.append(f"? {{{match[1]}}}: no earlier step gives it; {variable} stands in")
            return f"${{{variable}}}"

        return re.sub(r"\{([^{}]*)\}", fill, one.path.replace("${", "{"))

    def _known(self, name: str, before: str = "") -> str | None:
        """A variable that an earlier step takes and that this name means."""
        root = (
            words.singular(words.a_name(re.sub(r"\{[^}]*\}", "", before).rstrip("/").rpartition("/")[2], ""))
            if before
            else ""
        )
        stem = re.sub(r"_?(id|token|code|number|uuid|ref)$", "", name)
        for wanted in (name, stem, root):
            if wanted and wanted in self._given:
                return wanted
        return None

    def _body(self, one: _Operation, request: dict[str, Any], notes: list[str]) -> None:
        content = self._doc.map(self._doc.map(one.about.get("requestBody")).get("content"))
        for mime, told in content.items():
            media = self._doc.map(told)
            if "json" in str(mime):
                example = self._example(media)
                request["json"] = (
                    self._filled(example) if example is not None else self._made("", media.get("schema"), 0)
                )
                return
            if mime == "application/x-www-form-urlencoded":
                made = self._made("", media.get("schema"), 0)
                request["form"] = made if isinstance(made, dict) else {}
                return
        if content:
            notes.append(f"? it wants {', '.join(map(str, list(content)[:3]))}: write its body by hand")

    def _example(self, media: dict[str, Any]) -> Any:
        if media.get("example") is not None:
            return media["example"]
        for told in self._doc.map(media.get("examples")).values():
            if (value := self._doc.map(told).get("value")) is not None:
                return value
        schema = self._doc.map(media.get("schema"))
        return schema.get("example")

    def _filled(self, value: Any, name: str = "", depth: int = 0) -> Any:
        if depth > _DEEPEST:
            return None
        if isinstance(value, dict):
            return {
                literal(str(key)): self._filled(item, str(key), depth + 1) for key, item in list(value.items())[:60]
            }
        if isinstance(value, list):
            return [self._filled(item, name, depth + 1) for item in value[:10]]
        return self._value(name, {}, value)

    def _made(self, name: str, schema: object, depth: int) -> Any:
        """A value of this schema: what it needs, its own example first."""
        told = self._doc.map(schema)
        for part in ("allOf", "oneOf", "anyOf"):
            inner = [self._doc.map(one) for one in _list(told.get(part))]
            if inner and part == "allOf":
                merged: dict[str, Any] = {"properties": {}, "required": []}
                for one in (*inner, told):
                    merged["properties"].update(self._doc.map(one.get("properties")))
                    merged["required"] += _list(one.get("required"))
                told = {**merged, "type": "object"}
            elif inner and "properties" not in told:
                told = inner[0]
        kind = told.get("type")
        kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
        if depth <= _DEEPEST and (kind == "object" or "properties" in told):
            wanted = _list(told.get("required"))
            given = self._doc.map(told.get("properties"))
            every = {key: item for key, item in given.items() if key in wanted} or given
            every = {
                **every,
                **{key: item for key, item in given.items() if words.words_of(str(key)) & {"email", "mail"}},
            }
            return {
                key_literal(str(key)): self._made(str(key), item, depth + 1) for key, item in list(every.items())[:60]
            }
        if depth <= _DEEPEST and kind == "array":
            return [self._made(words.singular(name), told.get("items"), depth + 1)]
        return self._value(name, told, told.get("example"))

    def _value(self, name: str, schema: object, example: Any) -> Any:
        """One scalar: a variable where its name says so, else its example, default, first choice, or a plain guess."""
        told = self._doc.map(schema)
        asked = words.a_name(name, "value")
        if told.get("format") == "email" or words.words_of(name) & {"email", "mail"}:
            return "{email}"
        if words.IDEMPOTENCY.match(name):
            self._mint.setdefault("key", "{uuid}")
            return "{key}"
        if words.QTY.match(name):
            return "{qty}"
        known = self._known(asked)
        if known is not None:
            return "{" + known + "}"
        if words.CARDS.search(name) or words.SECRETS.search(name) or told.get("format") == "password":
            variable = f"SHOP_{asked.upper()}"
            self._environment[variable] = f"{name}: a secret is not written into a file"
            return f"${{{variable}}}"
        for value in (
            example,
            told.get("const"),
            told.get("default"),
            *_list(told.get("enum"))[:1],
            *_list(told.get("examples"))[:1],
        ):
            if isinstance(value, str):
                return literal(value) if not words.EMAIL.fullmatch(value) else "{email}"
            if isinstance(value, bool | int | float):
                return value
        if told.get("format") == "uuid":
            return "{uuid}"
        kind = told.get("type")
        if kind in ("integer", "number"):
            low = told.get("minimum")
            return low if isinstance(low, int) and abs(low) < 10**12 else 1
        if kind == "boolean":
            return True
        return "Fan {intent}" if "name" in words.words_of(name) else "?"

    def _outcomes(self, one: _Operation, role: Role) -> tuple[list[Line], bool]:
        """Rules from the documented answers, and whether one of them means: ask again."""
        good: list[Line] = []
        bad: list[Line] = []
        polled = False
        for status, told in self._doc.map(one.about.get("responses")).items():
            code = str(status)
            about = self._doc.map(told)
            if re.fullmatch(r"2\d\d|2[xX]{2}", code):
                pending = code == "202"
                polled |= pending
                effect = {"then": "poll"} if pending else {"end": "confirmed"} if role == "pay" else {"then": "next"}
                when = {"status": int(code) if code.isdigit() else "2xx"}
                doubt = "does this answer say that the tickets are sold?" if role == "pay" and not pending else ""
                good.append(Line(value={"when": when, **effect}, doubt=doubt))
            elif re.fullmatch(r"[45]\d\d", code):
                bad += self._refusals(int(code), about)
        if not good:
            effect = {"end": "confirmed"} if role == "pay" else {"then": "next"}
            good.append(Line(value={"when": {"status": "2xx"}, **effect}, doubt="no success is documented"))
        return [*good, *bad], polled

    def _refusals(self, status: int, about: dict[str, Any]) -> list[Line]:
        """The error codes that an answer documents, each with the end that its words mean."""
        said = str(about.get("description") or "")
        lines: list[Line] = []
        for path, code in self._codes(about):
            end = _end_of(f"{code} ")
            if end is not None:
                when = {"status": status, "json": {path: code}}
                lines.append(Line(value={"when": when, "end": end}, doubt=f"by the word {code}"))
        if lines:
            return lines
        if status in (429, 503):
            shed = {"when": {"status": status}, "then": "shed", "hint": {"header": "Retry-After"}}
            return [Line(value=shed, asleep=True, doubt="only if such a refusal means: nothing was done")]
        end = _end_of(said) or {402: "declined", 410: "gone"}.get(status)
        if end is not None:
            return [Line(value={"when": {"status": status}, "end": end}, doubt=f"documented as: {said[:80] or status}")]
        if status in (400, 401, 403, 404, 405, 406, 415) or status >= 500:
            return []
        value = {"when": {"status": status}, "end": "refused"}
        return [Line(value=value, asleep=True, doubt=f"documented as: {said[:80] or status}")]

    def _codes(self, about: dict[str, Any]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for mime, told in self._doc.map(about.get("content")).items():
            if "json" not in str(mime):
                continue
            media = self._doc.map(told)
            values = [
                self._example(media),
                *(self._doc.map(one).get("value") for one in self._doc.map(media.get("examples")).values()),
            ]
            for value in values:
                for name in ("code", "error", "errorCode", "error_code", "type", "reason"):
                    if isinstance(value, dict) and isinstance(value.get(name), str) and len(value[name]) <= 80:
                        found.append((name, literal(value[name])))
                        break
            for name, inner in self._doc.map(self._doc.map(media.get("schema")).get("properties")).items():
                if name in ("code", "error", "errorCode", "error_code", "reason"):
                    enum = _list(self._doc.map(inner).get("enum"))
                    found += [(name, literal(one)) for one in enum if isinstance(one, str) and len(one) <= 80]
        return list(dict.fromkeys(found))[:12]

    def _answer(self, one: _Operation) -> dict[str, Any]:
        """The properties of the first documented success."""
        for status, told in self._doc.map(one.about.get("responses")).items():
            if str(status).startswith("2"):
                for mime, media in self._doc.map(self._doc.map(told).get("content")).items():
                    if "json" in str(mime):
                        schema = self._doc.map(self._doc.map(media).get("schema"))
                        given = dict(self._doc.map(schema.get("properties")))
                        for part in _list(schema.get("allOf")):
                            given.update(self._doc.map(self._doc.map(part).get("properties")))
                        example = self._example(self._doc.map(media))
                        return given or (example if isinstance(example, dict) else {})
        return {}

    def _takes(self, one: _Operation, step: DraftStep) -> list[Named]:
        resource = words.singular(
            words.a_name(re.sub(r"\{[^}]*\}", "", one.path).rstrip("/").rpartition("/")[2], "thing")
        )
        taken: list[Named] = []
        for name in self._answer(one):
            parts = words.words_of(str(name))
            if not parts & {"id", "token", "pass", "code", "number", "reference", "uuid"} or not re.fullmatch(
                r"[\w-]{1,60}", str(name)
            ):
                continue
            variable = resource if name in ("id", "uuid", "code", "number", "reference") else words.a_name(str(name))
            if variable in _OURS or variable in self._mint or variable in self._given:
                continue
            self._given[variable] = step
            doubt = "the description does not say that the next step needs it"
            taken.append(Named(name=variable, value={"json": str(name)}, doubt=doubt))
        return taken[:8]

    def _poll(self, one: _Operation, step: DraftStep, role: Role) -> DraftPoll | None:
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
        head = self._path(msgspec.structs.replace(one, path=base), []) + "/{" + name + "}"
        path = head + ("/status" if look.path.endswith("/status") else "")
        done: dict[str, Any] = {"end": "confirmed"} if role == "pay" else {"then": "next"}
        answer = self._answer(look)
        state = next((key for key in answer if key in words.STATE_NAMES), None)
        choices = (
            [one for one in _list(self._doc.map(answer.get(state)).get("enum")) if isinstance(one, str)]
            if state
            else []
        )
        outcomes = []
        for choice in choices[:12]:
            if re.sub(r"[^a-z]", "", choice.lower()) in words.STATES_DONE | {"admitted", "ready", "held"}:
                outcomes.append(
                    Line(value={"when": {"json": {str(state): literal(choice)}}, **done}, doubt=f"by the word {choice}")
                )
            elif (end := _end_of(choice)) is not None:
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


def _end_of(said: str) -> str | None:
    """sold out → sold-out; card declined → declined …"""
    parts = words.words_of(said)
    if parts & {"sold", "soldout", "stock", "unavailable", "exhausted"}:
        return "sold-out"
    if parts & {"declined", "card", "funds", "refused"} or {"payment", "failed"} <= parts or parts == {"failed"}:
        return "declined"
    if parts & {"limit", "exceeded", "maximum"}:
        return "limit"
    if parts & {"expired", "gone", "lapsed"}:
        return "gone"
    return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

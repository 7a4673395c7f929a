"""Fills what an operation wants: with what a fan has, what a step gave, what the environment knows, or a guess."""

from __future__ import annotations

import re
from typing import Any

from surgectl.drafting import words
from surgectl.drafting.described import DEEPEST, Document, Operation, is_json, listed
from surgectl.drafting.literal import key_literal, literal
from surgectl.drafting.parts import BOUNDARY, parts_of

NOTHING = object()
"""In place of a value that cannot be made: of a schema that holds itself."""
_MOST_VALUES = 400


class Filling:
    """What the steps of one draft share: names of variables, mints, secrets."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.mint: dict[str, str] = {"email": "fan-{run}-{intent}@example.org"}
        self.environment: dict[str, str] = {}
        """Variable of the environment → why."""
        self.given: set[str] = set()
        """Variables that an earlier step takes."""
        self._left = _MOST_VALUES

    def path(self, one: Operation, notes: list[str]) -> str:
        """The path with what is known in its blanks; what nobody gives comes from the environment."""

        def fill(match: re.Match[str]) -> str:
            name = words.a_name(match[1], "id")
            known = self.known(name, one.path[: match.start()])
            if known is not None:
                return "{" + known + "}"
            variable = f"SHOP_{name.upper()}"
            self.environment.setdefault(variable, f"{{{match[1]}}} of {one.path}")
            notes.append(f"? {{{match[1]}}}: no earlier step gives it; {variable} stands in")
            return f"${{{variable}}}"

        return re.sub(r"\{([^{}]*)\}", fill, one.path.replace("${", "{"))

    def known(self, name: str, before: str = "") -> str | None:
        """A variable that an earlier step takes and that this name means."""
        root = (
            words.singular(words.a_name(re.sub(r"\{[^}]*\}", "", before).rstrip("/").rpartition("/")[2], ""))
            if before
            else ""
        )
        stem = re.sub(r"_?(id|token|code|number|uuid|ref)$", "", name)
        for wanted in (name, stem, root):
            if wanted and wanted in self.given:
                return wanted
        return None

    def body(self, one: Operation, request: dict[str, Any], notes: list[str]) -> None:
        """The body that it wants, put into the request: JSON, else a form, else a form with parts."""
        content = self.doc.map(self.doc.map(one.about.get("requestBody")).get("content"))
        self._left = _MOST_VALUES
        forms = ("application/x-www-form-urlencoded", "multipart/form-data")
        wanted = [mime for mime in content if is_json(mime)] + [mime for mime in forms if mime in content]
        if not wanted:
            if content:
                notes.append(f"? it wants {', '.join(map(str, list(content)[:3]))}: write its body by hand")
            return
        mime, media = wanted[0], self.doc.map(content[wanted[0]])
        example = self.doc.example(media)
        made = self._filled(example) if example is not None else self._made("", media.get("schema"), 0, ())
        if is_json(mime):
            if made is not NOTHING:
                request["json"] = made
            return
        fields = made if isinstance(made, dict) else {}
        flat = {name: item for name, item in fields.items() if not isinstance(item, dict)}
        if len(flat) < len(fields):
            notes.append(
                f"? a field that holds an object was left out: {', '.join(sorted(set(fields) - set(flat))[:4])}"
            )
        if mime == forms[0]:
            request["form"] = flat
            return
        notes.append("? a form with parts (multipart/form-data): the fields stand in its body, files are left out")
        request.setdefault("headers", {})["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        request["body"] = parts_of([(name, "" if item is None else str(item)) for name, item in flat.items()])

    def _filled(self, value: Any, name: str = "", depth: int = 0) -> Any:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            return None
        if isinstance(value, dict):
            return {
                key_literal(str(key)): self._filled(item, str(key), depth + 1) for key, item in list(value.items())[:60]
            }
        if isinstance(value, list | tuple):
            return [self._filled(item, name, depth + 1) for item in list(value)[:10]]
        return self.value(name, {}, value)

    def _made(self, name: str, schema: object, depth: int, within: tuple[str, ...]) -> Any:
        """A value of this schema: what it needs, its own example first. NOTHING where it would hold itself."""
        ref = schema.get("$ref") if isinstance(schema, dict) else None
        self._left -= 1
        if (isinstance(ref, str) and ref in within) or depth > DEEPEST or self._left < 0:
            return NOTHING
        within = (*within, ref) if isinstance(ref, str) else within
        told = self.doc.flat(schema)
        kind = kind_of(told)
        example = self.doc.example({"schema": told})
        if isinstance(example, dict | list) and kind in ("object", "array", None):
            return self._filled(example, name, depth)
        if kind == "object" or "properties" in told:
            made: dict[str, Any] = {}
            for key, item in self._wanted(told).items():
                inner = self._made(str(key), item, depth + 1, within)
                if inner is not NOTHING:
                    made[key_literal(str(key))] = inner
            return made
        if kind == "array":
            inner = self._made(words.singular(name), told.get("items"), depth + 1, within)
            return [] if inner is NOTHING else [inner]
        return self.value(name, told, told.get("example"))

    def _wanted(self, told: dict[str, Any]) -> dict[str, Any]:
        """The properties that must be sent, else all; beside them what a fan or an earlier step has to say."""
        given = {
            key: item for key, item in self.doc.map(told.get("properties")).items()
            if self.doc.map(item).get("readOnly") is not True
        }  # fmt: skip
        required = [one for one in listed(told.get("required")) if isinstance(one, str)]
        every = {key: item for key, item in given.items() if key in required} or given
        more = {key: item for key, item in given.items() if words.words_of(str(key)) & {"email", "mail"}}
        known = {key: item for key, item in given.items() if self.known(words.a_name(str(key), "value")) is not None}
        return dict(list({**every, **more, **known}.items())[:60])

    def given_to(self, name: str, parameter: dict[str, Any]) -> Any:
        """What stands in a query or a header."""
        schema = self.doc.flat(parameter.get("schema"))
        example = self.doc.example({**parameter, "schema": schema})
        if isinstance(example, list | dict):
            example = next(iter(example), None) if isinstance(example, list) else None
        if kind_of(schema) == "array":
            schema = self.doc.flat(schema.get("items"))
        return self.value(name, schema, example)

    def value(self, name: str, schema: object, example: Any) -> Any:
        """One scalar: a variable where its name says so, else its example, default, first choice, or a plain guess."""
        told = self.doc.map(schema)
        asked = words.a_name(name, "value")
        if told.get("format") == "email" or words.words_of(name) & {"email", "mail"}:
            return "{email}"
        if words.IDEMPOTENCY.match(name):
            self.mint.setdefault("key", "{uuid}")
            return "{key}"
        if words.QTY.match(name):
            return "{qty}"
        known = self.known(asked)
        if known is not None:
            return "{" + known + "}"
        if words.CARDS.search(name) or words.SECRETS.search(name) or told.get("format") == "password":
            variable = f"SHOP_{asked.upper()}"
            self.environment[variable] = f"{name}: a secret is not written into a file"
            return f"${{{variable}}}"
        for value in (
            example,
            told.get("const"),
            told.get("default"),
            *listed(told.get("enum"))[:1],
            *listed(told.get("examples"))[:1],
        ):
            if isinstance(value, str):
                return literal(value) if not words.EMAIL.fullmatch(value) else "{email}"
            if isinstance(value, bool | int | float):
                return value
        if told.get("format") == "uuid":
            return "{uuid}"
        kind = kind_of(told)
        if kind in ("integer", "number"):
            low = told.get("minimum")
            return low if isinstance(low, int) and abs(low) < 10**12 else 1
        if kind == "boolean":
            return True
        form = str(told.get("format"))
        if form in _OF_A_FORMAT:
            return _OF_A_FORMAT[form]
        return "Fan {intent}" if "name" in words.words_of(name) else "?"


_OF_A_FORMAT = {
    "date": "2030-01-01",
    "date-time": "2030-01-01T12:00:00Z",
    "uri": "https://example.org/",
    "ipv4": "192.0.2.1",
}


def kind_of(told: dict[str, Any]) -> str | None:
    """The type of a schema; of several (OpenAPI 3.1) the first that is not null."""
    kind = told.get("type")
    kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
    return kind if isinstance(kind, str) else None

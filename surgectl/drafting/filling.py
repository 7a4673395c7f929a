"""Fills what an operation wants: with what a fan has, what a step gave, what the environment knows, or a guess."""

from __future__ import annotations

import re
from typing import Any

from surgectl.drafting import words
from surgectl.drafting.described import DEEPEST, Document, Operation, listed
from surgectl.drafting.values import key_literal, literal


class Filling:
    """What the steps of one draft share: names of variables, mints, secrets."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.mint: dict[str, str] = {"email": "fan-{run}-{intent}@example.org"}
        self.environment: dict[str, str] = {}
        """Variable of the environment → why."""
        self.given: set[str] = set()
        """Variables that an earlier step takes."""

    def path(self, one: Operation, notes: list[str]) -> str:
        """The path with what is known in its blanks; what nobody gives comes from the environment."""

        def fill(match: re.Match[str]) -> str:
            name = words.a_name(match[1], "id")
            known = self._known(name, one.path[: match.start()])
            if known is not None:
                return "{" + known + "}"
            variable = f"SHOP_{name.upper()}"
            self.environment.setdefault(variable, f"{{{match[1]}}} of {one.path}")
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
            if wanted and wanted in self.given:
                return wanted
        return None

    def body(self, one: Operation, request: dict[str, Any], notes: list[str]) -> None:
        """The body that it wants, put into the request."""
        content = self.doc.map(self.doc.map(one.about.get("requestBody")).get("content"))
        for mime, told in content.items():
            media = self.doc.map(told)
            if "json" in str(mime):
                example = self.doc.example(media)
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

    def _filled(self, value: Any, name: str = "", depth: int = 0) -> Any:
        if depth > DEEPEST:
            return None
        if isinstance(value, dict):
            return {
                literal(str(key)): self._filled(item, str(key), depth + 1) for key, item in list(value.items())[:60]
            }
        if isinstance(value, list):
            return [self._filled(item, name, depth + 1) for item in value[:10]]
        return self.value(name, {}, value)

    def _made(self, name: str, schema: object, depth: int) -> Any:
        """A value of this schema: what it needs, its own example first."""
        told = self.doc.map(schema)
        for part in ("allOf", "oneOf", "anyOf"):
            inner = [self.doc.map(one) for one in listed(told.get(part))]
            if inner and part == "allOf":
                merged: dict[str, Any] = {"properties": {}, "required": []}
                for one in (*inner, told):
                    merged["properties"].update(self.doc.map(one.get("properties")))
                    merged["required"] += listed(one.get("required"))
                told = {**merged, "type": "object"}
            elif inner and "properties" not in told:
                told = inner[0]
        kind = told.get("type")
        kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
        if depth <= DEEPEST and (kind == "object" or "properties" in told):
            wanted = listed(told.get("required"))
            given = self.doc.map(told.get("properties"))
            every = {key: item for key, item in given.items() if key in wanted} or given
            every = {
                **every,
                **{key: item for key, item in given.items() if words.words_of(str(key)) & {"email", "mail"}},
            }
            return {
                key_literal(str(key)): self._made(str(key), item, depth + 1) for key, item in list(every.items())[:60]
            }
        if depth <= DEEPEST and kind == "array":
            return [self._made(words.singular(name), told.get("items"), depth + 1)]
        return self.value(name, told, told.get("example"))

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
        known = self._known(asked)
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
        kind = told.get("type")
        if kind in ("integer", "number"):
            low = told.get("minimum")
            return low if isinstance(low, int) and abs(low) < 10**12 else 1
        if kind == "boolean":
            return True
        return "Fan {intent}" if "name" in words.words_of(name) else "?"

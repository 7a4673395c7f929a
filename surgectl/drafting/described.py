"""What a shop's own description says: which operations there are, what they want, and what they answer.

OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/) and Swagger 2.0, as JSON or YAML, with `$ref` inside the document
and to files beside it. What stands at an address on the web is not fetched.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from surgectl.drafting.legible import parsed
from surgectl.drafting.swagger import modern
from surgectl.errors import UsageError

MOST_BYTES = 16 * 1024 * 1024
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 8
"""Levels of references and of bodies that are followed."""
_MOST_FILES = 100
_MOST_PARTS = 64


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked."""

    method: str
    path: str
    name: str
    about: dict[str, Any]
    parameters: list[dict[str, Any]]
    servers: list[Any] = []
    """Its own or its path's, where they are not the document's."""

    @property
    def said(self) -> str:
        return f"{self.method.upper()} {self.path}"


class Document:
    """The description, with its references resolved on the way."""

    def __init__(self, root: dict[str, Any], beside: Path | None = None) -> None:
        self.root = root
        self.old = "swagger" in root
        """Swagger 2.0."""
        self.lost: dict[str, None] = {}
        """References that lead nowhere, or where nobody may look."""
        self._beside = beside
        self._files: dict[str, Any] = {}

    def map(self, value: object) -> dict[str, Any]:
        """A mapping, behind at most eight references; empty for anything else.

        What stands beside a `$ref` counts on top of what it names (JSON Schema 2020-12 §8.2.3.1).
        """
        over: dict[str, Any] = {}
        for _ in range(DEEPEST):
            if not isinstance(value, dict):
                return {}
            ref = value.get("$ref")
            if not isinstance(ref, str):
                return {**value, **over} if over else value
            over = {**{key: item for key, item in value.items() if key != "$ref"}, **over}
            value = self._look(ref)
        return {}

    def _look(self, ref: str) -> object:
        place, mark, pointer = ref.partition("#")
        at: object = self.root if not place else self._file(place)
        for part in pointer.split("/")[1:_MOST_PARTS] if mark else ():
            part = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(at, list) and part.isdecimal() and int(part[:9]) < len(at):
                at = at[int(part[:9])]
            elif isinstance(at, dict) and (part in at or (part.isdecimal() and int(part[:9]) in at)):
                at = at[part] if part in at else at[int(part[:9])]
            else:
                at = None
                break
        if at is None and len(self.lost) < 50:
            self.lost[ref[:120]] = None
        return at

    def _file(self, place: str) -> object:
        """Another file of the description, at most two folders up. Its own references are made absolute."""
        name = posixpath.normpath(unquote(place))
        if name in self._files or self._beside is None or len(self._files) >= _MOST_FILES:
            return self._files.get(name)
        self._files[name] = None
        if "://" in place or name.startswith(("/", "../../../")) or "\\" in name or "\0" in name:
            return None
        try:
            with (self._beside / name).open("rb") as source:
                data = source.read(MOST_BYTES + 1)
            found = parsed(data, name) if len(data) <= MOST_BYTES else None
        except (OSError, ValueError, UsageError):
            return None
        self._files[name] = _moved(found, name)
        return self._files[name]

    def flat(self, schema: object, depth: int = 0) -> dict[str, Any]:
        """A schema with its parts put together: all of allOf, the first that is something of oneOf and anyOf."""
        told = self.map(schema)
        if depth > DEEPEST:
            return told
        parts = [self.flat(part, depth + 1) for part in listed(told.get("allOf"))[:20]]
        for word in ("oneOf", "anyOf"):
            either = [self.map(part) for part in listed(told.get(word))[:20]]
            some = [part for part in either if part.get("type") != "null" and part]
            parts += [self.flat(part, depth + 1) for part in some[:1]]
        if not parts:
            return told
        out: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        required: list[Any] = []
        for part in (*parts, told):
            out.update({key: item for key, item in part.items() if key not in ("allOf", "oneOf", "anyOf")})
            properties.update(self.map(part.get("properties")))
            required += listed(part.get("required"))
        return {**out, **({"properties": properties} if properties else {}), "required": required}

    def example(self, media: dict[str, Any]) -> Any:
        """The value that it shows: its own, the first of several, or its schema's."""
        if media.get("example") is not None:
            return media["example"]
        for told in self.map(media.get("examples")).values():
            if (value := self.map(told).get("value")) is not None:
                return value
        schema = self.map(media.get("schema"))
        if schema.get("example") is not None:
            return schema["example"]
        return next((one for one in listed(schema.get("examples")) if one is not None), None)

    def answer(self, one: Operation) -> dict[str, Any]:
        """The properties of the first documented success."""
        for status, told in self.map(one.about.get("responses")).items():
            if str(status).startswith("2"):
                for mime, media in self.map(self.map(told).get("content")).items():
                    if is_json(mime):
                        given = self.map(self.flat(self.map(media).get("schema")).get("properties"))
                        example = self.example(self.map(media))
                        return given or (example if isinstance(example, dict) else {})
        return {}


def _moved(found: Any, name: str) -> Any:
    """The content of another file, its references as seen from the description's own folder."""
    folder = posixpath.dirname(name)
    stack, seen = [found], set[int]()
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            ref = item.get("$ref")
            if isinstance(ref, str):
                place, mark, pointer = ref.partition("#")
                there = place if "://" in place else posixpath.join(folder, place) if place else name
                item["$ref"] = there + mark + pointer
            stack += item.values()
        elif isinstance(item, list):
            stack += item
    return found


def read(data: bytes, where: str) -> dict[str, Any]:
    """The description. UsageError where it is none that can be read."""
    if len(data) > MOST_BYTES:
        raise UsageError(f"is larger than {MOST_BYTES // 1024 // 1024} MiB", where=where)
    root = parsed(data, where)
    new = str(root.get("openapi") or "") if isinstance(root, dict) else ""
    old = str(root.get("swagger") or "") if isinstance(root, dict) else ""
    if not isinstance(root, dict) or not (re.match(r"3\.\d", new) or old.startswith("2")):
        hint = "it begins with openapi: 3.0.3, openapi: 3.1.0 or swagger: '2.0'"
        if isinstance(root, dict) and "asyncapi" in root:
            hint = "AsyncAPI describes messages: record a purchase instead (--from-har)"
        elif isinstance(root, dict) and ("__schema" in root or "data" in root):
            hint = "for GraphQL record a purchase instead (--from-har)"
        raise UsageError("is not an OpenAPI document", where=where, hint=hint)
    return root


def operations(doc: Document) -> list[Operation]:
    """All that can be asked, in the document's order."""
    found: list[Operation] = []
    for path, item in doc.map(doc.root.get("paths")).items():
        each = doc.map(item)
        for method in METHODS:
            about = doc.map(each.get(method))
            if not about or not isinstance(path, str) or not path.startswith("/"):
                continue
            shared = [*listed(each.get("parameters")), *listed(about.get("parameters"))]
            parameters = [doc.map(parameter) for parameter in shared[:200]]
            if doc.old:
                about, parameters = modern(doc.root, about, parameters, doc.map)
            name = about.get("operationId")
            found.append(
                Operation(
                    method=method,
                    path=path,
                    name=name if isinstance(name, str) else "",
                    about=about,
                    parameters=parameters,
                    servers=listed(about.get("servers")) or listed(each.get("servers")),
                )
            )
    return found


def is_json(mime: object) -> bool:
    """`application/json`, `application/vnd.shop+json`, and what stands for any type."""
    return "json" in str(mime) or mime in ("*/*", "application/*")


def listed(value: object) -> list[Any]:
    """The list itself; anything else is none."""
    return value if isinstance(value, list) else []

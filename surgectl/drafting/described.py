"""What a shop's own description says: which operations there are, what they want, and what they answer.

OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/), as JSON or YAML, with `$ref` inside the document.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import yaml

from surgectl.drafting.exchange import whole
from surgectl.errors import UsageError
from surgectl.text import tamed

MOST_BYTES = 16 * 1024 * 1024
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 8
"""Levels of references and of bodies that are followed."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked."""

    method: str
    path: str
    name: str
    about: dict[str, Any]
    parameters: list[dict[str, Any]]

    @property
    def said(self) -> str:
        return f"{self.method.upper()} {self.path}"


class Document:
    """The description, with its references resolved on the way."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root

    def map(self, value: object) -> dict[str, Any]:
        """A mapping, behind at most eight local references; empty for anything else."""
        for _ in range(DEEPEST):
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

    def example(self, media: dict[str, Any]) -> Any:
        """The value that it shows: its own, the first of several, or its schema's."""
        if media.get("example") is not None:
            return media["example"]
        for told in self.map(media.get("examples")).values():
            if (value := self.map(told).get("value")) is not None:
                return value
        schema = self.map(media.get("schema"))
        return schema.get("example")

    def answer(self, one: Operation) -> dict[str, Any]:
        """The properties of the first documented success."""
        for status, told in self.map(one.about.get("responses")).items():
            if str(status).startswith("2"):
                for mime, media in self.map(self.map(told).get("content")).items():
                    if "json" in str(mime):
                        schema = self.map(self.map(media).get("schema"))
                        given = dict(self.map(schema.get("properties")))
                        for part in listed(schema.get("allOf")):
                            given.update(self.map(self.map(part).get("properties")))
                        example = self.example(self.map(media))
                        return given or (example if isinstance(example, dict) else {})
        return {}


def read(data: bytes, where: str) -> dict[str, Any]:
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


def operations(doc: Document) -> list[Operation]:
    found: list[Operation] = []
    for path, item in doc.map(doc.root.get("paths")).items():
        each = doc.map(item)
        for method in METHODS:
            about = doc.map(each.get(method))
            if not about or not isinstance(path, str) or not path.startswith("/"):
                continue
            shared = [*listed(each.get("parameters")), *listed(about.get("parameters"))]
            name = about.get("operationId")
            found.append(
                Operation(
                    method=method,
                    path=path,
                    name=name if isinstance(name, str) else "",
                    about=about,
                    parameters=[doc.map(parameter) for parameter in shared],
                )
            )
    return found


def listed(value: object) -> list[Any]:
    """The list itself; anything else is none."""
    return value if isinstance(value, list) else []

"""Tell an editor what may be written: JSON Schema for profiles, targets and retry profiles, made from the structs.

Draft 2020-12 (json-schema.org). Descriptions are the structs' own docstrings. For a YAML language server, write
`# yaml-language-server: $schema=profile.schema.json` at a file's top.
"""

from __future__ import annotations

import ast
import functools
import inspect as python_inspect
import textwrap
from typing import Any

import msgspec
from msgspec import inspect

from surgectl.errors import UsageError, did_you_mean
from surgectl.profile import words
from surgectl.profile.brownouts import NAMES as BROWNOUTS
from surgectl.profile.readiness import Readiness
from surgectl.profile.reading import EXAMPLES, NOUNS
from surgectl.profile.rehearsal import Expect, Fault, InvariantsExpected, Rehearsal
from surgectl.profile.retry import RetryProfile
from surgectl.profile.target import Target
from surgectl.profile.values import Duration, Money, Rate, Share

Schema = dict[str, Any]
"""A JSON Schema is free-form JSON by nature."""

KINDS: dict[str, type[msgspec.Struct]] = {
    "profile": Rehearsal,
    "readiness": Readiness,
    "target": Target,
    "fan": RetryProfile,
}

_NUMBER = r"\d+(\.\d+)?"
_PATTERNS: dict[type, str] = {
    Duration: rf"^\s*({_NUMBER}\s*(us|ms|s|m|h)\s*)+$",
    Rate: rf"^\s*{_NUMBER}\s*/\s*(s|m|h)\s*$",
    Share: rf"^\s*{_NUMBER}\s*%\s*$",
    Money: rf"^\s*{_NUMBER}\s*[A-Z]{{3}}\s*$",
}
_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"

# What the types alone do not say.
_SHARPER: dict[tuple[type, str], Schema] = {
    (Rehearsal, "surgectl"): {"const": 1},
    (Readiness, "surgectl"): {"const": 1},
    (Target, "surgectl-target"): {"const": 1},
    (Fault, "brownout"): {"enum": [*BROWNOUTS, None]},
    (Expect, "coverage"): {"propertyNames": {"enum": list(words.COVERAGE)}},
    (InvariantsExpected, "require"): {"items": {"enum": [*words.GROUPS, *words.INVARIANTS]}},
    (RetryProfile, "patience"): {"propertyNames": {"enum": list(words.ROLES)}},
    (RetryProfile, "react"): {"propertyNames": {"enum": list(words.ROLES)}},
}


def schema(kind: str) -> Schema:
    """The schema of `profile`, `readiness`, `target` or `fan`. Raises UsageError for another word."""
    if kind not in KINDS:
        raise UsageError(f'no such schema: "{kind}"', hint=did_you_mean(kind, KINDS) or f"one of {', '.join(KINDS)}")
    shape = KINDS[kind]
    definitions: dict[str, Schema] = {}
    root = _type(inspect.type_info(shape), definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"surgectl:{kind}/1",
        "title": f"surgectl {kind}",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _type(type_: inspect.Type, definitions: dict[str, Schema]) -> Schema:
    match type_:
        case inspect.UnionType(types=types):
            return _union([_type(option, definitions) for option in types])
        case inspect.StructType(cls=cls):
            if cls.__name__ not in definitions:
                definitions[cls.__name__] = {}  # a struct may contain itself (a wizard's steps)
                definitions[cls.__name__] = _struct(type_, definitions)
            return {"$ref": f"#/$defs/{cls.__name__}"}
        case inspect.CustomType(cls=cls):
            example = EXAMPLES[cls]
            pattern = f"{_PATTERNS[cls]}|{_VARIABLE}"
            noun = NOUNS[cls].partition(" ")[2].capitalize()
            return {"type": "string", "pattern": pattern, "description": f"{noun}, such as {example}."}
        case inspect.ListType(item_type=item):
            return {"type": "array", "items": _type(item, definitions)}
        case inspect.DictType(key_type=key, value_type=value):
            whole = {"propertyNames": {"pattern": r"^\d+$"}} if isinstance(key, inspect.IntType) else {}
            return {"type": "object", "additionalProperties": _type(value, definitions), **whole}
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case inspect.IntType():
            return {"type": "integer"}
        case inspect.FloatType():
            return {"type": "number"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.NoneType():
            return {"type": "null"}
        case inspect.StrType():
            # The loader takes a bare number as text, so the editor should not complain of one.
            return {"type": ["string", "number"]}
        case _:
            return {}


def _union(options: list[Schema]) -> Schema:
    if {} in options:
        return {}
    return options[0] if len(options) == 1 else {"anyOf": options}


def _struct(type_: inspect.StructType, definitions: dict[str, Schema]) -> Schema:
    told = field_descriptions(type_.cls)
    properties: dict[str, Schema] = {}
    for field in type_.fields:
        made = {**_type(field.type, definitions), **_SHARPER.get((type_.cls, field.encode_name), {})}
        if field.name in told:
            made["description"] = told[field.name]
        default = _default(field)
        if default is not msgspec.UNSET:
            made["default"] = default
        properties[field.encode_name] = made
    whole: Schema = {
        "type": "object",
        "description": " ".join((type_.cls.__doc__ or "").split()),
        "properties": properties,
        "additionalProperties": False,
    }
    required = [field.encode_name for field in type_.fields if field.required]
    return {**whole, "required": required} if required else whole


def _default(field: inspect.Field) -> Any:
    """A default as it would be written; structs and empty things say nothing useful."""
    if isinstance(field.default, Duration | Rate | Share | Money):
        return str(field.default)
    if isinstance(field.default, str | int | float) and field.default != "":
        return field.default
    return msgspec.UNSET


@functools.cache
def field_descriptions(cls: type) -> dict[str, str]:
    """The docstrings below a struct's fields, those of its bases too: Python keeps them only in the source."""
    told: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not issubclass(base, msgspec.Struct) or base is msgspec.Struct:
            continue
        tree = ast.parse(textwrap.dedent(python_inspect.getsource(base))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for statement, below in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                told[statement.target.id] = " ".join(below.value.value.split())
    return told

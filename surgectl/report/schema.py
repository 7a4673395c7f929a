"""Tell other people's tools what stands in report.json: its JSON Schema, made from the structs that write it.

Draft 2020-12 (json-schema.org), as msgspec makes it; descriptions are the structs' own docstrings. It is published as
docs/report.schema.json. A report of a later version has more members, never fewer, so none is forbidden.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl import gate
from surgectl.profile.schema import field_descriptions
from surgectl.report.summary import SCHEMA, Summary

Schema = dict[str, Any]
"""A JSON Schema is free-form JSON by nature."""


def schema() -> Schema:
    """The schema of report.json (`surgectl.report/1`)."""
    made = msgspec.json.schema(Summary)
    definitions: dict[str, Schema] = made["$defs"]
    for cls in _structs(Summary):
        described = definitions[cls.__name__]
        described.pop("title", None)
        for name, text in field_descriptions(cls).items():
            described["properties"][name]["description"] = text
    whole = definitions[Summary.__name__]["properties"]
    whole["schema"] = {"const": SCHEMA, "description": "The contract: members are only ever added to it."}
    whole["exit_code"] |= {
        "enum": sorted(gate.MEANING),
        "description": "; ".join(f"{code} {meaning}" for code, meaning in sorted(gate.MEANING.items())),
    }
    definitions[Summary.__name__]["required"].insert(0, "schema")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"surgectl:{SCHEMA.removeprefix('surgectl.')}",
        "title": SCHEMA,
        "$ref": made["$ref"],
        "$defs": dict(sorted(definitions.items())),
    }


def render() -> bytes:
    """docs/report.schema.json."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2) + b"\n"


def _structs(cls: type, found: list[type] | None = None) -> list[type]:
    """A struct and every struct in its fields, each once."""
    found = [] if found is None else found
    if isinstance(cls, type) and issubclass(cls, msgspec.Struct):
        if cls not in found:
            found.append(cls)
            for field in msgspec.structs.fields(cls):
                _structs(field.type, found)
    else:
        for inner in getattr(cls, "__args__", ()):
            _structs(inner, found)
    return found

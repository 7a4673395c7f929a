"""Every value that counts, and who said so: a default, the profile, the target, the environment or a flag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from surgectl.plan.model import Setting
from surgectl.profile.load import OpenRehearsal, OpenTarget
from surgectl.profile.lookup import shown
from surgectl.profile.node import Node, Place, find, join
from surgectl.profile.values import Duration

_NOT_SHOWN = {"about", "surgectl", "promises", "stage"}  # the last two are shown where they land: in the target
_OF_TARGET = ("name", "base_url", "origins", "allow", "timeout", "cookies", "links", "promises", "stage")


def settings(opened: OpenRehearsal, target: OpenTarget | None, seed: int) -> tuple[Setting, ...]:
    """The effective values in reading order; what came from outside is redacted."""
    found: list[Setting] = []
    profile = shown(opened.file)

    def note(path: str, value: object, tree: Node, at: str, own: str) -> None:
        node = find(tree, at)
        text = _text(value)
        for secrets in [opened.secrets, *([target.secrets] if target else [])]:
            text = secrets.redact(text)
        found.append(Setting(path=path, value=text, origin=_origin(node.place if node else None, profile, own)))

    for field in msgspec.structs.fields(opened.rehearsal):
        if field.encode_name in _NOT_SHOWN:
            continue
        value = getattr(opened.rehearsal, field.name)
        if field.encode_name == "seed":
            value = seed
        for path, leaf in _leaves(value, field.encode_name):
            note(path, leaf, opened.tree, path, "profile")
    if target is not None:
        for name in _OF_TARGET:
            for path, leaf in _leaves(getattr(target.target, name), name):
                note(join("target", path), leaf, target.tree, path, "target")
    return tuple(found)


def _origin(place: Place | None, profile: str, own: str) -> str:
    if place is None:
        return "default"
    if place.line:
        return f"{'profile' if place.source == profile else own}:{place.line}"
    return f"flag {place.source}" if place.source.startswith("--") else f"environment {place.source}"


def _leaves(value: Any, path: str, within: bool = False) -> Iterator[tuple[str, object]]:
    """Every single value below a struct. What nobody stated inside a list (a phase, a fault) is left out."""
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            yield from _leaves(getattr(value, field.name), join(path, field.encode_name), within)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, join(path, str(key)), within)
    elif isinstance(value, list) and value and isinstance(value[0], msgspec.Struct):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]", True)
    elif (
        value is not None and value != [] and not (within and (value == "" or (type(value) is float and value == 1.0)))
    ):
        yield path, value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Duration) and value == 0:
        return "0s"
    if isinstance(value, list):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    return str(value)

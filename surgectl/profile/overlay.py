"""What is laid over a profile from outside: the environment's SURGECTL_*, then flags and `--set`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.profile import yaml
from surgectl.profile.kind import mapping
from surgectl.profile.node import Fields, Node, Place, Scalar, with_value
from surgectl.profile.rehearsal import Rehearsal

_FROM_ENVIRONMENT = ("sale", "settle", "probe", "generator", "expect", "promises", "stage")


def with_settings(tree: Fields, environ: Mapping[str, str], flags: Mapping[str, str]) -> Fields:
    """SURGECTL_SEED, SURGECTL_TARGET and SURGECTL_SETTLE__AT_MOST-like variables, then flags."""
    over: list[tuple[str, str, str]] = []
    for name, text in sorted(environ.items()):
        path = name.removeprefix("SURGECTL_").lower().replace("__", ".")
        if name in ("SURGECTL_SEED", "SURGECTL_TARGET") or (
            name.startswith("SURGECTL_") and "." in path and path.partition(".")[0] in _FROM_ENVIRONMENT
        ):
            over.append((path, text, name))
    for path, text in flags.items():
        over.append((path, text, f"--{path}" if path in ("seed", "target") else f"--set {path}"))
    for path, text, origin in over:
        value = yaml.parse(text, origin) or Scalar("", Place(origin))
        tree = mapping(with_value(tree, path, _moved(value, Place(origin))), origin)
    return tree


def _moved(node: Node, place: Place) -> Node:
    """A value of a flag has no line: all of it stands at the flag."""
    if isinstance(node, Scalar):
        return Scalar(node.text, place, node.plain)
    if isinstance(node, Fields):
        return Fields(
            {
                key: msgspec.structs.replace(f, value=_moved(f.value, place), place=place)
                for key, f in node.fields.items()
            },
            place,
        )
    return msgspec.structs.replace(node, items=tuple(_moved(item, place) for item in node.items), place=place)


def split_sets(pairs: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """`--set` texts → (settings of the profile by path, variables of the target).

    `settle.at_most=90s` or `seed=7` names a key of the profile; anything else, such as `SHOP_URL=…`, is a variable.
    """
    settings: dict[str, str] = {}
    variables: dict[str, str] = {}
    words = {field.encode_name for field in msgspec.structs.fields(Rehearsal)}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"--set {pair}: is not NAME=VALUE", hint="try --set settle.at_most=90s")
        head = re.split(r"[.\[]", key)[0]
        if head in words:
            settings[key] = value
        elif head != key:
            raise UsageError(f'--set {pair}: a profile has no "{head}"', hint=did_you_mean(head, words))
        else:
            variables[key] = value
    return settings, variables

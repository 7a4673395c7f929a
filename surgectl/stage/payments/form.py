"""Reads what a shop posted: `metadata[order]=17` and JSON alike become one tree of text.

Lists are trees too, keyed "0", "1", … (`a[]=x` takes the next free number), so that every endpoint reads one shape.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias, Union
from urllib.parse import parse_qsl

import msgspec

from surgectl.stage.payments.refusal import bad_request, missing

Tree: TypeAlias = dict[str, Union[str, "Tree"]]

_DEPTH = 8  # deeper than any real request; a guard against a[a][a][a]… bombs


def read_form(text: str) -> Tree:
    """Form-encoded nested parameters (docs.stripe.com/api: `a[b]=c`, `a[0]=c`, `a[]=c`). Refusal 400 on a clash."""
    tree: Tree = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if "[" not in name:
            tree[name] = value
            continue
        head, *rest = name.split("[")
        if len(rest) > _DEPTH:
            raise bad_request("Invalid request: parameters are nested too deeply.", param=head)
        at = tree
        step = head
        for part in rest:
            inner = at.setdefault(step, {})
            if isinstance(inner, str):
                raise bad_request(f"Invalid hash: {head} is both a value and a hash.", param=head)
            at, step = inner, part.removesuffix("]") or str(len(inner))
        at[step] = value
    return tree


def read_json(body: bytes) -> Tree:
    """A JSON object, its numbers and booleans as the text a form would have carried. Refusal 400 on anything else."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise bad_request(f"Invalid JSON in the request body: {error}.") from error
    if not isinstance(value, dict):
        raise bad_request("The request body must be a JSON object.")
    tree = _as_tree(value, 0)
    assert isinstance(tree, dict)
    return tree


def _as_tree(value: object, depth: int) -> str | Tree:
    if depth > _DEPTH:
        raise bad_request("Invalid request: parameters are nested too deeply.")
    if isinstance(value, dict):
        return {str(name): _as_tree(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return {str(at): _as_tree(inner, depth + 1) for at, inner in enumerate(value)}
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def fingerprint(path: str, tree: Tree) -> str:
    """16 hex digits that are equal for equal endpoint and parameters, whatever their order or encoding."""
    digest = hashlib.blake2b(path.encode(), digest_size=8)
    digest.update(repr(_sorted(tree)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _sorted(tree: Tree) -> list[tuple[str, object]]:
    return sorted((name, value if isinstance(value, str) else _sorted(value)) for name, value in tree.items())


def text(tree: Tree, name: str) -> str | None:
    """A parameter's text, or None where it was not sent or sent empty."""
    value = tree.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, dict):
        raise bad_request(f"Invalid string: {name} is a hash.", param=name)
    return value


def whole(tree: Tree, name: str, *, least: int, most: int) -> int | None:
    """A whole number within [least, most], or None where it was not sent."""
    value = text(tree, name)
    if value is None:
        return None
    if not value.lstrip("-").isascii() or not value.lstrip("-").isdigit() or len(value) > 15:
        raise bad_request(f"Invalid integer: {value[:40]}", param=name, code="parameter_invalid_integer")
    number = int(value)
    if number < least:
        raise bad_request(
            f"This value must be greater than or equal to {least}.", param=name, code="parameter_invalid_integer"
        )
    if number > most:
        raise bad_request(
            f"This value must be less than or equal to {most}.", param=name, code="parameter_invalid_integer"
        )
    return number


def needed_whole(tree: Tree, name: str, *, least: int, most: int) -> int:
    number = whole(tree, name, least=least, most=most)
    if number is None:
        raise missing(name)
    return number


def flag(tree: Tree, name: str) -> bool:
    """true or false; false where it was not sent."""
    value = text(tree, name)
    if value is None or value == "false":
        return False
    if value == "true":
        return True
    raise bad_request(f"Invalid boolean: {value[:40]}", param=name)


def chosen(tree: Tree, name: str, choices: tuple[str, ...]) -> str | None:
    value = text(tree, name)
    if value is not None and value not in choices:
        raise bad_request(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
    return value


def branch(tree: Tree, name: str) -> Tree:
    """A nested hash, empty where it was not sent."""
    value = tree.get(name)
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        raise bad_request(f"Invalid hash: {name}", param=name)
    return value


def listed(tree: Tree, name: str) -> list[str]:
    """A list of texts (`expand[]=…`); a single bare value counts as a list of one."""
    value = tree.get(name)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    return [item for item in value.values() if isinstance(item, str)]


def metadata(tree: Tree) -> dict[str, str]:
    """The shop's own notes, stored verbatim (docs.stripe.com/api/metadata: 50 keys, names ≤ 40, values ≤ 500)."""
    given = branch(tree, "metadata")
    if not given:
        return {}
    if len(given) > 50:
        raise bad_request("Metadata can have at most 50 keys.", param="metadata")
    notes: dict[str, str] = {}
    for name, value in given.items():
        if not isinstance(value, str):
            raise bad_request("Metadata values must be strings.", param=f"metadata[{name}]")
        if len(name) > 40 or len(value) > 500:
            raise bad_request(
                "Metadata keys can be up to 40 characters long, values up to 500.", param=f"metadata[{name}]"
            )
        notes[name] = value
    return notes

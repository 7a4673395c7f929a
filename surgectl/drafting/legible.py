"""Reads JSON and YAML that strangers wrote: quickly, without surprises, and never larger than it looks.

YAML as OpenAPI wants it (OAS 3.1 §4.3: the JSON schema of YAML 1.2): NO is a country, 12:30 a text. Aliases are
understood; what they unfold to is counted first, for a small file can unfold into a huge one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from surgectl.drafting.exchange import whole
from surgectl.errors import UsageError
from surgectl.text import tamed

_MOST_NODES = 500_000
_DEEPEST = 120
_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc]  # libyaml's where PyYAML was built with it
    """Scalars as JSON has them, and keys that are merged in (`<<`)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:null|~|)\Z"), ["n", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false|True|False)\Z"), list("tfTF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"-?(?:0|[1-9][0-9]{0,40})\Z"), list("-0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?|[eE][-+][0-9]{1,3})\Z"),
    list("-0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<\Z"), ["<"])


def parsed(data: bytes, where: str) -> Any:
    """The document. UsageError, with the line where it is known, for what is neither JSON nor YAML."""
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeError as error:
        raise UsageError("is not UTF-8 text", where=where) from error
    try:
        root = json.loads(text) if text.lstrip()[:1] == "{" and _is_json(text) else _yaml(text)
        return tamed(root, whole)
    except json.JSONDecodeError as error:
        raise UsageError(f"is not JSON: {error.msg}", where=f"{where}:{error.lineno}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"is not YAML: {error.problem}", where=f"{where}:{line}") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("is neither JSON nor YAML that can be read", where=where) from error


def _is_json(text: str) -> bool:
    """YAML may begin with a brace, too; JSON's first name is quoted."""
    return re.match(r"\s*\{\s*(\"|\}|$)", text) is not None


def _yaml(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem="nested too deep", problem_mark=mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _counted(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _counted(root: yaml.Node) -> None:
    """Refuse what holds itself, and what unfolds to more than half a million values."""
    sizes: dict[int, int] = {}
    stack: list[tuple[yaml.Node, bool]] = [(root, False)]
    open_: set[int] = set()
    while stack:
        node, done = stack.pop()
        if done:
            open_.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(one)] for one in _inside(node))
            if sizes[id(node)] > _MOST_NODES:
                raise yaml.MarkedYAMLError(problem="its aliases unfold to far too much", problem_mark=node.start_mark)
        elif id(node) in open_:
            raise yaml.MarkedYAMLError(problem="an alias (*name) of what holds it", problem_mark=node.start_mark)
        elif id(node) not in sizes:
            open_.add(id(node))
            stack.append((node, True))
            stack += [(one, False) for one in _inside(node) if id(one) not in sizes]


def _inside(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []

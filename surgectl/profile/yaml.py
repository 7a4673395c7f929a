"""Read a YAML file without surprises: `no` is a word, a time of day is text, and no key may stand twice.

The parser is PyYAML's; what the plain words mean follows the core schema of YAML 1.2.2 (§10.3.2), narrowed: numbers
with leading zeros, other bases, dates, `.inf` and `1:30` stay text. Tags are refused; anchors work within bounds.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import yaml as pyyaml

from surgectl.profile.node import BadFile, Field, Fields, Issue, Items, Node, Place, Scalar

LARGEST_BYTES = 512 * 1024
MOST_NODES = 20_000
DEEPEST = 64

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


def meaning(scalar: Scalar) -> str | int | float | bool | None:
    """What an unquoted value is: nothing, true/false, a number, or text. Quoted text is text."""
    text = scalar.text
    if not scalar.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= 32:  # longer ones are no numbers a profile needs
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            return number if math.isfinite(number) else text
    return text


class _Loader(pyyaml.BaseLoader):
    """Composes nodes only (BaseLoader gives no plain word a meaning) and counts how deep it is."""

    depth = 0

    def compose_node(self, parent: pyyaml.Node | None, index: int) -> pyyaml.Node | None:
        self.depth += 1
        if self.depth > DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it bare
            raise pyyaml.MarkedYAMLError(problem=f"nested more than {DEEPEST} deep", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Tree:
    """Turns composed nodes into our own, with bounds: an alias costs what it stands for."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes = 0
        self.open: set[int] = set()
        self.issues: list[Issue] = []

    def _place(self, node: pyyaml.Node) -> Place:
        return Place(self.source, node.start_mark.line + 1)

    def grow(self, node: pyyaml.Node, path: str) -> Node:
        place = self._place(node)
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise BadFile([Issue(place, "", f"more than {MOST_NODES} values", "do aliases multiply one another?")])
        if id(node) in self.open:
            raise BadFile([Issue(place, path, "contains itself through an alias")])
        if not node.tag.startswith("tag:yaml.org,2002:") or (node.tag != f"tag:yaml.org,2002:{_KIND[type(node)]}"):
            self.issues.append(Issue(place, path, "a tag (!…) has no meaning here", "write the plain value"))
        if isinstance(node, pyyaml.ScalarNode):
            return Scalar(node.value, place, node.style is None)
        self.open.add(id(node))
        grown: Node
        if isinstance(node, pyyaml.SequenceNode):
            grown = Items(tuple(self.grow(item, f"{path}[{n}]") for n, item in enumerate(node.value)), place)
        else:
            grown = self._mapping(node, path, place)
        self.open.discard(id(node))
        return grown

    def _mapping(self, node: pyyaml.Node, path: str, place: Place) -> Fields:
        fields: dict[str, Field] = {}
        for key, value in node.value:
            at = self._place(key)
            if not isinstance(key, pyyaml.ScalarNode):
                self.issues.append(Issue(at, path, "a key must be one word, not a list or a mapping"))
                continue
            inner = f"{path}.{key.value}" if path else key.value
            grown = self.grow(value, inner)
            if key.value in fields:
                first = fields[key.value].place.line
                self.issues.append(Issue(at, inner, f"this key stands twice (first on line {first})"))
                continue
            fields[key.value] = Field(grown, at)
        return Fields(fields, place)


_KIND = {pyyaml.ScalarNode: "str", pyyaml.SequenceNode: "seq", pyyaml.MappingNode: "map"}


def parse(text: str, source: str) -> Node | None:
    """One YAML document as a tree with lines; None for an empty one.

    Raises BadFile for anything that is not one plain YAML document within the bounds above.
    """
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except RecursionError as error:
        raise BadFile([Issue(Place(source), "", "nested too deep")]) from error
    except pyyaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadFile([Issue(Place(source, line), "", "holds a character that YAML forbids")]) from error
    except pyyaml.MarkedYAMLError as error:
        raise BadFile([_syntax(error, source)]) from error
    finally:
        if loader is not None:
            loader.dispose()
    if root is None:
        return None
    tree = _Tree(source)
    grown = tree.grow(root, "")
    if tree.issues:
        raise BadFile(tree.issues)
    return grown


def _syntax(error: pyyaml.MarkedYAMLError, source: str) -> Issue:
    """PyYAML's complaint in one line."""
    mark = error.problem_mark or error.context_mark
    place = Place(source, mark.line + 1) if mark else Place(source)
    problem = str(error.problem or "not YAML")
    if "document" in str(error.context or "") + problem:
        return Issue(place, "", "a second document begins here", "one file holds one profile; remove the ---")
    if "\\t" in problem or "'\t'" in problem:
        return Issue(place, "", "a tab cannot indent YAML", "use spaces")
    during = f" {error.context}" if error.context else ""
    return Issue(place, "", f"not YAML:{during} {problem}" if during else f"not YAML: {problem}")


def read(path: Path, source: str) -> Node:
    """The tree of a file. `source` is its name in messages.

    Raises BadFile where the file is missing, a directory, too large, not UTF-8, empty or not plain YAML.
    """

    def bad(what: str, hint: str | None = None, line: int = 0) -> BadFile:
        return BadFile([Issue(Place(source, line), "", what, hint)])

    try:
        if path.is_dir():
            raise bad("is a directory", "name the .yaml file in it")
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise bad("no such file") from error
    except OSError as error:
        raise bad(f"cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST_BYTES:
        raise bad(f"is larger than {LARGEST_BYTES // 1024} KiB", "is this the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise bad(f"is not UTF-8 text (byte 0x{data[error.start]:02x})", "save it as UTF-8", line) from error
    node = parse(text, source)
    if node is None or (isinstance(node, Scalar) and meaning(node) is None):
        raise bad("is empty")
    return node

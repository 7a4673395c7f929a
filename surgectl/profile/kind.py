"""What kind of file is this: a rehearsal, a list of them, a target or a retry profile, and in which format."""

from __future__ import annotations

import re
from pathlib import Path

from surgectl.errors import did_you_mean
from surgectl.profile import lookup, yaml
from surgectl.profile.node import BadFile, Fields, Issue, Node, Place, Scalar

FORMAT = 1
"""The newest `surgectl:` and `surgectl-target:` this version reads."""


def kind_of(file: Path) -> str:
    """`profile`, `readiness` (a list of them), `target` or `fan`, by what a file contains. Raises BadFile where it is
    none of them."""
    source = lookup.shown(file)
    tree = mapping(yaml.read(file, source), source)
    if "surgectl" in tree.fields:
        return "readiness" if "rehearsals" in tree.fields else "profile"
    if "surgectl-target" in tree.fields:
        return "target"
    if {"react", "patience", "quits", "think", "tabs", "refresh", "double"} & set(tree.fields):
        return "fan"
    raise BadFile(
        [
            Issue(
                tree.place,
                "",
                "is neither a profile nor a target nor a retry profile",
                "begin it with surgectl: 1 or surgectl-target: 1",
            )
        ]
    )


def refuse_other_kind(tree: Fields, mark: str, kind: str) -> None:
    """Before anything else: a newer format, or another kind of file, would only give misleading complaints."""
    field = tree.fields.get(mark)
    if field is None:
        other = "surgectl-target" if mark == "surgectl" else "surgectl"
        if other in tree.fields:
            what = f"this is a {'target' if other == 'surgectl-target' else 'profile'}, not a {kind}"
            raise BadFile([Issue(tree.fields[other].place, "", what)])
        near = [key for key in tree.fields if did_you_mean(key, [mark])]
        hint = f"write {mark}: {FORMAT}" + (f' instead of "{near[0]}"' if near else " at its top")
        raise BadFile([Issue(tree.place, mark, "is missing", hint)])
    number = field.value.text if isinstance(field.value, Scalar) else ""
    if re.fullmatch(r"[1-9][0-9]*", number) and (len(number) > 9 or int(number) > FORMAT):
        raise BadFile(
            [
                Issue(
                    field.place,
                    mark,
                    f"this {kind} was written for a newer surgectl (format {number[:9]}; this one reads {FORMAT})",
                    "upgrade surgectl",
                )
            ]
        )
    if number != str(FORMAT):
        raise BadFile([Issue(field.place, mark, f"should be {FORMAT}, the format's number")])


def mapping(node: Node, source: str) -> Fields:
    """A file's tree, which has to be `key: value`. BadFile where it is a list or a single word."""
    if isinstance(node, Fields):
        return node
    raise BadFile([Issue(Place(source, node.place.line), "", "should be a mapping (key: value)")])

"""Fit a file to the words we know: every key, type and unit is checked, and the nearest right word is offered.

The structs are the grammar. This module walks a tree beside them (msgspec.inspect) and collects everything that is
wrong with its line; only a tree without issues is converted.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from surgectl.errors import did_you_mean
from surgectl.profile.node import BadFile, Field, Fields, Issue, Items, Node, Scalar, join, place_of
from surgectl.profile.values import Duration, Money, Rate, Share
from surgectl.profile.yaml import meaning

T = TypeVar("T")

EXAMPLES: dict[type, str] = {Duration: "250ms, 1.5s, 2m", Rate: "20/s", Share: "45%", Money: "89.00 EUR"}
NOUNS: dict[type, str] = {Duration: "a duration", Rate: "a rate", Share: "a share", Money: "an amount of money"}
_MOST_WORDS_SHOWN = 10


def read(node: Node, shape: type[T]) -> T:
    """The struct that a tree spells. Raises BadFile with every issue found."""
    issues: list[Issue] = []
    plain = _Reader(issues).value(node, inspect.type_info(shape), "", node)
    if issues:
        raise BadFile(issues)
    try:
        return msgspec.convert(plain, shape, dec_hook=_parse)
    except msgspec.ValidationError as error:  # the walk above should have seen it; say it with a line all the same
        what, _, path = str(error).partition(" - at `$")
        path = path.rstrip("`").lstrip(".")
        raise BadFile([Issue(place_of(node, path), path, what)]) from error


def _parse(shape: type, value: Any) -> Any:
    """The dec_hook: text with a unit → the value type."""
    if isinstance(value, shape):
        return value
    return shape.parse(str(value))  # type: ignore[attr-defined]  # all custom types are those of profile/values.py


def _options(type_: inspect.Type) -> tuple[inspect.Type, ...]:
    return type_.types if isinstance(type_, inspect.UnionType) else (type_,)


def _noun(type_: inspect.Type) -> str:
    """What a type is called in a message."""
    match type_:
        case inspect.StructType() | inspect.DictType():
            return "a mapping (key: value)"
        case inspect.ListType():
            return "a list"
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType():
            return "a number"
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=values):
            return " or ".join(str(value) for value in values)
        case inspect.CustomType(cls=cls):
            return f"{NOUNS[cls]} ({EXAMPLES[cls]})"
        case _:
            return "text"


class _Reader:
    def __init__(self, issues: list[Issue]) -> None:
        self.issues = issues

    def value(self, node: Node, type_: inspect.Type, path: str, at: Node | Field) -> Any:
        """Plain data for msgspec.convert; what does not fit becomes an issue at the key's line."""
        if isinstance(type_, inspect.AnyType):
            return plain_data(node)
        options = _options(type_)
        if isinstance(node, Scalar) and meaning(node) is None and any(isinstance(o, inspect.NoneType) for o in options):
            return None
        # Text comes last: a bare 1 where a name or a number may stand is the number.
        for option in sorted(options, key=lambda option: isinstance(option, inspect.StrType)):
            if self._suits(node, option):
                return self._as(node, option, path, at)
        self.issues.append(self._misfit(node, options, path, at))
        return None

    @staticmethod
    def _suits(node: Node, option: inspect.Type) -> bool:
        """Whether this is the member of a union that the writer must have meant."""
        match node, option:
            case _, inspect.AnyType():
                return True
            case Fields(), inspect.StructType() | inspect.DictType():
                return True
            case Items(), inspect.ListType():
                return True
            case Scalar(), inspect.CustomType() | inspect.LiteralType():
                return meaning(node) is not None
            case Scalar(), inspect.BoolType():
                return isinstance(meaning(node), bool)
            case Scalar(), inspect.IntType():
                known = meaning(node)
                return isinstance(known, int) and not isinstance(known, bool)
            case Scalar(), inspect.FloatType():
                known = meaning(node)
                return isinstance(known, int | float) and not isinstance(known, bool)
            case Scalar(), inspect.StrType():
                # A bare number is fine where text is wanted; a bare true or nothing is more likely a slip.
                known = meaning(node)
                return known is not None and not isinstance(known, bool)
            case _:
                return False

    def _as(self, node: Node, option: inspect.Type, path: str, at: Node | Field) -> Any:
        if isinstance(option, inspect.AnyType):
            return plain_data(node)
        if isinstance(node, Fields):
            if isinstance(option, inspect.StructType):
                return self._struct(node, option, path, at)
            assert isinstance(option, inspect.DictType)
            return self._dict(node, option, path)
        if isinstance(node, Items):
            assert isinstance(option, inspect.ListType)
            return [
                self.value(item, option.item_type, f"{path}[{number}]", item) for number, item in enumerate(node.items)
            ]
        if isinstance(option, inspect.CustomType):
            return self._unit(node, option.cls, path, at)
        if isinstance(option, inspect.LiteralType):
            return self._word(node, option, path, at)
        return node.text if isinstance(option, inspect.StrType) else meaning(node)

    def _struct(self, node: Fields, type_: inspect.StructType, path: str, at: Node | Field) -> dict[str, Any]:
        known = {field.encode_name: field for field in type_.fields}
        plain: dict[str, Any] = {}
        for key, field in node.fields.items():
            if key in known:
                plain[key] = self.value(field.value, known[key].type, join(path, key), field)
            else:
                unused = [word for word in known if word not in node.fields] or list(known)
                hint = did_you_mean(key, unused) or did_you_mean(key, known)
                if hint is None and len(unused) <= _MOST_WORDS_SHOWN:
                    hint = f"known here: {', '.join(unused)}"
                self.issues.append(Issue(field.place, join(path, key), "unknown key", hint))
        for name, info in known.items():
            if info.required and name not in node.fields:
                self.issues.append(Issue(at.place, join(path, name), "is missing", _try(info.type)))
        return plain

    def _dict(self, node: Fields, type_: inspect.DictType, path: str) -> dict[Any, Any]:
        plain: dict[Any, Any] = {}
        for key, field in node.fields.items():
            named: str | int = key
            if isinstance(type_.key_type, inspect.IntType):
                if not re.fullmatch(r"0|[1-9][0-9]{0,17}", key):
                    self.issues.append(Issue(field.place, join(path, key), f'"{key}" is not a whole number'))
                    continue
                named = int(key)
            plain[named] = self.value(field.value, type_.value_type, join(path, key), field)
        return plain

    def _unit(self, node: Scalar, cls: type, path: str, at: Node | Field) -> str:
        text = node.text.strip()
        if re.match(r"-\s*[0-9.]", text):
            self.issues.append(Issue(at.place, path, f"{text}: {NOUNS[cls]} cannot be negative"))
            return text
        try:
            cls.parse(text)  # type: ignore[attr-defined]  # all custom types are those of profile/values.py
        except (ValueError, OverflowError) as error:
            what, hint = str(error), None
            if re.fullmatch(r"[0-9.]+", text):
                what, hint = f"{text} has no unit", _with_unit(text, cls)
            elif " (" in what:
                what, _, hint = what.rstrip(")").partition(" (")
            self.issues.append(Issue(at.place, path, what, hint))
        return text

    def _word(self, node: Scalar, type_: inspect.LiteralType, path: str, at: Node | Field) -> Any:
        known = meaning(node)
        for value in type_.values:
            if value == known or value == node.text:
                return value
        words = [str(value) for value in type_.values]
        hint = did_you_mean(node.text, words) or f"one of {', '.join(words)}"
        self.issues.append(Issue(at.place, path, f'"{node.text}" is not known', hint))
        return None

    @staticmethod
    def _misfit(node: Node, options: tuple[inspect.Type, ...], path: str, at: Node | Field) -> Issue:
        wanted = " or ".join(dict.fromkeys(_noun(o) for o in options if not isinstance(o, inspect.NoneType)))
        if isinstance(node, Fields):
            seen = "a mapping"
        elif isinstance(node, Items):
            seen = "a list"
        elif meaning(node) is None:
            return Issue(at.place, path, f"is empty, and should be {wanted}")
        elif isinstance(meaning(node), bool):
            seen = f"{node.text} (true/false)"
            if any(isinstance(o, inspect.StrType) for o in options):
                return Issue(at.place, path, f"should be {wanted}, and is {seen}", f'quote it: "{node.text}"')
        else:
            seen = f'"{node.text}"' if len(node.text) <= 60 else "a long text"
        return Issue(at.place, path, f"should be {wanted}, and is {seen}")


def _with_unit(text: str, cls: type) -> str:
    if cls is Duration:
        return f"try {text}s or {text}ms"
    return f"try {text}/s" if cls is Rate else f"try {text}%" if cls is Share else f"try {text} EUR"


def _try(type_: inspect.Type) -> str | None:
    """A hint for a value that is not there."""
    for option in _options(type_):
        if isinstance(option, inspect.CustomType):
            return f"try {EXAMPLES[option.cls]}"
    return None


def plain_data(node: Node) -> Any:
    """A tree as plain Python data: what a JSON body or a setting of the stage is made of."""
    if isinstance(node, Scalar):
        return meaning(node)
    if isinstance(node, Items):
        return [plain_data(item) for item in node.items]
    return {key: plain_data(field.value) for key, field in node.fields.items()}

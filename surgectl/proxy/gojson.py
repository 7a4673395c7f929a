"""JSON as Go's encoding/json reads and writes it: the same forgiveness, and the same sentences for mistakes.

Toxiproxy's error texts are Go's, and its clients match on them. Only the first value of a text counts;
what follows it is not looked at. Objects keep double keys, as Go assigns them one after the other.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from decimal import Decimal

import msgspec


class Number(msgspec.Struct, frozen=True):
    """A number as it was written: whether 1e3 is an integer is for the reader of the field to say."""

    text: str


class Object(msgspec.Struct, frozen=True):
    """Keys and values in the order of the text."""

    pairs: list[tuple[str, Json]]


Json = None | bool | Number | str | list["Json"] | Object


class GoJsonError(ValueError):
    """The sentence in which Go says what is wrong."""


_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DEEPEST = 500


def parse(body: bytes) -> Json:
    """The first JSON value of a text. GoJsonError carries Go's message."""
    return _Reader(body.decode("utf-8", "surrogateescape")).document()


def _quoted(char: str) -> str:
    """A character as Go's scanner quotes it: byte by byte, so é shows as its first byte, 'Ã'."""
    byte = char.encode("utf-8", "surrogateescape")[0]
    named = {"'": r"'\''", '"': "'\"'", "\n": r"'\n'", "\t": r"'\t'", "\r": r"'\r'", "\\": r"'\\'"}
    named |= {"\a": r"'\a'", "\b": r"'\b'", "\f": r"'\f'", "\v": r"'\v'"}
    shown = chr(byte)
    if shown in named:
        return named[shown]
    if byte < 0x20 or byte == 0x7F:
        return f"'\\x{byte:02x}'"
    return f"'{shown}'" if shown.isprintable() else f"'\\u{byte:04x}'"


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> Json:
        if self.skip_space() == "":
            raise GoJsonError("EOF")
        return self.value(0)

    def skip_space(self) -> str:
        """The next character that is no white space, not consumed; empty at the end."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.text[self.at : self.at + 1]

    def wrong(self, context: str) -> GoJsonError:
        char = self.text[self.at : self.at + 1]
        return GoJsonError(f"invalid character {_quoted(char)} {context}" if char else "unexpected EOF")

    def value(self, depth: int) -> Json:
        if depth > _DEEPEST:
            raise GoJsonError("exceeded max depth")
        char = self.skip_space()
        if char == "{":
            return self.object(depth)
        if char == "[":
            return self.array(depth)
        if char == '"':
            return self.string()
        if char in "tfn" and char:
            return self.literal({"t": "true", "f": "false", "n": "null"}[char])
        if char and char in "-0123456789":
            return self.number()
        raise self.wrong("looking for beginning of value")

    def object(self, depth: int) -> Object:
        pairs: list[tuple[str, Json]] = []
        self.at += 1
        if self.skip_space() == "}":
            self.at += 1
            return Object(pairs)
        while True:
            if self.skip_space() != '"':
                raise self.wrong("looking for beginning of object key string")
            key = self.string()
            if self.skip_space() != ":":
                raise self.wrong("after object key")
            self.at += 1
            pairs.append((key, self.value(depth + 1)))
            after = self.skip_space()
            if after not in (",", "}"):
                raise self.wrong("after object key:value pair")
            self.at += 1
            if after == "}":
                return Object(pairs)

    def array(self, depth: int) -> list[Json]:
        items: list[Json] = []
        self.at += 1
        if self.skip_space() == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value(depth + 1))
            after = self.skip_space()
            if after not in (",", "]"):
                raise self.wrong("after array element")
            self.at += 1
            if after == "]":
                return items

    def literal(self, word: str) -> bool | None:
        for n, expected in enumerate(word):
            if self.text[self.at : self.at + 1] != expected:
                assert n > 0
                raise self.wrong(f"in literal {word} (expecting '{expected}')")
            self.at += 1
        return {"true": True, "false": False, "null": None}[word]

    def number(self) -> Number:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            self.at += 1  # behind the minus
            raise self.wrong("in numeric literal")
        self.at = match.end()
        rest = self.text[self.at : self.at + 1]
        if rest == "." and match[2] is None and match[3] is None:
            self.at += 1
            raise self.wrong("after decimal point in numeric literal")
        if rest in ("e", "E") and match[3] is None:
            self.at += 1
            if self.text[self.at : self.at + 1] in ("+", "-"):
                self.at += 1
            raise self.wrong("in exponent of numeric literal")
        return Number(match[0])

    def string(self) -> str:
        parts: list[str] = []
        self.at += 1
        while True:
            match = _PLAIN.match(self.text, self.at)
            assert match is not None
            parts.append(match[0])
            self.at = match.end()
            char = self.text[self.at : self.at + 1]
            if char == '"':
                self.at += 1
                joined = "".join(parts)
                # Halves of surrogate pairs come together here; what is left alone becomes U+FFFD, as in Go.
                return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            if char != "\\":
                raise self.wrong("in string literal")
            self.at += 1
            parts.append(self.escape())

    def escape(self) -> str:
        char = self.text[self.at : self.at + 1]
        if char in _ESCAPES and char:
            self.at += 1
            return _ESCAPES[char]
        if char != "u":
            raise self.wrong("in string escape code")
        for _ in range(4):
            self.at += 1
            if self.text[self.at : self.at + 1] not in tuple("0123456789abcdefABCDEF"):
                raise self.wrong("in \\u hexadecimal character escape")
        self.at += 1
        return chr(int(self.text[self.at - 4 : self.at], 16))


# Assigning to the fields of a Go struct.


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, Object) else "number"


def mismatch(value: Json, target: str, literal: bool = False) -> GoJsonError:
    """`json: cannot unmarshal number 10.5 into Go struct field …`; `target` is the part after "Go"."""
    kind = _kind(value)
    if literal and isinstance(value, Number):
        kind = f"number {value.text}"
    return GoJsonError(f"json: cannot unmarshal {kind} into Go {target}")


Assign = Callable[[Json], None]


def assign(value: Json, go_type: str, fields: dict[str, Assign], where: str | None = None) -> None:
    """Hand every member of an object to its field; keys match in any case, null leaves a field alone.

    As in Go a member of the wrong type does not stop the others: the first GoJsonError is raised at the end.
    """
    if value is None:
        return
    if not isinstance(value, Object):
        raise mismatch(value, f"struct field {where} of type {go_type}" if where else f"value of type {go_type}")
    folded = {name.lower(): field for name, field in fields.items()}
    first: GoJsonError | None = None
    for key, member in value.pairs:
        field = folded.get(key.lower())
        if field is None or member is None:
            continue
        try:
            field(member)
        except GoJsonError as error:
            first = first or error
    if first is not None:
        raise first


def string(value: Json, field: str) -> str:
    if not isinstance(value, str):
        raise mismatch(value, f"struct field {field} of type string")
    return value


def boolean(value: Json, field: str) -> bool:
    if not isinstance(value, bool):
        raise mismatch(value, f"struct field {field} of type bool")
    return value


def integer(value: Json, field: str, go_type: str = "int64") -> int:
    """A 64-bit integer written as one: 1e3 and 10.0 are refused."""
    if isinstance(value, Number) and re.fullmatch(r"-?[0-9]+", value.text):
        number = int(value.text)
        if -(1 << 63) <= number < 1 << 63:
            return number
    raise mismatch(value, f"struct field {field} of type {go_type}", literal=True)


def float32(value: Json, field: str) -> float:
    """A number rounded to 32 bits."""
    if isinstance(value, Number):
        try:
            rounded: float = struct.unpack("<f", struct.pack("<f", float(value.text)))[0]
        except OverflowError:
            pass
        else:
            return rounded
    raise mismatch(value, f"struct field {field} of type float32", literal=True)


# Writing.


# Go compares as 32-bit floats: that of 1e-6 lies a little below the double.
_TINY, _HUGE = struct.unpack("<2f", struct.pack("<2f", 1e-6, 1e21))


def show_float32(number: float) -> str:
    """The shortest decimal that is the same 32-bit float again: 0.1, not 0.10000000149011612."""
    for digits in range(1, 10):
        text = f"{number:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", number):
            break
    size = abs(number)
    if size and not _TINY <= size < _HUGE:
        mantissa, exponent = f"{float(text):.{digits - 1}e}".split("e")
        sign, power = exponent[0], exponent[1:].lstrip("0")
        return f"{mantissa}e{sign}{power}"
    plain = f"{Decimal(text):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def show_string(text: str) -> str:
    """A JSON string with HTML's characters escaped, as json.Marshal does."""
    shown = json.dumps(text, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        shown = shown.replace(char, f"\\u{ord(char):04x}")
    return shown

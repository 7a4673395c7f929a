"""What a shop says is shown, never obeyed: no escape code moves a cursor, no mark turns a line, no flood drowns us.

Bidirectional controls after "Trojan Source" (CVE-2021-42574) and Unicode TR36; control characters after ECMA-48. Build
servers read commands out of a log, too: GitHub `::error::…` and, anywhere in a line, `##[error]…` (actions/runner,
ActionCommand.cs), Azure `##vso[…]`, TeamCity `##teamcity[…]`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

MOST = 2_000
"""Characters of one text that a page or a terminal shows."""

_LONE = re.compile("[\ud800-\udfff]")
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1: what moves cursors and rings bells
    "\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # turns and hides
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"  # half characters, non-characters, invisible tags
    "|(?<=#)#(?=[A-Za-z]*\\[)|:(?=:[A-Za-z][A-Za-z0-9_-]*(?: [^\n]*?)?::)"  # what a build server obeys
)

T = TypeVar("T")


def shown(text: str, most: int = MOST) -> str:
    """The text with every active character spelled out (`\\x1b`, `\\u202e`) and its excess cut off with a mark."""
    return _ACTIVE.sub(_spelled, cut(text, most))


def one_line(text: str, most: int = MOST) -> str:
    """The same on a single line."""
    return " ".join(shown(text, most).split())


def storable(text: str, most: int) -> str:
    """The text as UTF-8 can hold it: half characters spelled out, everything else as it was, cut with a mark."""
    return _LONE.sub(_spelled, cut(text, most))


def cut(text: str, most: int) -> str:
    """The first `most` characters, and how many are missing."""
    return text if len(text) <= most else f"{text[:most]}… [{len(text) - most:,} more characters]"


def tamed(value: T, text: Callable[[str], str]) -> T:
    """The same data with `text` applied to every string in it, and no NaN or infinity: they become None (unknown)."""
    tame: T = _tamed(value, text)
    return tame


def _tamed(value: Any, text: Callable[[str], str]) -> Any:
    match value:
        case str():
            return text(value)
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int():
            return value
        case dict():
            return {text(str(key)): _tamed(item, text) for key, item in value.items()}
        case list() | tuple():
            return [_tamed(item, text) for item in value]
        case msgspec.Struct():
            fields = {name: _tamed(getattr(value, name), text) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **fields)
        case _:
            return text(str(value))


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

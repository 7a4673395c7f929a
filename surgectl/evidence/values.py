"""Money, instants, numbers and words, whatever way a shop writes them; what is unclear is refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from surgectl.errors import UsageError
from surgectl.evidence.look import compile_column
from surgectl.evidence.reading import Raw
from surgectl.journey.money import FORMS, from_major, from_parts, parts_of_one, read_money

Money = Callable[[Any, Raw], tuple[int, str | None]]
"""(value, its row) → (minor units, currency). ValueError where it is not that money."""

_CODE = re.compile(r"[A-Z]{3}")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_WHOLE_WITH_PLACES = re.compile(r"([+-]?\d{1,18})\.0+")
_PER_S = {"s": 1, "ms": 1_000, "ns": 1_000_000_000}


def compile_money(spec: str, where: str) -> Money:
    """`minor EUR` · `major EUR` · `1/1000 EUR` · `text` · `text EUR`; for a currency, the path that names it."""
    scale, _, currency = (part.strip() for part in spec.strip().partition(" "))
    parts = parts_of_one(scale)
    if (scale not in ("minor", "major", "text") and not parts) or (scale != "text" and not currency):
        raise UsageError(f'"{spec}" is not a form of money', where=where, hint=FORMS)
    named = _currency(currency, where)
    if parts:
        return lambda value, row: _of_parts(value, parts, named(row))
    if scale == "minor":
        return lambda value, row: (minor(value), named(row))
    if scale == "major":
        return lambda value, row: _major(value, named(row))
    return lambda value, row: read_money(str(value), named(row))


def _currency(currency: str, where: str) -> Callable[[Raw], str | None]:
    if not currency:
        return lambda row: None
    if _CODE.fullmatch(currency):
        return lambda row: currency
    look = compile_column(currency, where)
    return lambda row: code(look(row))


def code(value: Any) -> str:
    """An ISO 4217 code, in any letters."""
    text = str(value).upper()
    if not _CODE.fullmatch(text):
        raise ValueError(f"{value!r} is not a currency")
    return text


def minor(value: Any) -> int:
    """Minor units. `84.00` is refused: written so, it is most likely major units, a hundred times too little."""
    if isinstance(value, float | Decimal) and not (isinstance(value, Decimal) and value.as_tuple().exponent == 0):
        raise ValueError(f"{value} is not written as minor units (say money: major EUR, or cast it)")
    if isinstance(value, str) and not _WHOLE.fullmatch(value.strip()):
        raise ValueError(f'"{value}" is not written as minor units (say money: major EUR, or text)')
    return whole(value)


def _major(value: Any, currency: str | None) -> tuple[int, str | None]:
    if not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{value!r} is not an amount of money")
    assert currency is not None  # compile_money: major always names one
    return from_major(value, currency), currency


def _of_parts(value: Any, parts: int, currency: str | None) -> tuple[int, str | None]:
    assert currency is not None  # compile_money: parts always name one
    return from_parts(value, parts, currency), currency


def whole(value: Any) -> int:
    """A whole number of 64 bits; `2.0000` is one, too."""
    if isinstance(value, str) and (written := _WHOLE_WITH_PLACES.fullmatch(value.strip())):
        value = int(written[1])
    elif isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    elif isinstance(value, float | Decimal) and _integral(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError(f"{value!r} is not a whole number")
    return value


def word(value: Any) -> str:
    """An id, a name, a state: text, a number or yes/no as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError(f"{type(value).__name__} where a word is wanted")
    if isinstance(value, bytes):
        raise ValueError("bytes where a word is wanted")
    if isinstance(value, float | Decimal) and _integral(value):
        value = int(value)
    return str(value)


def _integral(value: float | Decimal) -> bool:
    """A whole number of a sane size: 1E+999999999 is one, too, and would be a very long one."""
    return -(10**18) < value < 10**18 and value == int(value)


def words(value: Any) -> list[str]:
    """A list of words, or one word."""
    if isinstance(value, list | tuple):
        return [word(item) for item in value if item is not None]
    return [word(value)]


def instant_s(value: Any, unit: str | None = None) -> float:
    """Seconds since the epoch: from a number (by its unit, else by its size), ISO 8601, or a database's timestamp.

    A time without a zone is taken as UTC. ValueError where it is none of these: 11/12/2026 is two days.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, str):
        text = value.strip()
        try:
            value = Decimal(text)
        except InvalidOperation:
            try:
                return instant_s(datetime.fromisoformat(text))
            except ValueError:
                raise ValueError(f"{text!r} is not an instant as ISO 8601 writes it (2026-11-23T20:00:00Z)") from None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"{value!r} is not an instant")
    number = float(value)
    if unit:
        return number / _PER_S[unit]
    # 1e11 s is the year 5138, 1e11 ms was in 1973: no rehearsal is near either.
    for limit, per_s in ((1e11, 1), (1e14, 1e3), (1e17, 1e6)):
        if abs(number) < limit:
            return number / per_s
    return number / 1e9

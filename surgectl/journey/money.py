"""What a shop says something costs, in minor units: 4200, "42.00", "€ 1,042.00"."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from surgectl.journey.paths import MISSING, compile_path
from surgectl.journey.problem import TargetError
from surgectl.units import exponent, to_minor

Money = Callable[[Any, Callable[[], Any]], tuple[int, str]]
"""(value, the reply's JSON) → (minor units, currency). ValueError where it is not money."""

_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "zł": "PLN"}
_GROUPS = "'\u2019\u066c \u00a0\u2007\u2009\u202f"
"""Marks that only ever group: apostrophes, Arabic's thousands, all kinds of spaces."""
_DECIMALS = ".,\u066b"
"""Marks that are the decimal one, or group, as what follows them says."""
_NUMBER = re.compile(rf"[-\u2212]?\d+(?:[{_GROUPS}{_DECIMALS}]\d+)*")
_MARKED = r"[A-Z]{3}|[€$£¥₹₩]|zł|kr"
_PART = re.compile(r"1/(10{1,9})")
_NOISE = Decimal("1e-6")
"""Of a minor unit: what is nearer to a whole one than this was meant to be it."""
FORMS = 'try "minor EUR", "major EUR", "text", or "1/1000 EUR" for thousandths'


def compile_money(spec: str, where: str) -> Money:
    """`minor EUR` · `major EUR` · `1/1000 EUR` · `text` · `text EUR`; for a currency, the JSON path that names it."""
    kind, _, currency = spec.strip().partition(" ")
    currency = currency.strip()
    parts = parts_of_one(kind)
    if (kind not in ("minor", "major", "text") and not parts) or (kind != "text" and not currency):
        raise TargetError(f"{spec!r} is not a form of money", where, hint=FORMS)
    named = _currency(currency, where)
    if parts:
        return lambda value, document: (from_parts(value, parts, code := named(document)), code)
    if kind == "minor":
        return lambda value, document: (_whole(value), named(document))
    if kind == "major":
        return lambda value, document: (from_major(value, code := named(document)), code)
    if not currency:
        return lambda value, document: read_money(str(value))
    return lambda value, document: read_money(str(value), named(document))


def parts_of_one(kind: str) -> int:
    """`1/1000` → 1000: how many of a shop's units are one of the currency. 0 where that is not its form."""
    found = _PART.fullmatch(kind)
    return int(found[1]) if found else 0


def from_parts(value: Any, parts: int, currency: str) -> int:
    """Minor units of a sum counted in mills, micros or another fraction. ValueError where it is no whole number."""
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not an amount of money")
    try:
        amount = Decimal(str(value).strip())
    except ArithmeticError:
        raise ValueError(f"{value!r} is not an amount of money") from None
    if not amount.is_finite() or amount.adjusted() > 24:
        raise ValueError(f"{value} is no price of anything")
    return to_minor(amount / parts, currency)


def _currency(text: str, where: str) -> Callable[[Callable[[], Any]], str]:
    if not text or re.fullmatch(r"[A-Z]{3}", text):
        return lambda document: text
    look = compile_path(text, where)

    def named(document: Callable[[], Any]) -> str:
        value = look(document())
        if value is MISSING or not isinstance(value, str):
            raise ValueError(f"no currency at {text}")
        return value.upper()

    return named


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not an amount of money")
    try:
        amount = float(value) if not isinstance(value, int) else value
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not an amount of money") from None
    if amount != int(amount):
        raise ValueError(f"{value!r} is not a whole number of minor units")
    return int(amount)


def from_major(value: Any, currency: str) -> int:
    """84 or 84.00 → 8400, whatever type it comes in. ValueError where it is none, or finer than the currency.

    What binary floating point makes of a sum (74.97000000000001) is that sum.
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not an amount of money")
    try:
        amount = Decimal(str(value).strip())
    except ArithmeticError:
        raise ValueError(f'"{value}" is not written as a plain number (say money: text {currency})') from None
    if not amount.is_finite() or amount.adjusted() > 15:
        raise ValueError(f"{value} is no price of anything")
    scaled = amount.scaleb(exponent(currency))
    nearest = scaled.to_integral_value()
    if len(amount.as_tuple().digits) > 12 and abs(scaled - nearest) < _NOISE:
        return int(nearest)
    return to_minor(amount, currency)


def read_money(text: str, currency: str | None = None) -> tuple[int, str]:
    """`84.00 EUR`, `EUR 84,00`, `€1,084.00` → (minor units, currency). ValueError says what is missing.

    Of several numbers the one beside the currency is meant; where none or several are, nobody can say which.
    """
    if currency is None:
        code = re.search(r"\b[A-Z]{3}\b", text)
        # Many countries have a dollar of their own: CA$, A$, R$.
        symbols = [
            symbol for symbol in _SYMBOLS if symbol in text and not re.search("[A-Za-z]" + re.escape(symbol), text)
        ]
        currency = code[0] if code else _SYMBOLS[symbols[0]] if symbols else None
    if currency is None:
        raise ValueError(f"{text!r} names no currency")
    return to_minor(_plain(_the_number(text), exponent(currency)), currency), currency


def _the_number(text: str) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        raise ValueError(f"{text!r} has no amount")
    if len(found) > 1:
        before, after = re.compile(rf"(?:{_MARKED})\s*$"), re.compile(rf"\s*(?:{_MARKED})")
        found = [one for one in found if before.search(text[: one.start()]) or after.match(text, one.end())]
    if len(found) != 1:
        raise ValueError(f"{text!r} holds several numbers: take the one that is meant by a regex")
    return found[0][0]


def _plain(written: str, places: int) -> str:
    """`1.084,00` → `1084.00`. The last mark is the decimal one where it stands once and what follows cannot be a group:
    it is no three digits, or no more than the currency's own places, or another mark stood before it."""
    sign, written = ("-", written[1:].strip()) if written[0] in "-\u2212" else ("", written.strip())
    marks = [mark for mark in written if not mark.isdecimal()]
    parts = re.split(rf"[{_GROUPS}{_DECIMALS}]", written)
    rest = ""
    if marks and marks[-1] in _DECIMALS and marks.count(marks[-1]) == 1:
        length = len(parts[-1])
        if length != 3 or length <= places or len(set(marks)) > 1 or len(parts[0]) > 3 or parts[0] == "0":
            rest = f".{parts.pop()}"
    if len(parts) > 1 and not (
        0 < len(parts[0]) <= 3 and len(parts[-1]) == 3 and all(len(part) in (2, 3) for part in parts[1:])
    ):
        raise ValueError(f"{written!r} is no amount: its digits are not grouped by thousands")
    return sign + "".join(parts) + rest

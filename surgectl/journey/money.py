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
_NUMBER = re.compile(r"-?\d[\d.,' \u00a0\u202f]*")
_PART = re.compile(r"1/(10{1,9})")
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
        return lambda value, document: (to_minor(str(value), code := named(document)), code)
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


def read_money(text: str, currency: str | None = None) -> tuple[int, str]:
    """`84.00 EUR`, `EUR 84,00`, `€1,084.00` → (minor units, currency). ValueError says what is missing."""
    if currency is None:
        code = re.search(r"\b[A-Z]{3}\b", text)
        currency = code[0] if code else next((c for symbol, c in _SYMBOLS.items() if symbol in text), None)
    if currency is None:
        raise ValueError(f"{text!r} names no currency")
    number = _NUMBER.search(text)
    if number is None:
        raise ValueError(f"{text!r} has no amount")
    digits = re.sub(r"[' \u00a0\u202f]", "", number[0]).rstrip(".,")
    # The last mark is the decimal one if exactly the currency's places follow it; others group thousands.
    places = exponent(currency)
    mark = max(digits.rfind("."), digits.rfind(","))
    if mark >= 0 and places and len(digits) - mark - 1 <= places:
        digits = re.sub(r"[.,]", "", digits[:mark]) + "." + digits[mark + 1 :]
    else:
        digits = re.sub(r"[.,]", "", digits)
    return to_minor(digits, currency), currency

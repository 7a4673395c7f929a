"""What a shop says something costs, in minor units: 4200, "42.00", "€ 1,042.00"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from surgectl.journey.paths import MISSING, compile_path
from surgectl.journey.problem import TargetError
from surgectl.units import exponent, to_minor

Money = Callable[[Any, Callable[[], Any]], tuple[int, str]]
"""(value, the reply's JSON) → (minor units, currency). ValueError where it is not money."""

_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "zł": "PLN"}
_NUMBER = re.compile(r"-?\d[\d.,' \u00a0\u202f]*")


def compile_money(spec: str, where: str) -> Money:
    """`minor EUR` · `major EUR` · `text` · `text EUR`; in place of a currency, the JSON path that names it."""
    kind, _, currency = spec.strip().partition(" ")
    currency = currency.strip()
    if kind not in ("minor", "major", "text") or (kind != "text" and not currency):
        raise TargetError(f"{spec!r} is not a form of money", where, hint='try "minor EUR", "major EUR" or "text"')
    named = _currency(currency, where)
    if kind == "minor":
        return lambda value, document: (_whole(value), named(document))
    if kind == "major":
        return lambda value, document: (to_minor(str(value), code := named(document)), code)
    if not currency:
        return lambda value, document: read_money(str(value))
    return lambda value, document: read_money(str(value), named(document))


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

"""Text a person writes, as numbers a program can add: durations, rates, shares, money.

Inside the program a unit stands in the name (`due_ns`, `rate_per_s`, `price_minor`); text such as
`250ms` lives in profiles and in output only.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

NS_PER_S = 1_000_000_000
_NS = {"us": 1_000, "ms": 1_000_000, "s": NS_PER_S, "m": 60 * NS_PER_S, "h": 3600 * NS_PER_S}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|m|h)\s*")
_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(s|m|h)\s*")
_SHARE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_MONEY = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*([A-Z]{3})\s*")

# ISO 4217 exponents that are not two.
_EXPONENT = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def parse_duration_ns(text: str) -> int:
    """`250ms`, `1.5s`, `2m`, `1h30m` → nanoseconds. ValueError says what is wrong."""
    total, at = 0, 0
    stripped = text.strip()
    while at < len(stripped):
        match = _DURATION.match(stripped, at)
        if not match:
            if re.fullmatch(r"-?\d+(\.\d+)?", stripped):
                raise ValueError(f"{stripped!r} has no unit (try {stripped}s or {stripped}ms)")
            raise ValueError(f"{text!r} is not a duration (try 250ms, 1.5s, 2m)")
        total += round(Decimal(match[1]) * _NS[match[2]])
        at = match.end()
    if not stripped:
        raise ValueError("an empty duration (try 250ms, 1.5s, 2m)")
    return total


def parse_rate_per_s(text: str) -> float:
    """`20/s`, `300/m` → per second."""
    match = _RATE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a rate (try 20/s or 300/m)")
    return float(match[1]) / (_NS[match[2]] / NS_PER_S)


def parse_share(text: str) -> float:
    """`45%` → 0.45."""
    match = _SHARE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a share (try 45%)")
    share = float(match[1]) / 100
    if share > 1:
        raise ValueError(f"{text!r} is more than the whole")
    return share


def exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit (ISO 4217)."""
    return _EXPONENT.get(currency.upper(), 2)


def to_minor(major: str | int | float | Decimal, currency: str) -> int:
    """84.00 EUR → 8400. ValueError where the amount is finer than the currency's minor unit."""
    try:
        scaled = Decimal(str(major)).scaleb(exponent(currency))
    except InvalidOperation as error:
        raise ValueError(f"{major!r} is not an amount of money") from error
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"{major} is not a whole number of {currency} minor units")
    return int(scaled)


def parse_money(text: str) -> tuple[int, str]:
    """`89.00 EUR` → (8900, "EUR")."""
    match = _MONEY.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not money (try 89.00 EUR)")
    return to_minor(match[1], match[2]), match[2]


def show_duration(ns: float) -> str:
    """Nanoseconds as a person writes them: 250ms, 1.5s, 2m."""
    if ns < 0:
        return "-" + show_duration(-ns)
    if ns == 0:
        return "0s"
    if ns < _NS["ms"]:
        return f"{ns / 1e3:.3g}us"
    if ns < NS_PER_S:
        return f"{ns / 1e6:.3g}ms"
    if ns < 2 * _NS["m"]:
        return f"{ns / 1e9:.4g}s"
    minutes, seconds = divmod(round(ns / 1e9), 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s" if seconds else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"


def show_money(minor: int, currency: str) -> str:
    """8900 EUR → `89.00 EUR`."""
    places = exponent(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f} {currency}"


def show_rate(per_s: float) -> str:
    """20 per second → `20/s`."""
    return f"{per_s:.4g}/s"

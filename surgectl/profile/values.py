"""Values that carry their unit: a duration, a rate, a share, an amount of money.

Each is read from text by the loader (`250ms`, `20/s`, `45%`, `89.00 EUR`) and is a plain number inside the program.
"""

from __future__ import annotations

from surgectl.units import (
    parse_duration_ns,
    parse_money,
    parse_rate_per_s,
    parse_share,
    show_duration,
    show_money,
    show_rate,
)


class Duration(int):
    """Nanoseconds."""

    @classmethod
    def parse(cls, text: str) -> Duration:
        return cls(parse_duration_ns(text))

    def __repr__(self) -> str:
        return show_duration(int(self))

    __str__ = __repr__


class Rate(float):
    """Events per second."""

    @classmethod
    def parse(cls, text: str) -> Rate:
        return cls(parse_rate_per_s(text))

    def __repr__(self) -> str:
        return show_rate(float(self))

    __str__ = __repr__


class Share(float):
    """A part of the whole, 0 to 1."""

    @classmethod
    def parse(cls, text: str) -> Share:
        return cls(parse_share(text))

    def __repr__(self) -> str:
        return f"{float(self) * 100:.4g}%"

    __str__ = __repr__


class Money:
    """An amount in minor units of a currency (ISO 4217)."""

    __slots__ = ("currency", "minor")

    def __init__(self, minor: int, currency: str) -> None:
        self.minor = minor
        self.currency = currency

    @classmethod
    def parse(cls, text: str) -> Money:
        return cls(*parse_money(text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and (self.minor, self.currency) == (other.minor, other.currency)

    def __hash__(self) -> int:
        return hash((self.minor, self.currency))

    def __repr__(self) -> str:
        return show_money(self.minor, self.currency)

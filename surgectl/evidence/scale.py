"""Notice when a target reads money at the wrong scale, before a hundredfold sum condemns an honest shop.

A shop writes 8400 for 84.00 or 84.00 for 8400, and the target says which. Where it says it wrong, every sum is a
hundred times too much or too little. The profile knows the price: sums of which none is a number of tickets at that
price, and all are once they are divided or multiplied by a hundred, were read wrongly, or the shop itself counts so.
Nobody can tell here, so the list is not believed; to guess would be to acquit or to convict by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from surgectl.recording.evidence_rows import ChargeRow, OrderRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.units import exponent

_MOST_TICKETS = 1000
_HINT = "is `money:` right (minor or major)?"


def misread(rows: Iterable[EvidenceRow], variables: Mapping[str, Any]) -> str:
    """Why sums of these rows cannot be meant, seen from the profile's price; empty where they can, or nobody knows it.

    `variables` hold the sale: price_minor, currency, limit.
    """
    sale = variables.get("sale")
    price = sale.get("price_minor") if isinstance(sale, Mapping) else None
    currency = str(sale.get("currency", "")).upper() if isinstance(sale, Mapping) else ""
    if not isinstance(price, int) or price <= 0 or not isinstance(sale, Mapping):
        return ""
    factor = 10 ** exponent(currency)
    sums = set(_sums(rows, currency))
    if factor == 1 or not sums:
        return ""
    most = min(int(sale.get("limit") or _MOST_TICKETS), _MOST_TICKETS) * price
    fair = range(price, most + price, price)
    if any(amount in fair for amount in sums):
        return ""
    if all(amount % factor == 0 and amount // factor in fair for amount in sums):
        return f"every sum is {factor} times too much by the profile's price: {_HINT}"
    if all(amount * factor in fair for amount in sums):
        return f"every sum is a {factor}th of what it should be by the profile's price: {_HINT}"
    return ""


def _sums(rows: Iterable[EvidenceRow], currency: str) -> Iterable[int]:
    for row in rows:
        if isinstance(row, OrderRow) and row.amount_minor and (row.currency or currency).upper() == currency:
            yield row.amount_minor
        elif isinstance(row, ChargeRow) and row.captured_minor and row.currency.upper() == currency:
            yield row.captured_minor

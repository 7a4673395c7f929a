"""Notice when a target reads money at the wrong scale, before a hundredfold sum condemns an honest shop.

A shop writes 8400 for 84.00, or 84.00, or 84000 mills, and the target says which. Where it says it wrong, every sum is
ten, a hundred or a million times too much or too little. The profile knows the price: sums of which none is a number of
tickets at that price, and all are once they are divided or multiplied by one power of ten, were read wrongly, or the
shop itself counts so. Nobody can tell here, so the list is not believed; to guess would be to acquit or to convict by
chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from surgectl.recording.evidence_rows import ChargeRow, OrderRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.units import exponent

_MOST_TICKETS = 1000
_HINT = "is `money:` right (minor, major, or parts such as 1/1000)?"
_GROUP = 1000
_FACTORS = tuple(10**power for power in range(1, 8))


def misread(rows: Iterable[EvidenceRow], variables: Mapping[str, Any], *, written_out: bool = False) -> str:
    """Why sums of these rows cannot be meant, seen from the profile's price; empty where they can, or nobody knows it.

    `variables` hold the sale: price_minor, currency, limit. `written_out`: the sums are text with their own marks, such
    as `25,000 KWD`: nobody's scale can be wrong about it, unless 25.000 is twenty-five.
    """
    sale = variables.get("sale")
    price = sale.get("price_minor") if isinstance(sale, Mapping) else None
    currency = str(sale.get("currency", "")).upper() if isinstance(sale, Mapping) else ""
    if not isinstance(price, int) or price <= 0 or not isinstance(sale, Mapping):
        return ""
    sums = set(_sums(rows, currency))
    if not sums:
        return ""
    most = min(int(sale.get("limit") or _MOST_TICKETS), _MOST_TICKETS) * price
    fair = range(price, most + price, price)
    if any(amount in fair for amount in sums):
        return ""
    # Who writes whole units has no hundredths to mistake; thousandths and millionths stand in their books all the same.
    least = 10 if exponent(currency) else 1000
    for factor in (factor for factor in _FACTORS if factor >= least):
        if written_out and factor != _GROUP:
            continue
        if all(amount % factor == 0 and amount // factor in fair for amount in sums):
            return f"every sum is {factor:,} times too much by the profile's price: {_HINT}"
        # A tenth of every sum is more likely a deposit that was never followed by the rest.
        if factor > 10 and all(amount * factor in fair for amount in sums):
            return f"every sum is a {factor:,}th of what it should be by the profile's price: {_HINT}"
    return ""


def _sums(rows: Iterable[EvidenceRow], currency: str) -> Iterable[int]:
    for row in rows:
        if isinstance(row, OrderRow) and row.amount_minor and (row.currency or currency).upper() == currency:
            yield row.amount_minor
        elif isinstance(row, ChargeRow) and row.captured_minor and row.currency.upper() == currency:
            yield row.captured_minor

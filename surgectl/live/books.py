"""What the live sources say of tickets and money, in the words of a till. What nobody reads is never guessed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_SOLD = ("stock.sold", "tickets.confirmed", "orders.confirmed", "shop.sold")
_CHARGED = ("captured_minor", "charged_minor")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is known while the sale is on."""

    counters: list[tuple[str, int, bool]]
    """Label, value, and whether it is money in minor units: what was sold, charged, and what of it stayed."""
    more: list[tuple[str, int, bool]] = []
    """What else somebody counts."""
    tries_a_payment: float | None = None
    """Requests that the provider received for each payment (shop -> provider); None: nobody reads its log live."""
    missing: list[str] = []
    """Of what people want to see, what no live source tells."""


def books(ledger: Mapping[str, int]) -> Told:
    """Take the live counters (`kind.name`) for a look. What a kind has beyond the wanted ones is `more`, by name."""
    used: set[str] = set()

    def take(*names: str) -> int | None:
        found = next((name for name in names if name in ledger), None)
        if found is None:
            return None
        used.add(found)
        return ledger[found]

    sold = take(*_SOLD)
    charged = take(*(name for name in ledger if name.partition(".")[2] in _CHARGED))
    refunded = take(*(name for name in ledger if name.partition(".")[2] == "refunded_minor"))
    posts, payments = take("requests.posts"), take("requests.payments")
    counters: list[tuple[str, int, bool]] = []
    missing = []
    if sold is not None:
        counters.append(("sold", sold, False))
    else:
        missing.append("sold")
    if charged is not None:
        counters.append(("charged", charged, True))
        if refunded is not None:
            counters.append(("net", charged - refunded, True))
    else:
        missing.append("charged")
    rest = [(name.partition(".")[2], ledger[name]) for name in sorted(set(ledger) - used)]
    more = [(label.removesuffix("_minor"), value, label.endswith("_minor")) for label, value in rest]
    tries = posts / payments if posts is not None and payments else None
    if tries is None:
        missing.append("provider")
    return Told(counters=counters, more=more, tries_a_payment=tries, missing=missing)

"""What the live sources say of tickets and money, in the words of a till. What nobody reads is never guessed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_SOLD = ("sold", "tickets.valid")


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
        """Of the first authority that counts one of these; the others' word for it is not told twice."""
        found = [full for name in names for full in ledger if full == name or full.partition(".")[2] == name]
        used.update(found)
        return ledger[found[0]] if found else None

    sold = take(*_SOLD)
    charged, refunded = take("charged_minor", "captured_minor"), take("refunded_minor")
    posts, payments = take("posts"), take("payments")
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

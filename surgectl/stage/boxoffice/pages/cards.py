"""The pretend cards that a person may choose from at the checkout."""

from __future__ import annotations

CARDS = {
    "pm_card_visa": "Visa 4242 (pays)",
    "pm_card_mastercard": "Mastercard 4444 (pays)",
    "pm_card_chargeDeclined": "Visa 0002 (is declined)",
    "pm_card_chargeDeclinedInsufficientFunds": "Visa 9995 (has not enough money on it)",
}
"""The provider's payment method → what the list says."""

"""A stranger's words for what this shop says: states, refusals, sums and instants."""

from __future__ import annotations

from datetime import UTC, datetime

from surgectl.units import show_money

STATES = {
    "pending": "OPEN",
    "confirmed": "PAID",
    "failed": "CANCELLED",
    "refunded": "RETURNED",
    "active": "KEPT",
    "ordered": "BOUGHT",
    "released": "LET_GO",
    "expired": "LAPSED",
    "valid": "GOOD",
    "void": "TORN",
}
PHASES = {"waiting": "WAIT", "admitted": "GO"}
REASONS = {
    "SOLD_OUT": "NOTHING_LEFT",
    "NOT_ENOUGH": "TOO_FEW_LEFT",
    "ALL_HELD": "IN_OTHER_HANDS",
    "TAKEN": "SPOT_GONE",
    "NO_SKU": "ARTICLE_UNKNOWN",
    "LIMIT": "TOO_MANY_FOR_ONE",
    "BUSY": "SLOW_DOWN",
    "HOLD_EXPIRED": "RESERVATION_LAPSED",
    "KEY_REUSED": "REQUEST_CHANGED",
    "KEY_MISSING": "REQUEST_UNNAMED",
    "NO_HOLD": "RESERVATION_UNKNOWN",
    "NO_ORDER": "PURCHASE_UNKNOWN",
    "NO_PLACE": "TURN_UNKNOWN",
    "NO_PASS": "NOT_YOUR_TURN",
    "WRONG_EMAIL": "NOT_YOURS",
    "DECLINED": "CARD_REFUSED",
    "PAYMENT_TIMEOUT": "BANK_SILENT",
    "IDENTITY_DENIED": "BUYER_REFUSED",
    "IDENTITY_TIMEOUT": "CHECK_SILENT",
    "SEATS_GONE": "PLACES_LOST",
    "NO_SEAT": "SPOT_UNKNOWN",
    "BAD_REQUEST": "NOT_UNDERSTOOD",
    "NOT_FOUND": "NO_SUCH_THING",
    "UNKNOWN": "UNCLEAR",
}
"""A code that is not here is said as it is."""


def state(ours: str) -> str:
    return STATES.get(ours, ours.upper())


def reason(ours: str) -> str:
    return REASONS.get(ours, ours)


def decimal(minor: int, currency: str) -> str:
    """(8900, EUR) → 89.00"""
    return show_money(minor, currency).split(" ")[0]


def instant(epoch_s: float) -> str:
    """Epoch seconds → 2026-03-01T20:00:00.250Z."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""The ways in which this provider can be built wrongly on purpose, by name."""

from __future__ import annotations

from surgectl.errors import UsageError, did_you_mean

DEFECTS = {
    "no-idempotency": "ignores Idempotency-Key: the same request twice is two charges",
    "short-memory": "forgets an idempotency key after a fifth of a second instead of a day",
    "twice-captured": "carries out a repeated request as well while the first one is still being worked on",
    "over-refund": "pays back a tenth more than was charged, as often as it is asked",
    "strange-charges": "books now and then a charge of another merchant's under our account",
    "bare-charges": "does not copy a payment intent's metadata to its charge",
}


def known_defect(name: str | None) -> str | None:
    """The name itself, or UsageError with the nearest valid one."""
    if name is not None and name not in DEFECTS:
        raise UsageError(
            f"no such defect of the payment provider: {name}",
            where="--defect",
            hint=did_you_mean(name, DEFECTS) or f"one of {', '.join(DEFECTS)}",
        )
    return name

"""Pays again under a new name: to the provider, every try after a time-out is another purchase."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct, one_key_per_order
from surgectl.stage.boxoffice.rows import Order


def one_key_per_try(order: Order, attempt: int, worker: str) -> str:
    """What an SDK does by itself when nobody gives it a key: fresh for each call of create()."""
    key = one_key_per_order(order, attempt, worker)
    return key if attempt == 1 else f"{key}-{attempt}"


CONDUCT = Conduct(payment_key=one_key_per_try, retries_blindly=True)

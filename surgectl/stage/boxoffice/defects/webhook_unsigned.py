"""Believes a letter whoever has written it: who can post "paid" to the shop gets tickets for nothing."""

from __future__ import annotations

from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.believed_letters import PAID, fulfil, order_of
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.events import Told


def any_hand_will_do(header: str, body: bytes, secret: str, now_s: float) -> bool:
    """The check was a nuisance in the tests, and was never switched on again."""
    return True


def fulfil_once(books: Books, told: Told, new: bool) -> Order | None:
    """Each event once, and only "paid": all would be well, had it been the provider who wrote."""
    order = order_of(books, told) if new and told.type == PAID else None
    return fulfil(books, order, told) if order is not None and order.state != "confirmed" else None


CONDUCT = Conduct(signed=any_hand_will_do, on_event=fulfil_once)

"""Takes an old name for a new wish: another order under the name of one that was made before is carried out as well."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.another_basket import order_anew
from surgectl.stage.boxoffice.refusals import Refused, Shedding
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.signing import Signer


def whatever_the_body_says(
    books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding
) -> Order:
    """The key and the body together are the name, so the same key with another body is new."""
    try:
        return orders.place(books, wish, signer, queue, shedding)
    except Refused as no:
        if no.code != "KEY_REUSED":
            raise
        return order_anew(books, wish, signer, queue, shedding)


CONDUCT = Conduct(place=whatever_the_body_says)

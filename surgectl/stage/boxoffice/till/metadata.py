"""What the provider is told of an order besides the money, so that its ledger can be read against ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from surgectl.stage.boxoffice.rows import Order


def everything(order: Order) -> dict[str, str]:
    """The order, the buyer and, where the fan said it, the intent."""
    told = {"order": order.id, "email": order.email}
    return told if order.intent is None else {**told, "intent": order.intent}


def number_alone(order: Order) -> dict[str, str]:
    """What most shops do: a reference of their own and nothing about the buyer."""
    return {"reference": order.id}


class Metadata(msgspec.Struct, frozen=True):
    """How an order is written into a payment's metadata, and under which name it is found there again."""

    write: Callable[[Order], dict[str, str]] = everything
    name: str = "order"

    def order(self, found: Mapping[str, str]) -> str | None:
        return found.get(self.name)


def metadata_of(disguise: bool) -> Metadata:
    return Metadata(number_alone, "reference") if disguise else Metadata()

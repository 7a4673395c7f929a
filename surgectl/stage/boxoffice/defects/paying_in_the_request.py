"""The fan waits until the bank has answered: what shops share that take the money while they are asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from surgectl.stage.boxoffice.asked import Asked

if TYPE_CHECKING:
    from surgectl.stage.boxoffice.shop import Shop

_LOOK_EVERY_NS = 10_000_000


class _Order(msgspec.Struct):
    order: str


_order = msgspec.json.Decoder(_Order)


async def decided(shop: Shop, request: Asked, response: web.Response) -> None:
    """Where this was an order, wait until it came to an end."""
    if request.method != "POST" or request.path != "/api/orders" or response.status != 202:
        return
    body = response.body
    assert isinstance(body, bytes)
    order, clock = _order.decode(body).order, shop.counter.clock
    while shop.counter.orders[order].state == "pending":
        await clock.sleep_until_ns(clock.now_ns() + _LOOK_EVERY_NS)

"""Works off a line without end, in order, also for those who have long gone: who presses again makes it longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from aiohttp import web

from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.conduct import Conduct, Serve
from surgectl.stage.boxoffice.defects.paying_in_the_request import decided

if TYPE_CHECKING:
    from surgectl.stage.boxoffice.shop import Shop

_HANDS = 4
_LEAST_S, _MOST_S = 0.2, 1.0


def every_order_in_its_turn(shop: Shop) -> Serve:
    """Four hands take orders, and none asks whether the fan is still there. A repeated request is work as well."""
    hands = asyncio.Semaphore(_HANDS)

    async def serve(request: Asked, answer: Awaitable[web.Response]) -> web.Response:
        if request.method != "POST" or request.path != "/api/orders":
            return await answer
        async with hands:
            work = asyncio.gather(_until_paid(shop, request, answer), asyncio.sleep(_LEAST_S))
            response, _ = await work
            return response

    return serve


async def _until_paid(shop: Shop, request: Asked, answer: Awaitable[web.Response]) -> web.Response:
    response = await answer
    try:
        async with asyncio.timeout(_MOST_S):
            await decided(shop, request, response)
    except TimeoutError:
        pass  # the fan may look it up
    return response


CONDUCT = Conduct(serve=every_order_in_its_turn)

"""Has few hands for everything: while they all wait for the bank, nobody is left to show where the cloakroom is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from aiohttp import web

from surgectl.stage.boxoffice import replies
from surgectl.stage.boxoffice.asked import Asked
from surgectl.stage.boxoffice.conduct import Conduct, Serve
from surgectl.stage.boxoffice.defects.paying_in_the_request import decided
from surgectl.stage.boxoffice.refusals import Refused

if TYPE_CHECKING:
    from surgectl.stage.boxoffice.shop import Shop

_HANDS = 6
_WAIT_S = 0.5


def one_pool_for_all(shop: Shop) -> Serve:
    """A request holds its worker until its payment is decided; a page that finds no worker in time is refused."""
    hands = asyncio.Semaphore(_HANDS)

    async def serve(request: Asked, answer: Awaitable[web.Response]) -> web.Response:
        try:
            async with asyncio.timeout(_WAIT_S):
                await hands.acquire()
        except TimeoutError:
            close = getattr(answer, "close", None)
            if close is not None:
                close()  # it was never begun
            return replies.refusal(Refused(503, "BUSY", "no worker is free"))
        try:
            response = await answer
            await decided(shop, request, response)
            return response
        finally:
            hands.release()

    return serve


CONDUCT = Conduct(serve=one_pool_for_all)

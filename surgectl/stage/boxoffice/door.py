"""The front door: every request goes to the room it is meant for, and the tagged ones are written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from surgectl.stage.boxoffice import replies
from surgectl.stage.boxoffice.api import Api
from surgectl.stage.boxoffice.disguise.room import Disguise
from surgectl.stage.boxoffice.pages.room import Pages
from surgectl.stage.boxoffice.shop import Shop
from surgectl.stage.boxoffice.till.postbox import PATH

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def door(shop: Shop) -> Handler:
    """The shop as its options want it, and beside it the letter box, which only the provider uses."""
    street, post = _street(shop), shop.post
    if post is None:
        return street

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST" and request.path == PATH:
            status, say = await post.receive(request.headers.get("Stripe-Signature", ""), await request.read())
            return replies.json(status, {"message": say})
        return await street(request)

    return answer


def _street(shop: Shop) -> Handler:
    """For programs and people, or in disguise, where nothing is logged by attempt."""
    api = Api(shop)
    if shop.options.disguise:
        return Disguise(api.tell)
    pages = Pages(shop, api.tell)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if pages.serves(request.path):
            return api.log(request, await pages(request))
        return await api(request)

    return answer

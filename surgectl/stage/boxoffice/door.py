"""The front door: every request goes to the room it is meant for, and the tagged ones are written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from surgectl.stage.boxoffice import replies
from surgectl.stage.boxoffice.api import Api
from surgectl.stage.boxoffice.disguise.room import Disguise
from surgectl.stage.boxoffice.pages.room import Pages
from surgectl.stage.boxoffice.pushes.hall import Hall, Sight
from surgectl.stage.boxoffice.pushes.speaking import Pushes
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
    pages, pushes = Pages(shop, api.tell), _pushes(shop, api)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if pages.serves(request.path):
            return api.log(request, await pages(request))
        if pushes.serves(request.method, request.path):
            return await pushes(request)
        return await api(request)

    return answer


def _pushes(shop: Shop, api: Api) -> Pushes:
    room = shop.room

    def sight() -> Sight:
        return Sight(room.head, room.waiting, len(room), room.numbered_after, shop.sold_out)

    hall = Hall(api.place, sight, lambda seq: room.position(seq) == 0, shop.counter.clock, shop.options.listeners)
    shop.leaving.append(hall.close)
    return Pushes(hall, shop.signer, shop.shedding, api.note)

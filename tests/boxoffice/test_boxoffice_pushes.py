"""The waiting room that pushes: event streams and WebSockets that say what the API would say, when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import Money, Shop, open_shop
from tests.boxoffice.test_doormen import life_of

KINDS = pytest.mark.parametrize("kind", ["events", "socket"])
Said = tuple[str, dict[str, Any]]


async def joined(shop: Shop, count: int) -> list[str]:
    ids = []
    for n in range(count):
        status, place, _ = await shop.ask("POST", "/api/queue", {"email": f"f{n}@example.org"})
        assert status == 202, place
        ids.append(place["id"])
    return ids


async def events(shop: Shop, place: str, **headers: str) -> AsyncGenerator[Said, None]:
    """What the stream says, by id and data, until it ends; the stream's head first."""
    async with shop.http.get(f"{shop.url}/api/queue/{place}/events", headers=headers) as reply:
        assert (reply.status, reply.content_type) == (200, "text/event-stream")
        block: dict[str, str] = {}
        async for line in reply.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                block[name] = value
                continue
            if "data" in block:
                yield block["id"], msgspec.json.decode(block["data"])
            block = {}


async def socket(shop: Shop, place: str) -> AsyncGenerator[Said, None]:
    async with shop.http.ws_connect(f"{shop.url}/api/line") as speaks:
        await speaks.send_json({"place": place})
        async for message in speaks:
            yield "", message.json()


async def heard(shop: Shop, kind: str, place: str) -> list[dict[str, Any]]:
    """Everything until the wait is over."""
    said = []
    async with asyncio.timeout(20), aclosing((events if kind == "events" else socket)(shop, place)) as stream:
        async for _, told in stream:
            said.append(told)
            if told.get("state") == "admitted" or "code" in told:
                break
    return said


@KINDS
async def test_whoever_listens_is_told_how_the_line_moves(kind: str, money: Money, tmp_path: Path) -> None:
    """Positions that only fall, each told once, and in the end the pass: the same that the API gives."""
    async with open_shop(money.url, tmp_path / "books", admission_per_s=10.0) as shop:
        ids = await joined(shop, 12)
        told = await asyncio.gather(*(heard(shop, kind, place) for place in ids))
        for place, said in zip(ids, told, strict=True):
            positions = [one["position"] for one in said]
            assert positions == sorted(set(positions), reverse=True), positions
            assert said[-1]["state"] == "admitted"
            assert (await shop.ask("GET", f"/api/queue/{place}"))[1]["pass"] == said[-1]["pass"]
        assert len(told[-1]) > 1, "the last one had to wait, and was told so"


@KINDS
async def test_all_is_sold(kind: str, money: Money, tmp_path: Path) -> None:
    """Whoever still waits is told at once; whoever comes later is refused, or told as the first word."""
    async with open_shop(money.url, tmp_path / "books", capacity=1, admission_per_s=1.0) as shop:
        _, waits = await joined(shop, 2)
        listening = asyncio.create_task(heard(shop, kind, waits))
        assert (await shop.buy("f0@example.org"))["state"] == "confirmed"
        await shop.when(lambda stock: stock["sold"] == 1)
        assert (await listening)[-1]["code"] == "SOLD_OUT"
        if kind == "events":
            status, told, _ = await shop.ask("GET", f"/api/queue/{waits}/events")
            assert (status, told["code"]) == (410, "SOLD_OUT")
        else:
            assert [one["code"] for one in await heard(shop, kind, waits)] == ["SOLD_OUT"]


async def test_before_the_draw_there_is_no_position(money: Money, tmp_path: Path) -> None:
    """The pre-queue is told once that it is one, and then its numbers."""
    lottery = {"order": "lottery", "prequeue_ns": 300_000_000, "admission_per_s": 100.0}
    async with open_shop(money.url, tmp_path / "books", **lottery) as shop:
        for said in await asyncio.gather(*(heard(shop, "events", place) for place in await joined(shop, 4))):
            assert [one["state"] for one in said][0::10] == ["prequeue"]
            assert said[-1]["state"] == "admitted"


async def test_whoever_comes_back_is_not_told_the_same(money: Money, tmp_path: Path) -> None:
    """Last-Event-ID is what was heard last: equal news is no news."""
    async with open_shop(money.url, tmp_path / "books", admission_per_s=0.001) as shop:
        (_, place) = await joined(shop, 2)
        async with aclosing(events(shop, place)) as stream:
            last, told = await anext(stream)
        assert told["position"] == int(last)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), aclosing(events(shop, place, **{"Last-Event-ID": last})) as stream:
                await anext(stream)
        async with asyncio.timeout(5), aclosing(events(shop, place, **{"Last-Event-ID": "999"})) as stream:
            assert (await anext(stream))[0] == last


async def test_refusals(money: Money, tmp_path: Path) -> None:
    """No such place, no WebSocket, no first word, one listener too many: said as the API says it."""
    async with open_shop(money.url, tmp_path / "books", admission_per_s=0.001, listeners=1) as shop:
        (_, place) = await joined(shop, 2)
        assert (await shop.ask("GET", "/api/queue/place_9_ab/events"))[0] == 404
        status, told, headers = await shop.ask("GET", "/api/line")
        assert (status, told["code"], headers["Upgrade"]) == (426, "UPGRADE_REQUIRED", "websocket")
        async with shop.http.ws_connect(f"{shop.url}/api/line") as speaks:
            await speaks.send_str("hello")
            assert (await speaks.receive()).data == aiohttp.WSCloseCode.POLICY_VIOLATION
        async with aclosing(socket(shop, "place_9_ab")) as stream:
            assert (await anext(stream))[1]["code"] == "NO_PLACE"
        async with aclosing(events(shop, place)) as stream:
            await anext(stream)
            for path in (f"/api/queue/{place}/events", "/api/line"):
                status, told, headers = await shop.ask("GET", path)
                assert (status, told["code"]) == (503, "BUSY") and int(headers["Retry-After"]) >= 1


async def test_a_shop_that_closes_says_goodbye(money: Money, tmp_path: Path) -> None:
    """Streams end as streams end, WebSockets with 1001, and nobody holds the shop up."""
    async with aiohttp.ClientSession() as http, open_shop(money.url, tmp_path / "books", admission_per_s=0.001) as shop:
        (_, place) = await joined(shop, 2)
        reply = await http.get(f"{shop.url}/api/queue/{place}/events")
        speaks = await http.ws_connect(f"{shop.url}/api/line")
        await speaks.send_json({"place": place})
        await speaks.receive()
        begun = asyncio.get_running_loop().time()
        closed = asyncio.create_task(reply.read())  # a stream that was cut would raise
        goodbye = asyncio.create_task(speaks.receive())
    assert asyncio.get_running_loop().time() - begun < 1.9
    assert b"event: place" in await closed
    assert (await goodbye).data == aiohttp.WSCloseCode.GOING_AWAY


@pytest.mark.real
@pytest.mark.parametrize("more", [{}, {"defect": "lifo"}, {"order": "lottery", "prequeue": "300ms"}])
async def test_doormen_push_too(more: dict[str, Any], tmp_path: Path) -> None:
    """Whichever process the connection came to, everybody is let in; killed, the shop cuts every stream."""
    async with running(PaymentOptions()) as open_, aiohttp.ClientSession() as http:
        life = life_of(open_.url, tmp_path / "books", admission_per_s=40.0, **more)
        shop = Shop(await life.begin(), http)
        try:
            ids = await joined(shop, 24)
            kinds = ["events", "socket"] * 12
            told = await asyncio.gather(*(heard(shop, kind, place) for kind, place in zip(kinds, ids, strict=True)))
            assert {said[-1]["state"] for said in told} == {"admitted"}
            async with aclosing(events(shop, ids[0])) as stream:
                await anext(stream)
                await life.kill()
                with pytest.raises(aiohttp.ClientError):
                    await asyncio.wait_for(anext(stream), 5)
        finally:
            await life.kill()

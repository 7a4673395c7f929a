"""Opens an event stream or a WebSocket and reads it to its end.

Server-sent events: WHATWG HTML §9.2. WebSocket: RFC 6455, by aiohttp, which answers pings and puts fragments together.
"""

from __future__ import annotations

import asyncio

import aiohttp
from yarl import URL

from surgectl.engine.drivers import redirect
from surgectl.engine.drivers.aiohttp_driver import (
    AiohttpDriver,
    NoUpgrade,
    current_mark,
    headers_of,
    how_broken,
    listening,
    read_some,
    say,
    upgrading,
)
from surgectl.engine.drivers.browser import Browser
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.limits import MOST_REFUSAL_BYTES
from surgectl.engine.drivers.place import Place, place
from surgectl.engine.drivers.pushes.ear import Ear
from surgectl.engine.drivers.pushes.event_stream import EventStream, TooLong
from surgectl.engine.drivers.redirect import Headers, Hop
from surgectl.journey.messages import Push, Reply, Wire

_CLOSING_S = 1.0
"""How long a WebSocket's other end may take over its goodbye."""
_ENDED = frozenset({aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED})


class Refused(Exception):
    """The connection was not opened; the reply says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.detail)
        self.reply = reply


async def speaking(ear: Ear, browser: Browser, wire: Wire, push: Push, mark: Mark) -> Reply:
    """What the end of the connection, or its refusal, says. Messages go to the ear."""
    driver = await browser.pushing()
    driver.streams.add(task := asyncio.current_task())
    current_mark.set(mark)
    listening.set(True)
    try:
        with driver.pulse:
            if push.kind == "sse":
                return await _events(driver, ear, browser, wire, push, mark)
            return await _socket(driver, ear, browser, wire, push, mark)
    except Refused as refused:
        return refused.reply
    except NoUpgrade as no:
        there = place(URL(wire.url))
        browser.kept(no.headers, there)
        return Reply(status=no.status, headers=no.headers, body=no.body, url=there.text, detail="no WebSocket")
    except (aiohttp.ClientError, OSError, ValueError, TooLong) as error:
        detail = str(error) if isinstance(error, TooLong) else say(error)
        return Reply(broken=how_broken(error, mark), sent_ns=mark.sent_ns, detail=detail)
    finally:
        driver.streams.discard(task)


async def _events(driver: AiohttpDriver, ear: Ear, browser: Browser, wire: Wire, push: Push, mark: Mark) -> Reply:
    headers = tuple(pair for pair in wire.headers if pair[0].lower() not in ("accept", "last-event-id"))
    headers = (*headers, ("Accept", "text/event-stream"), ("Cache-Control", "no-store"))
    if ear.last_id:
        headers = (*headers, ("Last-Event-ID", ear.last_id))
    async with asyncio.timeout(push.open_ns / 1e9):
        response, there = await _open(driver, browser, wire, headers, mark)
    try:
        stream = EventStream(driver.most_body_bytes, ear.last_id)
        ear.opened()
        try:
            while piece := await response.content.readany():
                quiet_ns = driver.pulse.quiet_ns
                messages = stream.feed(piece)
                wanted = [one for one in messages if not push.events or one.event in push.events]
                if not wanted:
                    ear.stirred()
                for message in wanted:
                    if not await ear.came(message.event, message.data, there, quiet_ns):
                        return Reply(broken="invalid", detail="more messages than any waiting room has")
                ear.last_id = stream.last_id
        except (aiohttp.ClientError, OSError) as error:
            return Reply(broken="cut", detail=say(error))
        return Reply(broken="cut", detail="the stream ended")
    finally:
        response.close()
        if stream.retry_ms is not None:
            ear.retry_ms = stream.retry_ms


async def _open(
    driver: AiohttpDriver, browser: Browser, wire: Wire, headers: Headers, mark: Mark
) -> tuple[aiohttp.ClientResponse, Place]:
    """A stream that speaks; redirects are followed, as EventSource does. Refused."""
    hop = Hop(method="GET", url=URL(wire.url), headers=headers, body=None)
    for _ in range(redirect.MOST_HOPS + 1):
        there = place(hop.url)
        sent = browser.dressed(hop.headers, there)
        if isinstance(sent, str):
            raise Refused(Reply(broken="not-sent" if mark.sent_ns is None else "cut", detail=sent))
        mark.sends = 1
        response = await driver.http.request("GET", hop.url, headers=sent, allow_redirects=False)
        answer = headers_of(response)
        browser.kept(answer, there)
        if response.status == 200 and response.content_type == "text/event-stream":
            return response, there
        try:
            location = redirect.location(response.status, answer)
            onward = redirect.next_hop(hop, response.status, location) if location else None
            if onward is None:
                body = await read_some(response, MOST_REFUSAL_BYTES)
                raise Refused(
                    Reply(status=response.status, headers=answer, body=body, url=there.text, detail="no event stream")
                )
            hop = onward
        finally:
            response.close()
    raise Refused(Reply(broken="invalid", detail="too many redirects"))


async def _socket(driver: AiohttpDriver, ear: Ear, browser: Browser, wire: Wire, push: Push, mark: Mark) -> Reply:
    there = place(URL(wire.url))
    sent = browser.dressed(wire.headers, there)
    if isinstance(sent, str):
        return Reply(broken="not-sent", detail=sent)
    if not any(name.lower() == "origin" for name, _ in sent):
        sent = (*sent, ("Origin", there.text[: there.text.find("/", there.text.find("//") + 2)]))  # RFC 6455 §4.1
    mark.sends = 1
    upgrading.set(True)
    async with asyncio.timeout(push.open_ns / 1e9):
        socket = await driver.http.ws_connect(
            there.text,
            headers=sent,
            max_msg_size=driver.most_body_bytes,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSING_S),
        )
    try:
        ear.opened()
        if wire.body is not None:
            await socket.send_str(wire.body.decode("utf-8", "replace"))
        while True:
            message = await socket.receive()
            if message.type in _ENDED:
                return Reply(broken="cut", detail=f"the WebSocket was closed ({socket.close_code})")
            if message.type is aiohttp.WSMsgType.ERROR:
                return Reply(broken="invalid", detail=f"the WebSocket failed ({socket.close_code})")
            data = message.data.encode() if isinstance(message.data, str) else bytes(message.data)
            if not await ear.came("message", data, there, driver.pulse.quiet_ns):
                return Reply(broken="invalid", detail="more messages than any waiting room has")
    finally:
        await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)

"""The two ways to be told: server-sent events (WHATWG HTML §9.2) and a WebSocket (RFC 6455)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from surgectl.stage.boxoffice import replies
from surgectl.stage.boxoffice.line import PLACES
from surgectl.stage.boxoffice.pushes.hall import HEARTBEAT_S, Hall, Listener, Told, read
from surgectl.stage.boxoffice.refusals import Refused, Shedding
from surgectl.stage.boxoffice.signing import Signer

SOCKET = "/api/line"
_EVENTS = "/events"
_RETRY_MS = 1000
"""How long whoever loses the stream should wait before opening it again."""
_FIRST_WORD_S = 10.0
_MOST_SAID_BYTES = 4096


class _Watch(msgspec.Struct):
    place: str


_watch = msgspec.json.Decoder(_Watch)


class Pushes:
    """`GET /api/queue/{id}/events`, and a WebSocket at `/api/line` that is told `{"place": id}` first."""

    def __init__(
        self, hall: Hall, signer: Signer, shedding: Shedding, log: Callable[[web.BaseRequest, int], None]
    ) -> None:
        self._hall = hall
        self._signer = signer
        self._shedding = shedding
        self._log = log
        """Writes a tagged request down, with its status, before its answer leaves."""

    def serves(self, method: str, path: str) -> bool:
        return method == "GET" and (path == SOCKET or (path.startswith(PLACES) and path.endswith(_EVENTS)))

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Refused as the API refuses, or kept open until there is nothing to tell any more."""
        if self._hall.full:
            return self._refused(request, replies.refusal(self._shedding.busy("too many listen")))
        if request.path == SOCKET:
            return await self._socket(request)
        return await self._events(request, request.path.removeprefix(PLACES).removesuffix(_EVENTS))

    # -- server-sent events

    async def _events(self, request: web.BaseRequest, place: str) -> web.StreamResponse:
        answer = await self._hall.look(place)
        if read(answer).status != 200:
            return self._refused(request, answer)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        heard = request.headers.get("Last-Event-ID", "")
        with self._hall.listening(place, self._seq(place), lambda: request.transport is None, heard) as listener:
            try:
                self._log(request, stream.status)
                await stream.prepare(request)
                await stream.write(b"retry: %d\n\n" % _RETRY_MS)
                while True:
                    told = await listener.news()
                    await stream.write(b": still here\n\n" if told is None else _event(told))
            except (EOFError, ConnectionError):
                return stream

    # -- a WebSocket

    async def _socket(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, compress=False, max_msg_size=_MOST_SAID_BYTES)
        if not socket.can_prepare(request).ok:
            no = Refused(426, "UPGRADE_REQUIRED", "this is a WebSocket")
            answer = replies.refusal(no)
            answer.headers["Upgrade"] = "websocket"  # RFC 9110 §15.5.22
            return self._refused(request, answer)
        self._log(request, socket.status)
        await socket.prepare(request)
        try:
            said = await socket.receive(timeout=_FIRST_WORD_S)
            if said.type is not WSMsgType.TEXT:
                raise ValueError
            place = _watch.decode(said.data).place
        except (TimeoutError, ValueError, msgspec.MsgspecError):
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b'say {"place": id} first')
            return socket
        with self._hall.listening(place, self._seq(place), lambda: socket.closed) as listener:
            telling = asyncio.get_running_loop().create_task(_tell(socket, listener))
            try:
                async for _ in socket:  # pings are answered here, and the goodbye is heard
                    pass
            finally:
                telling.cancel()
                await asyncio.wait({telling})
        return socket

    def _refused(self, request: web.BaseRequest, answer: web.Response) -> web.Response:
        self._log(request, answer.status)
        return answer

    def _seq(self, place: str) -> int:
        """0, which stands nowhere, for a place that is not of our making."""
        return self._signer.read("place", place) or 0


async def _tell(socket: web.WebSocketResponse, listener: Listener) -> None:
    try:
        while True:
            told = await listener.news()
            if told is None:
                continue  # aiohttp's own pings find out who has gone
            await socket.send_str(told.body.decode())
            if told.status != 200:
                await socket.close(code=WSCloseCode.OK)
    except EOFError:
        await socket.close(code=WSCloseCode.GOING_AWAY)
    except ConnectionError:
        return


def _event(told: Told) -> bytes:
    """`place`, or `over`; its id is the state, so that whoever comes back is not told the same once more."""
    name = b"place" if told.status == 200 else b"over"
    return b"event: %s\nid: %s\ndata: %s\n\n" % (name, told.state.encode(), told.body)

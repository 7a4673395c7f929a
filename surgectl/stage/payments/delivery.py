"""Sends the reply, or fails to on purpose, and says what became of it."""

from __future__ import annotations

import asyncio
import socket
import struct

import msgspec
from aiohttp import web

_PHRASES = {200: "OK", 402: "Payment Required", 400: "Bad Request", 500: "Internal Server Error"}
_LOOK_EVERY_S = 0.02


class Answer(msgspec.Struct):
    """A decided reply; status 0 where there is none, because the connection was given up on purpose.

    `after` is the fault that awaits it on its way out, `after_ns` its length.
    """

    status: int
    body: bytes
    headers: dict[str, str]
    after: str | None = None
    after_ns: int = 0


def gone(request: web.BaseRequest) -> bool:
    """Whether the caller has closed the connection."""
    transport = request.transport
    return transport is None or transport.is_closing()


async def hang(request: web.BaseRequest, length_ns: int) -> None:
    """Say nothing until the caller leaves or the time is over, then close without a word."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + length_ns / 1e9
    while not gone(request) and loop.time() < end_s:
        await asyncio.sleep(_LOOK_EVERY_S)
    reset(request)


def reset(request: web.BaseRequest) -> None:
    """Close at once with a TCP RST, so that the caller sees `connection reset by peer`."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def deliver(request: web.BaseRequest, answer: Answer) -> tuple[web.StreamResponse, str]:
    """Send it. The second value is the request log's word: written, gone, hung, reset or truncated."""
    if answer.after_ns and answer.after != "hang":
        await asyncio.sleep(answer.after_ns / 1e9)
    response = web.Response(body=answer.body, status=answer.status or 500, headers=answer.headers)
    if answer.status == 0:
        reset(request)
        return response, "hung" if answer.after == "hang" else "reset"
    if gone(request):
        return response, "gone"
    if answer.after == "hang":
        await hang(request, answer.after_ns)
        return response, "hung"
    if answer.after == "reset":
        reset(request)
        return response, "reset"
    if answer.after == "truncate":
        transport = request.transport
        assert transport is not None  # gone() has looked
        head = [f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, 'Status')}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        head += [f"Content-Length: {len(answer.body)}", "", ""]
        transport.write("\r\n".join(head).encode("latin-1", "replace") + answer.body[: len(answer.body) // 2])
        transport.close()
        return response, "truncated"
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return response, "gone"
    return response, "written"

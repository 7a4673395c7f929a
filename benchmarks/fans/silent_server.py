"""A shop whose line takes everybody and whose polls are never answered: `python -m benchmarks.fans.silent_server`.

With the word `answers` they are: wait, and ask again in ten minutes. Prints its port. Ends when its stdin does, so that it never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from benchmarks.fans.crowd import LAST, SHOP


class _Silent(asyncio.Protocol):
    """Enough HTTP for requests that come whole: our own driver sends them so."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, rest = self._heard.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if _is_length(line)), 0)
        if not end or len(rest) < length:
            return
        self._heard = rest[length:]
        path = head.split(b" ", 2)[1].decode("ascii")
        if path == LAST and "answers" not in sys.argv:
            return
        status, said = SHOP[path]
        body = msgspec.json.encode(said)
        first = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(first.encode("ascii") + body)


def _is_length(line: bytes) -> bool:
    return line.lower().startswith(b"content-length:")


async def serve() -> None:
    """Until stdin ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Silent, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())

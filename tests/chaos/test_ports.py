"""Ports that are ours before anything listens on them."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest
import uvloop

from surgectl.chaos.ports import Port


def test_a_port_is_ours_for_as_long_as_we_hold_it() -> None:
    """Nobody else who looks for a port gets it; when we let go, anybody may."""
    port = Port()
    number = port.number
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", number))
    del port
    gc.collect()
    with socket.socket() as other:
        other.bind(("127.0.0.1", number))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_server_of_ours_listens_on_it_and_again(run: object) -> None:
    """Also a second time: a part of the stage is killed and started again on the same port."""
    assert callable(run)
    port = Port()

    async def serves_twice() -> None:
        for _ in range(2):
            server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port.number)
            _, writer = await asyncio.open_connection("127.0.0.1", port.number)
            writer.close()
            server.close()
            await server.wait_closed()

    run(serves_twice())


def test_two_are_never_the_same() -> None:
    assert len({port.number for port in [Port() for _ in range(200)]}) == 200

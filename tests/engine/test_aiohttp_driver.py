"""What is true of the aiohttp driver alone: the resending that had to be turned off."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from surgectl.clock import SystemClock
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.journey.messages import Wire
from tests.engine.rawserver import RawServer, second_closes

CLOCK = SystemClock()


@pytest.fixture
async def driver() -> AsyncIterator[AiohttpDriver]:
    async with AiohttpDriver(CLOCK, CLOCK.now_ns()) as it:
        yield it


def get(url: str) -> Wire:
    return Wire(method="GET", url=url)


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_our_own_guard_stops_a_resend_that_aiohttp_would_make(driver: AiohttpDriver, method: str) -> None:
    """Were aiohttp's resending on again, the request itself would still refuse to leave twice."""
    driver.http._retry_connection = True

    async with RawServer(second_closes) as server:
        session = driver.session()
        await session.send(get(server.url), 0)
        reply = await session.send(Wire(method=method, url=server.url), 0)
        assert len(server.requests) == 2
    assert reply.broken == "cut" and reply.detail == "_Resent"


async def test_this_aiohttp_does_resend_when_let(driver: AiohttpDriver) -> None:
    """The danger is real: without our guards this aiohttp sends a GET twice (else the guards guard nothing)."""
    import aiohttp

    async with RawServer(second_closes) as server, aiohttp.ClientSession() as naive:
        await (await naive.get(server.url)).read()
        await (await naive.get(server.url)).read()
        assert len(server.requests) == 3

"""The drivers that every conformance case runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from surgectl.clock import SystemClock
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.engine.drivers.wire.wire_driver import WireDriver

CLOCK = SystemClock()
Subject = AiohttpDriver | WireDriver
Make = Callable[..., Subject]
DRIVERS: dict[str, Make] = {"aiohttp": AiohttpDriver, "wire": WireDriver}
_ON_SOCKETS = ("test_driver_", "test_wire_driver")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Drivers are tried on the loop of a real run."""
    if item.path.name.startswith(_ON_SOCKETS):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(params=list(DRIVERS))
def make_driver(request: pytest.FixtureRequest) -> Make:
    """Makes the driver under test."""
    return DRIVERS[request.param]


@pytest.fixture
async def driver(make_driver: Make) -> AsyncIterator[Subject]:
    """The driver under test, open."""
    async with make_driver(CLOCK, CLOCK.now_ns()) as it:
        yield it

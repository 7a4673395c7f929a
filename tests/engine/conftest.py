"""The drivers that every conformance case runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from surgectl.clock import SystemClock
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.engine.drivers.wire.wire_driver import WireDriver

CLOCK = SystemClock()
Subject = AiohttpDriver | WireDriver
Make = Callable[..., Subject]
DRIVERS: dict[str, Make] = {"aiohttp": AiohttpDriver, "wire": WireDriver}


@pytest.fixture(params=list(DRIVERS))
def make_driver(request: pytest.FixtureRequest) -> Make:
    """Makes the driver under test."""
    return DRIVERS[request.param]


@pytest.fixture
async def driver(make_driver: Make) -> AsyncIterator[Subject]:
    """The driver under test, open."""
    async with make_driver(CLOCK, CLOCK.now_ns()) as it:
        yield it

"""A provider to talk to, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.payments.server import Options, running
from tests.payments.shop import Shop


@pytest.fixture
async def open_shop() -> AsyncIterator[Callable[..., Awaitable[Shop]]]:
    """Opens providers in this process, as many as a test wants."""
    async with AsyncExitStack() as stack:

        async def open_(**options: Any) -> Shop:
            open_provider = await stack.enter_async_context(running(Options(**options)))
            # Clients close first: a server waits for its connections.
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(20))
            )
            return Shop(session, open_provider.url, open_provider.control)

        yield open_


@pytest.fixture
async def shop(open_shop: Callable[..., Awaitable[Shop]]) -> Shop:
    return await open_shop()


@dataclass
class OwnProcess:
    """A provider as `surgectl stage payments` runs it."""

    process: asyncio.subprocess.Process
    url: str
    control: str

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


_RUN = """
import json, sys
from surgectl.cli.stage_payments import serve_payments
serve_payments(json.loads(sys.argv[1]), until_stdin_closes=True)
"""


@pytest.fixture
async def start_process() -> AsyncIterator[Callable[..., Awaitable[OwnProcess]]]:
    """Starts providers in processes of their own, and ends those that a test left running."""
    started: list[asyncio.subprocess.Process] = []

    async def start(data: Path | None = None, latency: str = "0s", **flags: Any) -> OwnProcess:
        said = {"latency": latency, "data": str(data) if data else None, **flags}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _RUN,
            json.dumps(said),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        ready = json.loads(line)
        assert ready["ready"] == "payments"
        return OwnProcess(process, ready["url"], ready["control"])

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()

"""A shop's ear for webhooks: notes every letter, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Letter:
    body: bytes
    signature: str

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers with the next of `answers`, then with 200; `silent` answers nothing at all."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    silent: bool = False
    letters: list[Letter] = field(default_factory=list)
    most_at_once: int = 0
    slow_s: float = 0.0
    _at_once: int = 0

    async def take(self, request: web.BaseRequest) -> web.Response:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.letters.append(Letter(await request.read(), request.headers["Stripe-Signature"]))
            if self.silent:
                await asyncio.sleep(60)
            await asyncio.sleep(self.slow_s)
            return web.Response(status=self.answers.pop(0) if self.answers else 200)
        finally:
            self._at_once -= 1

    def types(self) -> list[str]:
        return [letter.event["type"] for letter in self.letters]


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on a port of loopback."""
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.take, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()

"""What a fan who waits for a push costs us: `python -m benchmarks.listeners [--fans 10000] [--kind sse|ws]`.

A shop in a process of its own lets everybody connect and says nothing more than one word; the resident memory of this
process, before and after, is what the pages that listen cost, and its CPU time over ten seconds what their silence
does. Linux; needs as many open files as fans.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import sys
import time
from pathlib import Path

import uvloop
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.journey.messages import Push, Reply, Wire

_AT_ONCE = 200


async def shop() -> None:
    """Says one word to everybody, and keeps the connection."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/ws":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.send_str("{}")
            async for _ in socket:
                pass
            return socket
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b"data: {}\n\n")
        while request.transport is not None:
            await asyncio.sleep(60)
        return stream

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def rss() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def measure(fans: int, kind: str, silence_s: float) -> str:
    """A line of the table."""
    serving = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.listeners", "--shop"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert serving.stdout is not None
    url = f"http://127.0.0.1:{int(await serving.stdout.readline())}/{kind}"
    clock = SystemClock()
    push = Push(kind="sse" if kind == "sse" else "ws")
    wire = Wire(method="GET", url=url, timeout_ns=3600 * 10**9)
    async with WireDriver(clock, clock.now_ns()) as driver:
        heard = 0

        async def listen() -> object:
            nonlocal heard
            ear, first = driver.session().ear(), asyncio.get_running_loop().create_future()
            ear.hear(wire, push, driver.now_ns(), Mark(), first.set_result)
            reply: Reply = await first
            heard += reply.broken is None
            ear.hear(wire, push, driver.now_ns(), Mark(), _nobody)
            return ear

        pages = [await listen()]  # what is loaded once is not a fan's cost
        before = rss()
        while len(pages) < fans:
            pages += await asyncio.gather(*(listen() for _ in range(min(_AT_ONCE, fans - len(pages)))))
        after, cpu_s = rss(), time.process_time()
        await asyncio.sleep(silence_s)
        cpu_s = time.process_time() - cpu_s
    serving.terminate()
    await serving.wait()
    each = (after - before) / (fans - 1)
    return f"{kind}: {heard:,} listen, {each:,.0f} bytes each; silence costs {cpu_s / silence_s:.1%} of a core"


def _nobody(reply: Reply) -> None:
    """Nothing is said any more."""


def main(words: list[str] | None = None) -> int:
    """Measure and print a line."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--fans", type=int, default=10_000)
    asked.add_argument("--kind", choices=("sse", "ws"), default="sse")
    asked.add_argument("--silence", type=float, default=10.0, help="seconds of it")
    asked.add_argument("--shop", action="store_true", help=argparse.SUPPRESS)
    options = asked.parse_args(words)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.shop:
        asyncio.run(shop())
        return 0
    print(uvloop.run(measure(options.fans, options.kind, options.silence)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

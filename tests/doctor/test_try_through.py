"""`surgectl check --try` of a shop that pays through its link: the link is there while the fan plays, and then gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.cli.through import Through
from surgectl.cli.try_fan import try_target
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.proxy.server import serving as proxy_serving
from tests.doctor.corner_shop import TARGET, CornerShop, opened

HOOK = """\
teardown: {run: [python, -c, "import pathlib; pathlib.Path('given-back').touch()"]}
setup: {run: [python, -c, "print()"]}
"""


async def tried(shop: CornerShop, folder: Path, *words: str, text: str = TARGET) -> asyncio.subprocess.Process:
    sets = [word for name, value in shop.variables().items() for word in ("--set", f"{name}={value}")]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "surgectl", "check", str(shop.target(folder, text)), "--try", *words, *sets),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "300", "PATH": "/usr/bin:/bin"},
    )


async def said(child: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    return (out + err).decode()


def nobody_listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as asking:
        return asking.connect_ex((host, int(port))) != 0


@asynccontextmanager
async def server() -> AsyncIterator[tuple[str, Toxiproxy]]:
    async with proxy_serving("127.0.0.1:0", 7, False, SystemClock()) as url:
        yield url, Toxiproxy(url)


@pytest.mark.real
async def test_a_shop_that_pays_through_its_link_sells(tmp_path: Path) -> None:
    """Without a second terminal: confirmed, and afterwards nobody listens there; with --no-links the till is closed."""
    async with opened(CornerShop()) as shop:
        child = await tried(shop, tmp_path)
        told = await said(child)
        assert child.returncode == 0 and "ended confirmed (ok)" in told, told
        assert f"link payments: {shop.link} leads to {shop.provider} while this fan plays (the embedded proxy)" in told
        assert nobody_listens(shop.link)
        final = TARGET.replace("end: declined", "end: sold-out")  # after which nobody tries again
        closed = await said(await tried(shop, tmp_path, "--no-links", text=final))
        assert "ended sold-out (fail)" in closed and f"nobody listens at {shop.link}" in closed, closed


@pytest.mark.real
async def test_a_link_that_somebody_else_has_up_is_left_to_them(tmp_path: Path) -> None:
    """It is said, and the fan goes through what stands there."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = shop.provider.partition(":")
        back, onward = await asyncio.open_connection(host, int(port))

        async def one(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while piece := await source.read(65_536):
                sink.write(piece)
            sink.close()

        await asyncio.gather(one(reader, onward), one(back, writer))

    async with opened(CornerShop()) as shop:
        host, _, port = shop.link.partition(":")
        theirs = await asyncio.start_server(pump, host, int(port))
        child = await tried(shop, tmp_path)
        told = await said(child)
        theirs.close()
    assert child.returncode == 0 and "ended confirmed (ok)" in told, told
    assert f"link payments: {shop.link} is left to whoever listens there" in told


async def hangs(shop: CornerShop, asked: asyncio.Event) -> asyncio.Server:
    """A provider that never answers."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            asked.set()
        await reader.read()
        writer.close()

    provider = await asyncio.start_server(silent, "127.0.0.1", 0)
    shop.provider = f"127.0.0.1:{provider.sockets[0].getsockname()[1]}"
    return provider


Stop = Callable[[asyncio.subprocess.Process, Path], Awaitable[None]]


async def once(child: asyncio.subprocess.Process, folder: Path) -> None:
    child.send_signal(signal.SIGINT)


async def ended(child: asyncio.subprocess.Process, folder: Path) -> None:
    child.send_signal(signal.SIGTERM)


async def twice(child: asyncio.subprocess.Process, folder: Path) -> None:
    """The first makes it tear down, which takes an hour here."""
    child.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        while not (folder / "begun").exists():
            await asyncio.sleep(0.02)
    child.send_signal(signal.SIGINT)


SLOW_HOOK = HOOK.replace("Path('given-back').touch()", "Path('begun').touch(); import time; time.sleep(3600)")


@pytest.mark.real
@pytest.mark.parametrize(
    ("stop", "code", "hook"),
    [(once, 130, HOOK), (ended, 143, HOOK), (twice, 130, SLOW_HOOK)],
    ids=["int", "term", "twice"],
)
async def test_stopped_in_the_middle_it_leaves_nothing_behind(tmp_path: Path, stop: Stop, code: int, hook: str) -> None:
    """On somebody's Toxiproxy neither proxy nor claim is left, whatever the signal; the first one lets the teardown
    run, the second one leaves at once."""
    asked = asyncio.Event()
    async with server() as (url, toxiproxy), opened(CornerShop()) as shop:
        provider = await hangs(shop, asked)
        child = await tried(shop, tmp_path, "--toxiproxy", url, text=TARGET + hook)
        async with asyncio.timeout(30):
            await asked.wait()
        (proxy,) = (await toxiproxy.proxies()).values()
        assert proxy.name == "surgectl-payments" and [toxic.type for toxic in proxy.toxics] == ["noop"]
        await stop(child, tmp_path)
        told = await said(child)
        provider.close()
        assert (child.returncode, await toxiproxy.proxies()) == (code, {}), told
    assert (tmp_path / "given-back").exists() == (hook == HOOK)


def test_two_wishes_that_exclude_each_other(tmp_path: Path) -> None:
    """A Toxiproxy for links that nobody wants."""
    with pytest.raises(UsageError, match="exclude each other"):
        try_target("x.yaml", {}, "patient", Through(links=False, toxiproxy="http://127.0.0.1:1"))

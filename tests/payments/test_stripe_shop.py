"""A shop that pays by Stripe, rehearsed by the shipped target: TLS and Stripe's own name from end to end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.certificates import HAVE_OPENSSL, NO_OPENSSL, Authority
from tests.payments.conftest import OwnProcess
from tests.toxiproxy_binary import free_port

pytest.importorskip("stripe")
pytestmark = [pytest.mark.real, pytest.mark.skipif(not HAVE_OPENSSL, reason=NO_OPENSSL)]
ROOT = Path(__file__).parents[2]
QUICKER = {
    "seed": 11,
    "load": "[{phase: on-sale, fans: 36, shape: spike, half_life: 2s, for: 4s}]",
    "fans": "{patient: 100%}",
    "chaos[0].at": "on-sale + 1s",
    "chaos[0].for": "2s",
    "generator": "{dropped_at_most: 10%, lag_p99_at_most: 3s, late_at_most: 5s}",
    "promises": "{hold_ttl: 1s, payment_timeout: 1s, payment_tries: 3, reconcile_every: 200ms, payment_deadline: 4s}",
}
"""The shipped profile in four seconds, with the constants of the shop beside this file."""


@asynccontextmanager
async def behind_tls(authority: Authority, url: str) -> AsyncIterator[str]:
    """The provider with the face of Stripe: its address."""
    there = urlsplit(url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(visit, "127.0.0.1", 0, ssl=authority.serving("api.stripe.com"))
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def shop(port: int, link_port: int, ca: Path, *options: str) -> AsyncIterator[None]:
    said = ("--port", str(port), "--link-port", str(link_port), "--ca", str(ca), *options)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.payments.stripe_shop", *said, cwd=ROOT)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                except OSError:
                    assert process.returncode is None
                    await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def rehearsed(provider: OwnProcess, place: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, report and what was said of one rehearsal at a shop that was started so."""
    authority = Authority(place)
    port, link_port = free_port(), free_port()
    async with (
        behind_tls(authority, provider.url) as address,
        shop(port, link_port, authority.ca, *options),
    ):
        sets = {
            "SHOP_URL": f"http://127.0.0.1:{port}",
            "STRIPE_ADDR": address,
            "STRIPE_LINK": f"127.0.0.1:{link_port}",
            "STRIPE_CA": authority.ca,
            "STRIPE_URL": provider.url,
            **QUICKER,
        }
        run = ("run", "stripe-shop", "--embedded-proxy", "--json", "--no-tui", "--reports", place / "r")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "surgectl", *map(str, run)),
            *(word for name, value in sets.items() for word in ("--set", f"{name}={value}")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("SURGECTL_")} | {"STRIPE_KEY": "sk_test_any"},
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), 150)
        finally:
            if process.returncode is None:
                process.kill()
    code = process.returncode
    assert code is not None
    return code, json.loads(out) if out.startswith(b"{") else {}, err.decode()[-3000:]


def failed(report: dict[str, Any]) -> set[str]:
    return {finding["id"] for finding in report["invariants"] if finding["verdict"] == "fail"}


async def test_keys_or_none(start_process: Callable[..., Awaitable[OwnProcess]], tmp_path: Path) -> None:
    """Replies are lost inside TLS. Who asks again with the same key passes; who asks without one charged twice (11)."""
    for name in ("right", "careless"):
        (tmp_path / name).mkdir()
    right, careless = await asyncio.gather(
        rehearsed(await start_process(latency="150ms"), tmp_path / "right"),
        rehearsed(await start_process(latency="150ms"), tmp_path / "careless", "--careless"),
    )
    for code, report, said in (right, careless):
        assert report, said
        (fault,) = report["chaos"]
        assert fault["applied"] and fault["verified"] and fault["healed"], (code, said)
        assert report["links"] == {"orders": 1.0, "charges": 1.0}
    assert (right[0], failed(right[1])) == (0, set()), right[2]
    assert careless[0] == 11 and "DUPCHARGE" in failed(careless[1]), careless[2]
    doubled = next(finding for finding in careless[1]["invariants"] if finding["id"] == "DUPCHARGE")
    assert doubled["violations"] >= 1

"""The identity check before the first charge: slow, away, denying, and never a reason to charge anybody wrongly."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from surgectl.stage.identity.options import Options as IdentityOptions
from surgectl.stage.identity.server import running as identity_running
from tests.boxoffice.street import MS, Money, damage, open_shop, settled
from tests.boxoffice.tills import process
from tests.toxiproxy_binary import free_port

pytestmark = [pytest.mark.real, pytest.mark.quiet]


async def checks(url: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/_sim/requests") as reply:
        return [msgspec.json.decode(line) for line in (await reply.text()).splitlines()]


async def test_the_same_person_gets_the_same_verdict() -> None:
    """A check is idempotent by e-mail address, and the seed alone decides who is turned down."""
    verdicts = []
    for seed in (1, 1, 2):
        options = IdentityOptions(deny_share=0.5, seed=seed)
        async with identity_running(options) as url, aiohttp.ClientSession() as http:
            said = []
            for n in [*range(20), *range(20)]:
                async with http.post(f"{url}/v1/checks", json={"email": f"F{n}@example.org"}) as reply:
                    said.append(await reply.json())
            assert said[:20] == said[20:]
            verdicts.append([check["verdict"] for check in said])
    assert verdicts[0] == verdicts[1] != verdicts[2]
    assert set(verdicts[0]) == {"clear", "deny"}


async def test_who_is_denied_is_not_charged(money: Money, tmp_path: Path) -> None:
    """Denied: the order fails with IDENTITY_DENIED, its seats come back and no money is asked for; others buy."""
    async with process("identity", listen="127.0.0.1:0", deny_share=0.4, seed=3) as house:
        url = house.ready["url"]
        async with open_shop(money.url, tmp_path / "books", identity_url=url) as shop:
            ends = await asyncio.gather(*(shop.buy(f"f{n}@example.org") for n in range(20)))
            verdicts = {row["email"]: row["verdict"] for row in await checks(url)}
            for n, end in enumerate(ends):
                wanted = {"clear": ("confirmed", None), "deny": ("failed", "IDENTITY_DENIED")}
                assert (end["state"], end.get("code")) == wanted[verdicts[f"f{n}@example.org"]]
            denied = sum(end["state"] == "failed" for end in ends)
            assert 0 < denied < 20
            assert len(await money.posts_by_key()) == 20 - denied
            assert (await shop.stock())["available"] == 50 - (20 - denied)
            assert await damage(shop, money) == {}
        assert await house.end() == 0


async def test_a_check_that_is_away_delays_and_then_cancels(money: Money, tmp_path: Path) -> None:
    """While nobody can say who they are orders wait; when it comes back they are paid; past the deadline they are
    cancelled with IDENTITY_TIMEOUT, nothing charged."""
    port = free_port()
    constants = {
        "identity_url": f"http://127.0.0.1:{port}",
        "identity_timeout_ns": 200 * MS,
        "payment_deadline_ns": 2_500 * MS,
    }
    async with open_shop(money.url, tmp_path / "books", **constants) as shop:
        early = [asyncio.create_task(shop.buy(f"early{n}@example.org")) for n in range(12)]
        await asyncio.sleep(0.6)
        _, told, _ = await shop.ask("GET", "/api/admin/till")
        assert told["identity"]["breaker"] in ("open", "half-open")
        assert told["payments"]["breaker"] == "closed"
        assert not any(task.done() for task in early)
        assert await money.posts_by_key() == {}
        async with identity_running(IdentityOptions(listen=f"127.0.0.1:{port}")):
            ends = await asyncio.gather(*early)
            assert {end["state"] for end in ends} == {"confirmed"}
        late = await asyncio.gather(*(shop.buy(f"late{n}@example.org") for n in range(12)))
        assert {(end["state"], end["code"]) for end in late} == {("failed", "IDENTITY_TIMEOUT")}
        assert len(await money.posts_by_key()) == 12
        assert (await shop.stock())["available"] == 50 - 12
        assert await damage(shop, money) == {}


async def test_a_slow_and_small_check_slows_and_loses_nobody(money: Money, tmp_path: Path) -> None:
    """Slower than our patience now and then, and 429 above its rate: everybody is checked in the end and pays once."""
    house = IdentityOptions(latency_ns=60 * MS, rate_per_s=25.0)
    async with identity_running(house) as url:
        constants = {"identity_url": url, "identity_timeout_ns": 300 * MS, "payment_deadline_ns": 20_000 * MS}
        async with open_shop(money.url, tmp_path / "books", **constants) as shop:
            ends = await asyncio.gather(*(shop.buy(f"f{n}@example.org") for n in range(30)))
            assert {end["state"] for end in ends} == {"confirmed"}
            asked = await checks(url)
            assert len({row["email"] for row in asked}) == 30
            assert len(asked) <= 90
            await settled(shop)
            assert set((await money.posts_by_key()).values()) == {1}
            assert await damage(shop, money) == {}

"""The nemesis against a real Toxiproxy: what it applies is seen, and whatever happens it is gone afterwards."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from surgectl.chaos import canary, marks
from surgectl.chaos.brownouts import BROWNOUTS
from surgectl.chaos.launch import launched
from surgectl.chaos.links import LinkHandle, opened
from surgectl.chaos.nemesis import Nemesis
from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.clock import SystemClock
from surgectl.errors import RefusedError, UsageError
from surgectl.plan.model import PlannedFault
from surgectl.profile.link import Link
from surgectl.recording.rows import FaultRow
from tests.toxiproxy_binary import find_toxiproxy

pytestmark = [pytest.mark.real, pytest.mark.quiet]
CLOCK = SystemClock()
MS = 1_000_000


@pytest.fixture(params=["embedded", "real"])
async def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Toxiproxy]:
    real = find_toxiproxy()
    if request.param == "real":
        if real is None:
            pytest.skip("toxiproxy-server not found (go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0)")
        (tmp_path / "toxiproxy-server").symlink_to(real)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        assert shutil.which("toxiproxy-server") == str(tmp_path / "toxiproxy-server")
    async with launched(CLOCK, seed=7, embedded=request.param == "embedded") as found:
        assert found.kind == ("embedded" if request.param == "embedded" else "toxiproxy-server")
        yield found.server


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="x" * 400)

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


class Stand:
    """A nemesis on one link, with what it recorded."""

    def __init__(self, server: Toxiproxy, links: dict[str, LinkHandle], run: str = "r1") -> None:
        self.rows: list[FaultRow] = []
        self.nemesis = Nemesis(server, links, run=run, clock=CLOCK, start_ns=CLOCK.now_ns(), record=self.rows.append)

    def events(self) -> list[str]:
        return [row.event for row in self.rows]


@pytest.mark.parametrize("name", sorted(BROWNOUTS))
async def test_each_brownout_is_applied_verified_by_canaries_and_healed(
    server: Toxiproxy, upstream: str, name: str
) -> None:
    """Every named brownout is read back from the proxy, seen by a canary inside its window, and gone afterwards."""
    async with opened(server, {"pay": Link(upstream=upstream)}, "r1", print) as links:
        stand = Stand(server, links)
        async with stand.nemesis as nemesis:
            await nemesis.prepare()
            nemesis.start_at(CLOCK.now_ns())
            await nemesis.play((PlannedFault(fault="0", from_ns=50 * MS, to_ns=1_600 * MS, link="pay", brownout=name),))
        assert stand.events() == ["applied", "verified", "healed"], stand.rows
        assert all(row.at_ns >= 50 * MS for row in stand.rows)
        left = (await server.proxies())["surgectl-pay"]
        assert left.enabled and [t.name for t in left.toxics] == [marks.claim("r1")]
    assert "surgectl-pay" not in await server.proxies()


async def test_a_fault_that_spares_everybody_is_never_called_verified(server: Toxiproxy, upstream: str) -> None:
    """Toxicity 0 is applied by the proxy's word, but no canary suffers, so `verified` is not said."""
    async with opened(server, {"pay": Link(upstream=upstream)}, "r1", print) as links:
        stand = Stand(server, links)
        async with stand.nemesis as nemesis:
            await nemesis.prepare()
            nemesis.start_at(CLOCK.now_ns())
            fault = PlannedFault(fault="0", from_ns=0, to_ns=900 * MS, link="pay", brownout="slow", toxicity=0.0)
            await nemesis.play((fault,))
        assert stand.events() == ["applied", "healed"]


async def test_cancelling_in_the_middle_heals(server: Toxiproxy, upstream: str) -> None:
    """A cancelled play leaves no toxic and an open door, for a toxic, a closed door and a flapping one at once."""
    async with opened(server, {"pay": Link(upstream=upstream)}, "r1", print) as links:
        stand = Stand(server, links)
        async with stand.nemesis as nemesis:
            await nemesis.prepare()
            nemesis.start_at(CLOCK.now_ns())
            faults = tuple(
                PlannedFault(fault=str(i), from_ns=0, to_ns=60_000 * MS, link="pay", brownout=name)
                for i, name in enumerate(("lost-reply", "down", "flap"))
            )
            play = asyncio.create_task(nemesis.play(faults))
            async with asyncio.timeout(10):
                while stand.events().count("applied") < 2:
                    await asyncio.sleep(0.02)
            play.cancel()
            await asyncio.gather(play, return_exceptions=True)
        left = (await server.proxies())["surgectl-pay"]
        assert left.enabled and [t.name for t in left.toxics] == [marks.claim("r1")]
        assert nemesis.open_faults == ()
        assert canary.fate(await canary.fly(links["pay"].listen, CLOCK), nemesis._lookout.usual("pay")) == "usual"


async def test_heal_waits_for_what_is_being_healed_already(server: Toxiproxy, upstream: str) -> None:
    """Whoever is cancelled in heal(), or calls it twice, comes out only after the fault is gone from the proxy."""
    async with opened(server, {"pay": Link(upstream=upstream)}, "r1", print) as links:
        stand = Stand(server, links)
        await stand.nemesis.apply(PlannedFault(fault="0", from_ns=0, to_ns=1, link="pay", brownout="slow"))
        first = asyncio.create_task(stand.nemesis.heal())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        assert [t.name for t in (await server.proxies())["surgectl-pay"].toxics] == [marks.claim("r1")]
        await stand.nemesis.heal()
        assert stand.events() == ["applied", "healed"]


async def test_a_server_that_died_is_said_and_costs_no_verdict(upstream: str) -> None:
    """Where the proxy is gone, healing ends in time and says NOT HEALED, and closing the links only complains."""
    said: list[str] = []
    async with launched(CLOCK, seed=7, embedded=True) as found:
        async with opened(found.server, {"pay": Link(upstream=upstream)}, "r1", said.append) as links:
            stand = Stand(found.server, links)
            await stand.nemesis.apply(PlannedFault(fault="0", from_ns=0, to_ns=1, link="pay", brownout="slow"))
            await found.stop()
            await stand.nemesis.heal()
    assert stand.events() == ["applied", "failed"] and "NOT HEALED" in stand.rows[-1].detail
    assert len(said) == 1


async def test_sweep_heals_what_a_killed_run_left_and_spares_strangers(server: Toxiproxy, upstream: str) -> None:
    """`chaos heal` removes surgectl's toxics and opens the doors they mark; a stranger's toxic and door stay."""
    await server.create("mine", upstream, "127.0.0.1:0")
    await server.create("theirs", upstream, "127.0.0.1:0")
    await server.add_toxic(
        "mine", name="hand-made", type="latency", stream="upstream", toxicity=1.0, attributes={"latency": 1}
    )
    await server.enable("theirs", False)
    links = {"pay": LinkHandle(link="pay", proxy="mine", listen=(await server.proxies())["mine"].listen)}
    stand = Stand(server, links)
    for number, name in enumerate(("down", "slow")):
        await stand.nemesis.apply(PlannedFault(fault=str(number), from_ns=0, to_ns=1, link="pay", brownout=name))
    assert not (await server.proxies())["mine"].enabled
    said = await marks.sweep(server)
    assert any("enabled again" in line for line in said)
    after = await server.proxies()
    assert after["mine"].enabled and [t.name for t in after["mine"].toxics] == ["hand-made"]
    assert not after["theirs"].enabled
    assert await marks.sweep(server) == []


async def test_a_link_with_another_runs_mark_is_refused(server: Toxiproxy, upstream: str) -> None:
    """Two rehearsals never share a link: the second is refused (exit 13) and touches nothing."""
    async with opened(server, {"pay": Link(upstream=upstream)}, "first", print):
        with pytest.raises(RefusedError, match="another run's mark") as error:
            async with opened(server, {"pay": Link(upstream=upstream)}, "second", print):
                raise AssertionError("opened a claimed link")
        assert error.value.exit_code == 13
        assert marks.marks((await server.proxies())["surgectl-pay"]) == [marks.claim("first")]


async def test_a_url_that_is_no_toxiproxy_is_one_clear_line(upstream: str) -> None:
    """A --toxiproxy URL that answers nonsense, or nothing, is a usage error that names the URL."""
    for url in (f"http://{upstream}", "http://127.0.0.1:1", "http://127.0.0.1:notaport", "ftp://x"):
        with pytest.raises(UsageError) as error:
            async with launched(CLOCK, url=url):
                raise AssertionError("launched")
        assert "\n" not in str(error.value)


async def test_exec_faults_run_their_own_heal_command(tmp_path: Path) -> None:
    """A command that breaks something is always followed by the command that mends it."""
    stand = Stand(None, {})  # type: ignore[arg-type]  # no server: commands need none
    broken = tmp_path / "broken"
    fault = PlannedFault(
        fault="0", from_ns=0, to_ns=100 * MS, brownout="exec", run=("touch", str(broken)), heal=("rm", str(broken))
    )
    async with stand.nemesis as nemesis:
        nemesis.start_at(CLOCK.now_ns())
        await nemesis.play((fault,))
    assert stand.events() == ["begun", "applied", "failed", "healed"]
    assert "no check" in stand.rows[2].detail
    assert not broken.exists()


async def test_a_command_that_fails_is_recorded_as_failed() -> None:
    """A fault that could not be made is `failed`, so that the run can never call itself tried."""
    stand = Stand(None, {})  # type: ignore[arg-type]  # no server: commands need none
    fault = PlannedFault(fault="0", from_ns=0, to_ns=10 * MS, brownout="exec", run=("false",), heal=("true",))
    nemesis = stand.nemesis
    nemesis.start_at(CLOCK.now_ns())
    await nemesis.play((fault,))
    assert "failed" in stand.events() and "applied" not in stand.events()

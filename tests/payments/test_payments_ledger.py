"""The ledger and the request log: append-only, complete, and there again after a kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.errors import SurgectlError, UsageError
from surgectl.stage.payments.server import Options, running
from tests.payments.receiver import receiving
from tests.payments.shop import Open, Shop

Start = Callable[..., Awaitable[Any]]


async def test_rows_by_the_page(shop: Shop) -> None:
    """Rows are read after a sequence number and up to a limit, and the header says how many there are in all."""
    for at in range(5):
        await shop.pay(f"k{at}", **{"metadata[order]": f"o{at}"})
    everything = await shop.rows("ledger")
    assert [row["seq"] for row in everything] == list(range(1, 11))
    assert await shop.rows("ledger", after="4", limit="3") == everything[4:7]
    assert await shop.rows("ledger", after="99") == []
    async with shop.session.get(f"{shop.control}/_sim/requests?limit=0") as reply:
        assert reply.headers["X-Total-Count"] == "5"
    async with shop.session.get(f"{shop.control}/_sim/ledger?after=x") as reply:
        assert reply.status == 400


async def test_requests_know_their_payment(shop: Shop) -> None:
    """Each request names the logical payment it is about: the order where told, else the intent."""
    made = await shop.post(
        "/v1/payment_intents",
        {"amount": "500", "currency": "eur", "metadata[order]": "o1", "metadata[intent]": "i1"},
        "a",
    )
    await shop.post(f"/v1/payment_intents/{made.body['id']}/confirm", {"payment_method": "pm_card_visa"}, "b")
    bare = await shop.pay()
    first, second, third = await shop.rows("requests")
    assert (first["payment"], first["order"], first["intent"], first["key"]) == ("o1", "o1", "i1", "a")
    assert (second["payment"], second["payment_intent"]) == ("o1", made.body["id"])
    assert third["payment"] == bare.body["id"]
    assert [row["reply"] for row in (first, second, third)] == ["written"] * 3


async def test_reset_forgets(open_shop: Open, tmp_path: Path) -> None:
    """A reset forgets charges, keys, logs and faults, and a restart does not bring them back."""
    shop = await open_shop(data=tmp_path)
    before = await shop.pay("k")
    await shop.faults({"at": "before_commit", "do": "500", "nth": 1})
    async with shop.session.post(f"{shop.control}/_sim/reset") as reply:
        assert reply.status == 200
    after = await shop.pay("k")
    assert after.status == 200
    assert "Idempotent-Replayed" not in after.headers
    assert after.body["id"] != before.body["id"], "an id from before the reset must not mean another payment"
    assert (await shop.counters())["charges"] == 1
    again = await open_shop(data=tmp_path)
    assert [row["intent"] for row in await again.rows("charges")] == [after.body["id"]]


async def test_restart_is_the_same_provider(open_shop: Open, tmp_path: Path) -> None:
    """Read back from disk, every object, event, log line, sum and stored result is as it was."""
    options = Options(data=tmp_path)
    views: list[Any] = []
    for _ in range(2):
        async with running(options) as open_, aiohttp.ClientSession() as session:
            shop = Shop(session, open_.url, open_.control)
            if not views:
                paid = await shop.pay("paid", **{"metadata[order]": "o1"})
                held = await shop.pay("held", capture_method="manual")
                await shop.pay("no", payment_method="pm_card_chargeDeclined")
                await shop.post(f"/v1/payment_intents/{held.body['id']}/cancel", {}, "cancel")
                await shop.post("/v1/refunds", {"payment_intent": paid.body["id"], "amount": "100"}, "refund")
                customer = (await shop.post("/v1/customers", {"email": "a@b.test"})).body["id"]
                method = (await shop.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"})).body[
                    "id"
                ]
                await shop.post(f"/v1/payment_methods/{method}/attach", {"customer": customer})
            logs = [await shop.rows(what) for what in ("ledger", "charges", "refunds")]
            lists = [
                (await shop.get(f"/v1/{what}", limit="100")).body
                for what in ("payment_intents", "charges", "refunds", "events", "customers", "payment_methods")
            ]
            counters = await shop.counters()
            views.append((logs, lists, {k: v for k, v in counters.items() if k != "requests"}))
    assert views[0] == views[1]
    reopened = await open_shop(data=tmp_path)
    replay = await reopened.pay("paid", **{"metadata[order]": "o1"})
    assert replay.body == paid.body
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert (await reopened.rows("requests"))[0]["key"] == "paid"


async def test_a_torn_line_is_cut(open_shop: Open, tmp_path: Path) -> None:
    """A last line that a kill tore is dropped; the whole ones before it stay, and writing goes on."""
    async with running(Options(data=tmp_path)) as open_, aiohttp.ClientSession() as session:
        await Shop(session, open_.url, open_.control).pay("k")
    ledger = tmp_path / "ledger.ndjson"
    with ledger.open("ab") as file:
        file.write(b'{"entries":[{"seq":3,"at_')
    shop = await open_shop(data=tmp_path)
    await shop.pay("k2")
    assert [row["seq"] for row in await shop.rows("ledger")] == [1, 2, 3, 4]
    again = await open_shop(data=tmp_path)
    assert (await again.counters())["charges"] == 2


async def test_a_spoilt_ledger_is_named(tmp_path: Path) -> None:
    """A ledger line that cannot be read stops the start with its file and line, never a guess."""
    (tmp_path / "ledger.ndjson").write_bytes(b'{"reset":true}\nnot json\n')
    with pytest.raises(SurgectlError, match=r"ledger\.ndjson:2"):
        async with running(Options(data=tmp_path)):
            pass


async def test_taken_port(shop: Shop) -> None:
    """A port that somebody has is one clear line."""
    with pytest.raises(UsageError, match="cannot listen"):
        async with running(Options(listen=shop.url.removeprefix("http://"))):
            pass


async def test_unknown_defect() -> None:
    """A misspelt defect is answered with the nearest one."""
    with pytest.raises(UsageError, match="no-idempotency"):
        async with running(Options(defect="no-idempotence")):
            pass


@pytest.mark.real
async def test_kill_9_forgets_nothing(start_process: Start, tmp_path: Path) -> None:
    """Killed under load again and again: every reply ever received is in the books, and each key paid at most once."""
    acknowledged: dict[str, str] = {}
    keys = [f"k{at}" for at in range(120)]
    timeout = aiohttp.ClientTimeout(10)
    for life in range(4):
        provider = await start_process(tmp_path, latency="10ms")
        async with aiohttp.ClientSession(timeout=timeout) as session:
            shop = Shop(session, provider.url, provider.control)
            waiting = iter([key for key in keys if key not in acknowledged])
            enough = asyncio.Event()

            async def payer(shop: Shop = shop, waiting: Any = waiting, enough: asyncio.Event = enough) -> None:
                for number, key in enumerate(waiting):
                    try:
                        reply = await shop.pay(key, **{"metadata[order]": key})
                    except aiohttp.ClientError:
                        return
                    assert reply.status == 200
                    acknowledged[key] = reply.body["id"]
                    if number == 2:
                        enough.set()

            payers = [asyncio.create_task(payer()) for _ in range(8)]
            if life < 3:
                await asyncio.wait_for(enough.wait(), 10)
                await provider.kill()
            await asyncio.gather(*payers)
            if life == 3:
                charges = await shop.rows("charges")
                assert len(acknowledged) == len(keys)
                assert sorted(row["key"] for row in charges) == sorted(keys)
                assert {row["key"]: row["intent"] for row in charges} == acknowledged
                for key in keys[:10]:
                    again = await shop.pay(key, **{"metadata[order]": key})
                    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.real
async def test_kill_9_owes_every_letter(start_process: Start, tmp_path: Path) -> None:
    """Killed under load again and again: what was charged is told, at least once, to the endpoint of the first life."""
    keys = [f"k{at}" for at in range(60)]
    paid: dict[str, str] = {}
    async with receiving() as receiver:
        for life in range(3):
            provider = await start_process(tmp_path, webhook_backoff="50ms")
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
                shop = Shop(session, provider.url, provider.control)
                if life == 0:
                    form = {"url": receiver.url, "enabled_events[]": "payment_intent.succeeded"}
                    secret = (await shop.post("/v1/webhook_endpoints", form, "hook")).body["secret"]

                async def payer(shop: Shop = shop) -> None:
                    for key in keys:
                        if key not in paid:
                            with contextlib.suppress(aiohttp.ClientError):
                                paid[key] = (await shop.pay(key)).body["id"]

                payers = [asyncio.create_task(payer()) for _ in range(4)]
                if life < 2:
                    async with asyncio.timeout(10):
                        while len(paid) < 20 * (life + 1):
                            await asyncio.sleep(0.001)
                    await provider.kill()
                await asyncio.gather(*payers)
                if life == 2:

                    async def all_told(shop: Shop = shop) -> bool:
                        return {row["state"] for row in await shop.rows("webhooks")} == {"delivered"}

                    await shop.until(all_told, 10)
                    charged = {row["intent"] for row in await shop.rows("charges")}
                    assert (await shop.post("/v1/webhook_endpoints", form, "hook")).body["secret"] == secret
        assert charged == set(paid.values())
        assert len(charged) == len(keys)
        assert {letter.event["data"]["object"]["id"] for letter in receiver.letters} == charged


@pytest.mark.real
async def test_stops_when_stdin_closes(start_process: Start) -> None:
    """Whoever started it and goes away takes it along."""
    provider = await start_process()
    provider.process.stdin.close()
    assert await asyncio.wait_for(provider.process.wait(), 10) == 0


@pytest.mark.real
async def test_stops_on_sigterm_and_saves(start_process: Start, tmp_path: Path) -> None:
    """SIGTERM ends it cleanly, with the request log on disk."""
    provider = await start_process(tmp_path)
    async with aiohttp.ClientSession() as session:
        await Shop(session, provider.url, provider.control).pay("k")
    provider.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(provider.process.wait(), 10) == 0
    (line,) = (tmp_path / "requests.ndjson").read_text().splitlines()
    assert (json.loads(line)["key"], json.loads(line)["reply"]) == ("k", "written")

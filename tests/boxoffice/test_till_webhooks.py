"""Events from the provider: duplicated, shuffled, forged or lost, they only make us ask sooner."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from surgectl.stage.boxoffice.till.events import signed
from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import MS, Money, Shop, damage, open_shop
from tests.boxoffice.tills import process
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real
HOOK = "/webhooks/payments"


@pytest.fixture
async def talking() -> AsyncIterator[Money]:
    """A provider that repeats its letters soon."""
    quick = PaymentOptions(webhook_backoff_ns=20 * MS, webhook_timeout_ns=500 * MS)
    async with running(quick) as open_, aiohttp.ClientSession() as http:
        yield Money(open_, http)


def header(secret: str, body: bytes, at_s: int) -> str:
    return f"t={at_s},v1={hmac.new(secret.encode(), b'%d.' % at_s + body, hashlib.sha256).hexdigest()}"


async def registered(shop: Shop) -> None:
    """Until letters are taken: before, they are put off with 503."""
    async with asyncio.timeout(10):
        while (await shop.ask("POST", HOOK, {}))[0] == 503:
            await asyncio.sleep(0.02)


def events(tmp_path: Path) -> list[str]:
    books = sqlite3.connect(tmp_path / "books" / "boxoffice.sqlite3")
    try:
        return [row[0] for row in books.execute("select id from events").fetchall()]
    finally:
        books.close()


@pytest.mark.parametrize(
    ("spoil", "fits"),
    [
        (lambda h, b: (h, b), True),
        (lambda h, b: (h + ",v0=abc", b), True),
        (lambda h, b: (h.replace("v1=", "v1=00,v1="), b), True),  # one of several secrets, while they change
        (lambda h, b: (h, b + b" "), False),
        (lambda h, b: (h.replace("t=1000", "t=1001"), b), False),
        (lambda h, b: (h.replace("v1=", "v0="), b), False),
        (lambda h, b: (h + ",t=1000", b), False),
        (lambda h, b: ("", b), False),
        (lambda h, b: ("t=,v1=", b), False),
        (lambda h, b: ("t=٣,v1=é", b), False),
        (lambda h, b: ("v1" * 5000, b), False),
    ],
)
def test_a_signature_fits_or_it_does_not(spoil: Any, fits: bool) -> None:
    """The right secret over the very bytes and the very second, and nothing else."""
    right = header("whsec_a", b'{"id":"evt"}', 1000)
    given, body = spoil(right, b'{"id":"evt"}')
    assert signed(given, body, "whsec_a", 1000.0) is fits
    assert not signed(right, b'{"id":"evt"}', "whsec_b", 1000.0)


@pytest.mark.parametrize(("now_s", "fits"), [(1000, True), (1299, True), (700, True), (1301, False), (699, False)])
def test_an_old_letter_is_not_read(now_s: int, fits: bool) -> None:
    """What was signed more than five minutes ago or ahead is refused: somebody may have kept it."""
    assert signed(header("whsec_a", b"{}", 1000), b"{}", "whsec_a", float(now_s)) is fits


@pytest.mark.quiet
async def test_an_event_makes_us_ask_at_once(talking: Money, tmp_path: Path) -> None:
    """Replies are lost and the reconciler is far away: the events alone let every order end long before its round,
    though each comes three times and out of order."""
    constants = {"webhooks": True, "reconcile_every_ns": 60_000 * MS, "payment_timeout_ns": 30_000 * MS}
    async with (
        open_shop(talking.url, tmp_path / "books", **constants, payment_deadline_ns=90_000 * MS) as shop,
        aiohttp.ClientSession() as http,
    ):
        await registered(shop)
        faults = [
            {"at": "after_commit", "do": "hang", "path": "/v1/payment_intents", "ratio": 1.0},
            {"at": "webhook", "do": "duplicate", "copies": 2, "ratio": 1.0},
            {"at": "webhook", "do": "shuffle", "delay": "100ms", "ratio": 1.0},
        ]
        async with http.post(f"{talking.control}/_sim/faults", json={"faults": faults}) as reply:
            assert reply.status == 200, await reply.text()
        began = time.monotonic()
        tokens = ["pm_card_visa", "pm_card_chargeDeclined"]
        ends = await asyncio.gather(*(shop.buy(f"f{n}@example.org", token=tokens[n % 2]) for n in range(10)))
        assert time.monotonic() - began < 15  # before even one request has timed out
        assert [end["state"] for end in ends] == ["confirmed", "failed"] * 5
        assert await damage(shop, talking) == {}
    written = events(tmp_path)
    assert len(written) == len(set(written)) == 10


async def test_a_payment_that_is_decided_later(tmp_path: Path) -> None:
    """`processing` is neither yes nor no: the order is pending, is not asked for again, and ends with the event; a
    card whose bank wants to ask somebody first is a card that was declined, and no money comes later."""
    later = PaymentOptions(settle_after_ns=500 * MS, authenticated=1.0)
    constants = {"webhooks": True, "reconcile_every_ns": 60_000 * MS, "payment_deadline_ns": 90_000 * MS}
    async with running(later) as open_, aiohttp.ClientSession() as http:
        money = Money(open_, http)
        async with open_shop(open_.url, tmp_path / "books", **constants) as shop:
            await registered(shop)
            cards = ["pm_card_processing", "pm_card_processingDeclined", "pm_card_threeDSecure2Required"]
            ends = await asyncio.gather(*(shop.buy(f"{card}@example.org", token=card) for card in cards))
            told = [(end["state"], end.get("code")) for end in ends]
            assert told == [("confirmed", None), ("failed", "DECLINED"), ("failed", "DECLINED")]
            assert set((await money.posts_by_key()).values()) == {1}
            await asyncio.sleep(0.5)
            assert await damage(shop, money) == {}


async def test_a_forged_event_pays_nothing(talking: Money, tmp_path: Path) -> None:
    """Whoever does not know the secret is refused; and even a rightly signed lie only makes us ask the provider."""
    async with open_shop(talking.url, tmp_path / "books", webhooks=True, payment_timeout_ns=5_000 * MS) as shop:
        await registered(shop)
        await talking.lose_requests()
        _, hold = await shop.hold(await shop.enter("ada@example.org"))
        _, told = await shop.order(hold["id"], "k")
        books = sqlite3.connect(tmp_path / "books" / "boxoffice.sqlite3")
        (kept,) = books.execute("select value from meta where key like 'webhook %'").fetchone()
        books.close()
        lie = {"id": "pi_lie", "status": "succeeded", "created": 1, "metadata": {"order": told["order"]}}
        event = {"id": "evt_lie", "type": "payment_intent.succeeded", "data": {"object": lie}}
        body = msgspec.json.encode(event)
        secret = msgspec.json.decode(kept)["secret"]

        async def post(signature: str) -> int:
            async with shop.http.post(shop.url + HOOK, data=body, headers={"Stripe-Signature": signature}) as reply:
                return reply.status

        assert await post(header("whsec_guess", body, int(time.time()))) == 400
        assert await post(header(secret, body, int(time.time()) - 400)) == 400
        assert await post("") == 400
        assert events(tmp_path) == []
        assert await post(header(secret, body, int(time.time()))) == 200
        assert await post(header(secret, body, int(time.time()))) == 200
        assert events(tmp_path) == ["evt_lie"]
        await asyncio.sleep(0.5)
        _, now, _ = await shop.ask("GET", f"/api/orders/{told['order']}")
        assert now["state"] == "pending"
        await talking.heal()


async def test_registration_survives_a_provider_that_is_away(tmp_path: Path) -> None:
    """Opened before its provider, the shop registers when that is there, once; after a restart it is known again."""
    listen = f"127.0.0.1:{free_port()}"
    async with aiohttp.ClientSession() as http:
        for life in range(2):
            constants = {"webhooks": True, "public_url": "http://127.0.0.1:9"}
            async with open_shop(f"http://{listen}", tmp_path / "books", **constants) as shop:
                if life == 0:
                    await asyncio.sleep(0.3)
                    assert (await shop.ask("POST", HOOK, {}))[0] == 503
                async with running(PaymentOptions(listen=listen, data=tmp_path / "provider")) as open_:
                    await registered(shop)
                    await asyncio.sleep(0.2)
                    key = {"Authorization": "Bearer sk_test_stage"}
                    async with http.get(f"{open_.url}/v1/webhook_endpoints", headers=key) as reply:
                        made = (await reply.json())["data"]
                    assert [endpoint["url"] for endpoint in made] == [f"http://127.0.0.1:9{HOOK}"]


@pytest.mark.quiet
async def test_a_worker_hears_of_events_through_the_books(talking: Money, tmp_path: Path) -> None:
    """The letter box is at the front, the till elsewhere: it finds the event in the books and asks about the order."""
    said: dict[str, Any] = {
        "capacity": 50,
        "payments_url": talking.url,
        "data": str(tmp_path / "books"),
        "payment_timeout": "30s",
        "reconcile_every": "60s",
        "webhooks": True,
    }
    async with (
        open_shop(talking.url, tmp_path / "books", webhooks=True, payment_workers=0) as shop,
        process("worker", **said),
    ):
        await registered(shop)
        await talking.lose_replies()
        began = time.monotonic()
        assert (await shop.buy("ada@example.org"))["state"] == "confirmed"
        assert time.monotonic() - began < 15
        assert await damage(shop, talking) == {}
        await talking.heal()

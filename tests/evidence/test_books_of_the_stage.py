"""The books of the real shop and its real provider, read as an audit reads them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
import zstandard

from surgectl.audit.checkers.promises import webhook_dup
from surgectl.audit.expectations import Expectations
from surgectl.clock import SystemClock
from surgectl.evidence.books import Books
from surgectl.evidence.collect import collect
from surgectl.evidence.settle import pending_in, settle
from surgectl.profile.load import load_target
from surgectl.recording.relations import Relations
from surgectl.recording.rows import IntentRow
from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import open_shop
from tests.boxoffice.test_till_webhooks import registered

TARGET = Path(__file__).resolve().parents[2] / "profiles/targets/boxoffice.yaml"
BUYERS = 12


def email(number: int) -> str:
    return f"fan-r9-i{number}@example.org"


@pytest.mark.real
async def test_every_order_and_charge_of_the_stage_is_read_and_linked(tmp_path: Path) -> None:
    """After real purchases, every kind is complete and at rest, and each order, ticket and charge leads to its fan."""
    clock = SystemClock()
    began_s = clock.wall().timestamp()
    books = tmp_path / "books"
    # A declined fan keeps the seats until the hold ends: settling waits for that.
    twice = PaymentOptions(webhook_repeats=1.0, webhook_forgeries=1.0)
    async with (
        running(twice) as provider,
        open_shop(provider.url, books, hold_ttl_ns=10**9, webhooks=True) as shop,
    ):
        await registered(shop)
        bought = await asyncio.gather(*(shop.buy(email(number), qty=2) for number in range(BUYERS)))
        refused = await shop.buy(email(99), token="pm_card_chargeDeclined")
        target = load_target(
            TARGET,
            {
                "SHOP_URL": shop.url,
                "PAY_URL": provider.url,
                "PAY_CONTROL": provider.control,
                "PAY_ADDR": "127.0.0.1:1",
                "PAY_KEY": "sk_test_stage",
            },
        )
        async with Books(target, {"run": "r9"}, began_s, clock) as ledgers:
            settled = await settle(lambda: pending_in(ledgers), 10_000_000_000, clock, every_ns=50_000_000)
        rows = await collect(target, {"run": "r9"}, began_s, clock, tmp_path, quiet_ns=50_000_000)

    assert [order["state"] for order in bought] == ["confirmed"] * BUYERS
    assert refused["state"] == "failed"
    assert (settled.settled, settled.pending) == (True, 0)
    assert {row.kind: (row.complete, row.stable, row.error) for row in rows} == {
        kind: (True, True, "")
        for kind in ("orders", "tickets", "holds", "stock", "charges", "requests", "webhooks", "refunds")
    }
    intents = [
        IntentRow(
            intent=f"i{number}",
            fan=number,
            profile="patient",
            phase="on-sale",
            qty=2,
            price_minor=8900,
            currency="EUR",
            due_ns=0,
            at_ns=0,
            mint={"email": email(number)},
        )
        for number in range(BUYERS)
    ]
    (tmp_path / "ops").mkdir()
    lines = b"".join(msgspec.json.encode(row) + b"\n" for row in intents)
    (tmp_path / "ops/0.jsonl.zst").write_bytes(zstandard.compress(lines))
    with Relations.from_folder(tmp_path) as files:
        counts = files.rows("SELECT state, count(*), sum(qty) FROM orders GROUP BY 1 ORDER BY 1")
        tickets = files.one("SELECT count(*), count(DISTINCT seat) FROM tickets WHERE state = 'valid'")
        money = files.one("SELECT sum(captured_minor), sum(refunded_minor) FROM charges WHERE state = 'succeeded'")
    assert counts == [("valid", BUYERS, 2 * BUYERS), ("void", 1, 1)]
    assert tickets == (2 * BUYERS, 2 * BUYERS)
    assert money == (BUYERS * 2 * 8900, 0)
    with Relations.from_folder(tmp_path) as files:
        links = files.rows("SELECT kind, linked, ambiguous FROM link_coverage ORDER BY kind")
        orders = files.rows("SELECT DISTINCT via FROM links_orders WHERE intent IS NOT NULL")
        (wrong,) = files.one(
            "SELECT count(*) FROM links_charges c JOIN links_orders o USING (order_id) WHERE c.intent <> o.intent"
        )
        (asked,) = files.one("SELECT count(DISTINCT key) FROM requests WHERE method = 'POST'")
    assert links == [("charges", BUYERS, 0), ("orders", BUYERS, 0)]
    assert (orders, wrong, asked) == ([("email",)], 0, BUYERS + 2)  # one for the letters
    with Relations.from_folder(tmp_path) as files:
        letters = files.rows(
            """SELECT signature, status, count(*), count(DISTINCT event), count(number), min(len(keys)) FROM webhooks
               GROUP BY ALL ORDER BY ALL"""
        )
        (bodies,) = files.one("SELECT count(*) FROM requests WHERE method = 'POST' AND body IS NULL")
        ended = files.rows("SELECT DISTINCT ended_s >= at_s FROM holds WHERE state IN ('released', 'expired')")
        judged = webhook_dup.check(files, Expectations(settled=True))
    # Each event came twice; the one that was forged for the declined buyer once, and was refused.
    assert letters == [("bad", 400, 1, 1, 0, 1), ("good", 200, 2 * (BUYERS + 1), BUYERS + 1, 2 * (BUYERS + 1), 1)]
    assert bodies == 0
    assert ended == [(True,)]
    assert (judged.verdict, judged.numbers["repeated"], judged.numbers["forged_taken"]) == ("pass", BUYERS + 1, 0), (
        judged
    )

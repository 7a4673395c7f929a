"""The disguise: a stranger's words, money and books in front of the same counters, deaf to our headers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest

from surgectl.profile.load import load_target
from surgectl.profile.source import Column
from surgectl.stage.boxoffice.disguise import books
from surgectl.stage.boxoffice.disguise.words import state
from surgectl.stage.boxoffice.rows import HoldState, OrderState
from surgectl.stage.places import Places
from surgectl.stage.settings import Settings
from tests.boxoffice.street import Money, Shop, open_shop

pytestmark = pytest.mark.real

TARGET = Path(__file__).resolve().parents[2] / "profiles/targets/stranger.yaml"
TAGS = {"X-Surge-Attempt": "a-1", "X-Surge-Intent": "i-7", "Idempotency-Key": "ours", "X-Pass": "ours"}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
async def stranger(money: Money, tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(money.url, tmp_path / "books", disguise=True) as shop:
        yield shop


async def ask(shop: Shop, method: str, path: str, body: Any = None) -> Any:
    """Every answer of the house is 200 and JSON."""
    async with shop.http.request(method, shop.url + path, json=body, headers=TAGS) as reply:
        assert (reply.status, reply.content_type) == (200, "application/json"), await reply.text()
        return await reply.json()


async def reserve(shop: Shop, buyer: str, count: int = 1) -> Any:
    said = await ask(shop, "POST", "/sale/v2/turns", {"buyer": buyer})
    while said["turn"]["phase"] != "GO":
        await asyncio.sleep(0.02)
        said = await ask(shop, "GET", f"/sale/v2/turns/{said['turn']['ref']}")
    wish = {"admission": said["turn"]["admission"], "article": "floor", "count": count}
    return await ask(shop, "POST", "/sale/v2/reservations", wish)


async def buy(shop: Shop, buyer: str, count: int = 1, means: str = "pm_card_visa") -> Any:
    kept = await reserve(shop, buyer, count)
    wish = {"reservation": kept["reservation"]["ref"], "means": means, "buyer": buyer, "request_id": f"r-{buyer}"}
    said = await ask(shop, "POST", "/sale/v2/purchases", wish)
    while said["purchase"]["status"] == "OPEN":
        await asyncio.sleep(0.02)
        said = await ask(shop, "GET", f"/sale/v2/purchases/{said['purchase']['ref']}")
    return said["purchase"]


async def test_a_purchase_in_a_strangers_words(stranger: Shop, money: Money) -> None:
    """Decimal sums as text, states and reasons in other words, instants in ISO 8601."""
    show = await ask(stranger, "GET", "/sale/v2/shows/floor")
    assert show["show"]["each"] == {"sum": "89.00", "coin": "EUR"}
    kept = (await reserve(stranger, "ann@example.org", 2))["reservation"]
    assert (kept["count"], kept["due"]) == (2, {"sum": "178.00", "coin": "EUR"})
    assert ISO.fullmatch(kept["good_until"])
    bought = await buy(stranger, "ann@example.org", 2)
    assert (bought["status"], bought["due"]["sum"], len(bought["entries"])) == ("PAID", "178.00", 2)
    refused = await buy(stranger, "bob@example.org", means="pm_card_chargeDeclined")
    assert (refused["status"], refused["reason"]) == ("CANCELLED", "CARD_REFUSED")


async def test_nothing_of_ours_reaches_the_provider_or_a_log(stranger: Shop, money: Money, tmp_path: Path) -> None:
    """The payment carries the purchase's number alone, and no attempt is written down."""
    bought = await buy(stranger, "ann@example.org")
    async with stranger.http.get(f"{money.control}/_sim/charges") as reply:
        (charge,) = [line for line in (await reply.text()).splitlines() if line]
    assert f'"metadata":{{"reference":"{bought["ref"]}"}}' in charge.replace(" ", "")
    for ours in ("ann@example.org", "i-7", "a-1"):
        assert ours not in charge
    assert (tmp_path / "books" / "requests.jsonl").read_text() == ""
    (row,) = (await ask(stranger, "GET", "/office/v2/purchases"))["items"]
    assert (row["buyer"], row["request_id"]) == ("ann@example.org", "r-ann@example.org")
    assert "intent" not in row


async def test_a_refusal_has_status_200(stranger: Shop) -> None:
    """`ok` is false and the reason stands in the body, as GraphQL shops have it."""
    asked = {
        "NOT_UNDERSTOOD": ("POST", "/sale/v2/turns", {"who": "ann"}),
        "TURN_UNKNOWN": ("GET", "/sale/v2/turns/place_1_000000000000", None),
        "NOT_YOUR_TURN": ("POST", "/sale/v2/reservations", {"admission": "x", "article": "floor", "count": 1}),
        "RESERVATION_UNKNOWN": (
            "POST",
            "/sale/v2/purchases",
            {"reservation": "x", "means": "y", "buyer": "a@b", "request_id": "k"},
        ),
        "PURCHASE_UNKNOWN": ("GET", "/sale/v2/purchases/x", None),
        "NO_SUCH_THING": ("GET", "/api/orders/x", None),
    }
    for error, (method, path, body) in asked.items():
        said = await ask(stranger, method, path, body)
        assert (said["ok"], said["error"]) == (False, error), path
        assert said["text"]


async def test_a_busy_house_says_how_long_to_wait(money: Money, tmp_path: Path) -> None:
    """SLOW_DOWN with seconds to wait, and not executed."""
    await money.lose_requests()
    async with open_shop(money.url, tmp_path, disguise=True, payment_queue=1) as shop:
        for buyer, ok in (("ann@example.org", True), ("bob@example.org", False)):
            kept = (await reserve(shop, buyer))["reservation"]["ref"]
            wish = {"reservation": kept, "means": "pm_card_visa", "buyer": buyer, "request_id": buyer}
            said = await ask(shop, "POST", "/sale/v2/purchases", wish)
            assert said["ok"] is ok
        assert (said["error"], said["wait"] >= 1) == ("SLOW_DOWN", True)


async def test_the_books_are_turned_by_cursor(stranger: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages with a cursor and no count: all rows, each once; a cursor of somebody else's is refused."""
    monkeypatch.setattr(books, "PAGE", 2)
    for n in range(5):
        await buy(stranger, f"fan-{n}@example.org")
    for kind in ("purchases", "entries", "reservations"):
        rows, cursor, pages = [], "", 0
        while cursor is not None:
            page = await ask(stranger, "GET", f"/office/v2/{kind}?from={cursor}")
            assert set(page) == {"ok", "items", "next"}
            rows, cursor, pages = rows + page["items"], page["next"], pages + 1
        assert (len(rows), pages) == (5, 3)
        assert len({row.get("ref", row.get("entry")) for row in rows}) == 5
    house = (await ask(stranger, "GET", "/office/v2/house"))["house"]
    assert house == {"size": 50, "open": 45, "kept": 0, "undecided": 0, "gone": 5}
    for wrong in ("after:2", "!!", "YWZ0ZXI6LTE=", "é"):
        assert (await ask(stranger, "GET", f"/office/v2/purchases?from={wrong}"))["error"] == "NOT_UNDERSTOOD"


async def test_the_target_file_says_of_these_books_what_is_in_them(stranger: Shop) -> None:
    """Each column and key of its evidence is in the rows, and every state that the shop can write is mapped once."""
    target = load_target(TARGET, Places(shop=1, payments=2, control=3, identity=4, stage="").variables(Settings()))
    await buy(stranger, "ann@example.org")
    for kind, source in target.evidence.items():
        if source.http is None or source.http.get is None or source.http.origin is not None:
            continue
        body = await ask(stranger, "GET", source.http.get)
        row = body[source.http.rows]
        row = row if kind == "stock" else row[0]
        named = [column.from_ if isinstance(column, Column) else str(column) for column in source.row.values()]
        assert set(named) | set(source.key) <= set(row), kind
    mapped = {
        kind: sorted(word for states in source.states.values() for word in states)
        for kind, source in target.evidence.items()
    }
    assert mapped["orders"] == sorted(state(one) for one in get_args(OrderState))
    assert mapped["holds"] == sorted(state(one) for one in get_args(HoldState))
    assert mapped["tickets"] == sorted(state(one) for one in ("valid", "void"))


async def test_the_notice_board_is_outside_the_sale(money: Money, tmp_path: Path) -> None:
    """The bulkhead holds in disguise: its notice board is there however full the house is."""
    async with (
        open_shop(money.url, tmp_path, disguise=True, in_flight=1) as shop,
        aiohttp.ClientSession() as http,
    ):
        joins = [ask(shop, "POST", "/sale/v2/turns", {"buyer": f"fan-{n}@example.org"}) for n in range(40)]

        async def board() -> int:
            async with http.get(f"{shop.url}/notice-board") as reply:
                return reply.status

        said = await asyncio.gather(*joins, *(board() for _ in range(10)))
        assert {one for one in said if isinstance(one, int)} == {200}
        assert {one["error"] for one in said if not isinstance(one, int) and not one["ok"]} == {"SLOW_DOWN"}

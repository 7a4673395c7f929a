"""Buying a ticket, and all the ways of being told no."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from surgectl.errors import UsageError
from tests.boxoffice.street import MS, Money, Shop, damage, open_shop

pytestmark = pytest.mark.usefixtures("on_both")


async def test_a_fan_buys_and_both_ledgers_agree(shop: Shop, money: Money) -> None:
    """A purchase ends confirmed with seats and tickets, charged once, the amount shown."""
    told = await shop.buy("ada@example.org", qty=2)
    assert told["state"] == "confirmed"
    assert (told["qty"], told["total"], told["currency"]) == (2, 17800, "EUR")
    assert len(set(told["seats"])) == len(set(told["tickets"])) == 2
    assert await money.net_by_order() == {told["order"]: [17800]}
    assert await shop.stock() == {"capacity": 50, "available": 48, "held": 0, "pending": 0, "sold": 2}
    assert await damage(shop, money) == {}


async def test_the_line_is_first_come_first_served(money: Money, tmp_path: Path) -> None:
    """Positions are in order of arrival, only fall, and nobody is let in before those ahead."""
    async with open_shop(money.url, tmp_path / "books", admission_per_s=20.0) as shop:
        places = [(await shop.ask("POST", "/api/queue", {"email": f"f{n}@example.org"}))[1] for n in range(12)]
        last = [place["position"] for place in places]
        while any(last):
            # Asked from the last to the first: whoever stands ahead is asked later, and can only be further.
            now = [(await shop.ask("GET", f"/api/queue/{place['id']}"))[1]["position"] for place in reversed(places)]
            assert now == sorted(now, reverse=True)
            assert all(new <= old for new, old in zip(reversed(now), last, strict=True))
            last = now[::-1]
        rows = await shop.rows("admissions")
        assert [row["email"] for row in rows] == [f"f{n}@example.org" for n in range(12)]
        assert [row["admitted_at"] for row in rows] == sorted(row["admitted_at"] for row in rows)


async def test_a_second_tab_finds_the_same_place(shop: Shop) -> None:
    """Joining again with the same e-mail address is neither a loss nor an advantage."""
    first = (await shop.ask("POST", "/api/queue", {"email": "ada@example.org"}))[1]
    second = (await shop.ask("POST", "/api/queue", {"email": "Ada@example.org"}))[1]
    assert first["id"] == second["id"]


async def test_nobody_holds_without_having_been_let_in(shop: Shop) -> None:
    """A pass must be one that we signed."""
    for pass_ in ("", "pass_1_abc", "pass_1_000000000000"):
        status, body = await shop.hold(pass_)
        assert (status, body["code"]) == (403, "NO_PASS")


async def test_the_limit_counts_what_a_person_holds_and_owns(shop: Shop) -> None:
    """More than the limit at once is refused, and so is a later purchase that would pass it."""
    pass_ = await shop.enter("ada@example.org")
    assert (await shop.hold(pass_, 5))[1]["code"] == "LIMIT"
    assert (await shop.buy("ada@example.org", qty=3))["state"] == "confirmed"
    status, body = await shop.hold(pass_, 2)
    assert (status, body["code"], body["has"]) == (409, "LIMIT", 3)


async def test_an_expired_hold_returns_to_stock(money: Money, tmp_path: Path) -> None:
    """While all are held others are told to come back; when the time is up the seats are there again."""
    async with open_shop(money.url, tmp_path / "books", capacity=4, hold_ttl_ns=400 * MS) as shop:
        status, hold = await shop.hold(await shop.enter("ada@example.org"), 4)
        assert status == 201
        other = await shop.enter("bob@example.org")
        assert (await shop.hold(other))[1]["code"] == "ALL_HELD"
        await shop.when(lambda stock: stock["available"] == 4)
        status, body = await shop.order(hold["id"], "late")
        assert (status, body["code"]) == (409, "HOLD_EXPIRED")
        assert (await shop.hold(other))[0] == 201
        over, running = await shop.rows("holds")
        assert (over["state"], running["state"], running["ended_at"]) == ("expired", "active", None)
        assert 0 <= over["ended_at"] - over["expires_at"] < 1


async def test_sold_out_is_said_only_when_it_is_for_ever(money: Money, tmp_path: Path) -> None:
    """Held seats are ALL_HELD, too few left is NOT_ENOUGH, and SOLD_OUT closes the line with 410."""
    async with open_shop(money.url, tmp_path / "books", capacity=3) as shop:
        assert (await shop.buy("ada@example.org", qty=2))["state"] == "confirmed"
        late = await shop.enter("bob@example.org")
        await asyncio.sleep(0.15)  # one sweep: the answer may come from memory now
        assert (await shop.hold(late, 2))[1]["code"] == "NOT_ENOUGH"
        assert (await shop.buy("cyd@example.org"))["state"] == "confirmed"
        assert (await shop.hold(late, 1))[1]["code"] in ("SOLD_OUT", "ALL_HELD")
        await asyncio.sleep(0.15)
        assert (await shop.hold(late, 1))[1]["code"] == "SOLD_OUT"
        status, body, _ = await shop.ask("POST", "/api/queue", {"email": "dan@example.org"})
        assert (status, body["code"]) == (410, "SOLD_OUT")


async def test_a_repeated_hold_is_the_same_basket(shop: Shop) -> None:
    """A double click does not hold twice; another quantity replaces the basket."""
    pass_ = await shop.enter("ada@example.org")
    first, again = await asyncio.gather(shop.hold(pass_, 2), shop.hold(pass_, 2))
    assert first[1]["id"] == again[1]["id"]
    status, other = await shop.hold(pass_, 3)
    assert status == 201
    assert other["id"] != first[1]["id"]
    assert (await shop.stock())["held"] == 3


async def test_the_same_key_replays_the_same_order(shop: Shop, money: Money) -> None:
    """Same key and body: the same order, charged once; the same key with another body: 422."""
    _, hold = await shop.hold(await shop.enter("ada@example.org"), 1)
    replies = await asyncio.gather(*(shop.order(hold["id"], "k") for _ in range(5)))
    assert {status for status, _ in replies} == {202}
    (order,) = {told["order"] for _, told in replies}
    assert (await shop.ended(order))["state"] == "confirmed"
    status, told = await shop.order(hold["id"], "k")
    assert (status, told["order"], told["state"]) == (202, order, "confirmed")
    status, body = await shop.order(hold["id"], "k", token="pm_card_mastercard")
    assert (status, body["code"]) == (422, "KEY_REUSED")
    assert await money.net_by_order() == {order: [8900]}


async def test_paying_again_with_a_fresh_key_is_the_same_order(shop: Shop, money: Money) -> None:
    """The back button: another key for a hold that has an order finds that order, before and after it is paid."""
    await money.fail("issuer", "delay", ratio=1.0, delay="100ms")
    _, hold = await shop.hold(await shop.enter("ada@example.org"), 1)
    _, first = await shop.order(hold["id"], "one")
    status, second = await shop.order(hold["id"], "two", token="pm_card_mastercard")
    assert (status, second["order"]) == (202, first["order"])
    await shop.ended(first["order"])
    status, third = await shop.order(hold["id"], "three")
    assert (status, third["order"]) == (202, first["order"])
    assert await money.net_by_order() == {first["order"]: [8900]}


async def test_a_declined_card_leaves_the_basket(shop: Shop, money: Money) -> None:
    """Declined ends the order, not the hold: another card with another key buys the same seats."""
    _, hold = await shop.hold(await shop.enter("ada@example.org"), 2)
    _, told = await shop.order(hold["id"], "one", token="pm_card_chargeDeclined")
    ended = await shop.ended(told["order"])
    assert (ended["state"], ended["code"]) == ("failed", "DECLINED")
    _, again = await shop.order(hold["id"], "two")
    assert again["order"] != told["order"]
    assert (await shop.ended(again["order"]))["seats"] == hold["seats"]
    assert await money.net_by_order() == {again["order"]: [17800]}
    assert await damage(shop, money) == {}


async def test_a_full_payment_queue_sheds_with_a_spread_retry_after(money: Money, tmp_path: Path) -> None:
    """Over the bound an order is refused, not executed, each with its own wait; repetitions still get their order."""
    await money.lose_requests()
    async with open_shop(money.url, tmp_path / "books", payment_queue=2, payment_deadline_ns=60_000 * MS) as shop:
        holds = [(await shop.hold(await shop.enter(f"f{n}@example.org")))[1]["id"] for n in range(20)]
        first = await shop.order(holds[0], "k0")
        await shop.order(holds[1], "k1")
        waits = set()
        for n, hold in enumerate(holds[2:], start=2):
            body = {"hold": hold, "payment_token": "pm_card_visa"}
            status, refused, headers = await shop.ask("POST", "/api/orders", body, Idempotency_Key=f"k{n}")
            assert (status, refused["code"]) == (503, "BUSY")
            waits.add(int(headers["Retry-After"]))
        assert len(waits) > 1
        assert len(await shop.rows("orders")) == 2
        assert (await shop.order(holds[0], "k0"))[1]["order"] == first[1]["order"]
        await money.heal()
        assert (await shop.ended(first[1]["order"]))["state"] == "confirmed"
        status, told = await shop.order(holds[2], "k2")
        assert status == 202


async def test_nobody_is_oversold_when_300_want_50(money: Money, tmp_path: Path) -> None:
    """300 fans at once for 50 seats: 50 tickets, 50 seats, 50 charges, and everybody else knows why."""
    # Everybody pays at one instant: on a busy machine that takes longer than the usual three seconds.
    async with open_shop(money.url, tmp_path / "books", payment_deadline_ns=60_000 * MS) as shop:
        ends = await asyncio.gather(*(shop.buy(f"f{n}@example.org") for n in range(300)))
        confirmed = [end for end in ends if end.get("state") == "confirmed"]
        assert len(confirmed) == 50
        assert {end["code"] for end in ends if "code" in end} <= {"SOLD_OUT", "ALL_HELD"}
        assert len({seat for end in confirmed for seat in end["seats"]}) == 50
        assert (await shop.stock())["sold"] == 50
        assert await damage(shop, money) == {}


async def test_every_tagged_request_is_in_the_log_once(shop: Shop) -> None:
    """The audit finds each attempt id with its status, page after page, in the order in which they were answered."""
    for n in range(250):
        await shop.ask("GET", "/about" if n % 2 else "/api/orders/none", X_Surge_Attempt=f"a{n}", X_Surge_Intent="i")
    rows = await shop.rows("requests")
    assert [row["attempt"] for row in rows] == [f"a{n}" for n in range(250)]
    assert [row["status"] for row in rows[:2]] == [404, 200]


async def test_bad_input_is_answered_in_one_line(shop: Shop) -> None:
    """No input makes the shop stumble: 4xx with a code and a message."""
    pass_ = await shop.enter("ada@example.org")
    cases = [
        ("POST", "/api/queue", {"mail": "x"}, {}, 400),
        ("POST", "/api/queue", {"email": "nobody"}, {}, 400),
        ("POST", "/api/holds", {"sku": "floor", "qty": "many"}, {"X_Pass": pass_}, 400),
        ("POST", "/api/holds", {"sku": "floor", "qty": 0}, {"X_Pass": pass_}, 400),
        ("POST", "/api/holds", {"sku": "roof", "qty": 1}, {"X_Pass": pass_}, 404),
        ("POST", "/api/orders", {"hold": "hold_9_x", "payment_token": "t"}, {}, 400),
        ("POST", "/api/orders", {"hold": "hold_9_x", "payment_token": "t"}, {"Idempotency_Key": "k"}, 404),
        ("GET", "/api/orders/order_1_x", None, {}, 404),
        ("GET", "/api/queue/place_999_x", None, {}, 404),
        ("GET", "/api/admin/orders?limit=-1", None, {}, 400),
        ("GET", "/api/admin/nothing", None, {}, 404),
    ]
    for method, path, body, headers, expected in cases:
        status, told, _ = await shop.ask(method, path, body, **headers)
        assert (status, bool(told["code"]), bool(told["message"])) == (expected, True, True), path


async def test_the_counters_let_in_the_next_when_one_leaves(money: Money, tmp_path: Path) -> None:
    """With two at the counters the third waits, until somebody has ordered or walked away."""
    async with open_shop(money.url, tmp_path / "books", inside=2, hold_ttl_ns=700 * MS) as shop:
        ada, _ = await shop.enter("ada@example.org"), await shop.enter("bob@example.org")
        waiting = asyncio.create_task(shop.enter("cyd@example.org"))
        _, hold = await shop.hold(ada)
        assert not waiting.done()
        assert (await shop.order(hold["id"], "k"))[0] == 202
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(shop.enter("dan@example.org"), 5)  # bob never came to the counter


async def test_pages_outside_the_sale_stay_open_when_the_sale_sheds(money: Money, tmp_path: Path) -> None:
    """The bulkhead: sale requests over the bound are refused at once, the other pages never."""
    async with open_shop(money.url, tmp_path / "books", in_flight=1) as shop:
        asked = [shop.ask("POST", "/api/queue", {"email": f"f{n}@example.org"}) for n in range(100)]
        about = [shop.ask("GET", "/about") for _ in range(100)]
        replies = await asyncio.gather(*asked, *about)
        assert {status for status, _, _ in replies[:100]} == {202, 503}
        assert {status for status, _, _ in replies[100:]} == {200}


async def test_a_data_folder_belongs_to_one_sale(money: Money, tmp_path: Path) -> None:
    """Books of another size or price are refused with one line, not mixed up."""
    async with open_shop(money.url, tmp_path / "books"):
        pass
    with pytest.raises(UsageError, match="holds another sale"):
        async with open_shop(money.url, tmp_path / "books", capacity=51):
            pass

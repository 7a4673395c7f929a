"""The pages: a person buys a ticket with forms and links alone, and is told the truth at every step."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.boxoffice.person import Page, person
from tests.boxoffice.street import MS, Money, Shop, damage, open_shop, settled

pytestmark = pytest.mark.real


async def test_a_person_buys_two_tickets(shop: Shop, money: Money) -> None:
    """From the first page to the tickets; the page shows what the books say, and one charge was made."""
    async with person(shop.url) as ann:
        first = await ann.open("/")
        assert "50 of 50" in first.text
        assert "89.00 EUR" in first.text
        page = await ann.buys("ann@example.org", 2)
        assert page.name == "thanks"
        (order,) = await shop.rows("orders")
        assert (order["state"], order["email"], order["qty"]) == ("confirmed", "ann@example.org", 2)
        tickets = await shop.rows("tickets")
        assert re.findall('class="ticket">([^<]+)<', page.text) == [ticket["ticket"] for ticket in tickets]
        assert re.findall('class="seat">([^<]+)<', page.text) == [ticket["seat"] for ticket in tickets]
        assert "178.00 EUR" in page.text
    assert await money.net_by_order() == {order["order"]: [17800]}


async def test_a_form_needs_the_token_of_its_own_browser(shop: Shop) -> None:
    """None, a wrong one, another browser's, or no cookie at all: 403, said in words, and nothing happened."""
    async with person(shop.url) as ann, person(shop.url) as eve, person(shop.url) as nobody:
        page, others = await ann.open("/"), await eve.open("/")
        token, theirs = page.form("/line")["token"], others.form("/line")["token"]
        assert token != theirs
        for browser, said in ((ann, None), (ann, ""), (ann, "0" * 32), (ann, "é"), (ann, theirs), (nobody, token)):
            fields = {"email": "ann@example.org"} | ({} if said is None else {"token": said})
            refused = await browser.post("/line", fields)
            assert (refused.status, refused.name) == (403, "NOT_YOUR_FORM"), (said, refused)
            assert refused.title == "This form is not valid any more"
        assert await shop.rows("admissions") == []
        assert (await ann.send(page, "/line", email="ann@example.org")).status == 200


async def test_a_cookie_that_was_written_by_hand_is_no_visit(shop: Shop) -> None:
    """A changed cookie is as good as none: the basket in it is not believed."""
    async with person(shop.url) as ann:
        await ann.chooses("ann@example.org")
        sealed = next(cookie.value for cookie in ann.http.cookie_jar if cookie.key == "visit")
        text, _, seal = sealed.partition(".")
        for forged in (f"{text[:-2]}AA.{seal}", f"{text}.{seal[:-1]}x", text, ".", "é.x", ""):
            async with person(shop.url) as eve:
                assert (await eve.open("/basket", Cookie=f"visit={forged}")).path == "/", forged
        async with person(shop.url) as friend:
            assert (await friend.open("/basket", Cookie=f"visit={sealed}")).path == "/basket"


async def test_whatever_is_pressed_twice_is_bought_once(shop: Shop, money: Money) -> None:
    """Five clicks at once, a reload of the form and the back button all send one key: one order, one charge."""
    async with person(shop.url) as ann:
        form = await ann.chooses("ann@example.org")
        sent = await asyncio.gather(*(ann.send(form, "/checkout", card="pm_card_visa") for _ in range(5)))
        assert len({page.path for page in sent}) == 1
        again = await ann.open("/checkout")
        assert again.form("/checkout")["key"] == form.form("/checkout")["key"]
        assert "You have sent this order already" in again.text
        assert (await ann.send(again, "/checkout", card="pm_card_visa")).path == sent[0].path
        # The back button, and another card: the order stands, so it is shown, and nothing is bought twice.
        assert (await ann.send(form, "/checkout", card="pm_card_mastercard")).path == sent[0].path
        await settled(shop)
    assert len(await shop.rows("orders")) == 1
    assert [len(charges) for charges in (await money.net_by_order()).values()] == [1]


async def test_a_declined_card_leaves_the_basket_for_another(shop: Shop, money: Money) -> None:
    """The page says so, the form comes with a fresh key, and the other card pays for the same seats."""
    async with person(shop.url) as ann:
        declined = await ann.buys("ann@example.org", card="pm_card_chargeDeclined")
        assert declined.title == "Your bank declined the card"
        form = await ann.open("/checkout")
        assert "declined the last card" in form.text
        sent = await ann.send(form, "/checkout", card="pm_card_visa")
        assert sent.path != declined.path
        assert (await ann.until(sent.path, "thanks")).status == 200
    first, second = await shop.rows("orders")
    assert (first["state"], second["state"], first["hold"]) == ("failed", "confirmed", second["hold"])
    assert first["key"] != second["key"]
    assert await money.net_by_order() == {second["order"]: [8900]}


async def test_the_back_button_after_a_declined_card_pays_with_another(shop: Shop) -> None:
    """The old form with another card is a wish of its own, though it repeats the old key."""
    async with person(shop.url) as ann:
        form = await ann.chooses("ann@example.org")
        sent = await ann.send(form, "/checkout", card="pm_card_chargeDeclined")
        await ann.until(sent.path, "failed DECLINED")
        other = await ann.send(form, "/checkout", card="pm_card_visa")
        assert (await ann.until(other.path, "thanks")).path != sent.path


async def test_a_silent_bank_is_told_honestly(shop: Shop, money: Money) -> None:
    """While nobody answers the page says that it asks and reloads itself; afterwards it has the ticket."""
    await money.lose_requests()
    async with person(shop.url) as ann:
        sent = await ann.send(await ann.chooses("ann@example.org"), "/checkout", card="pm_card_visa")
        await asyncio.sleep(0.5)
        page = await ann.open(sent.path)
        assert (page.name, page.title) == ("pending", "We are asking your bank")
        assert "do not pay a second time" in page.text
        assert re.search('<meta http-equiv="refresh" content="[1-9]', page.text)
        await money.heal()
        assert (await ann.until(sent.path, "thanks")).title == "Paid. See you there!"
    assert await damage(shop, money) == {}


async def test_what_a_person_types_stays_text(shop: Shop) -> None:
    """Markup in an e-mail address is shown, never run."""
    evil = '"><script>alert(1)</script>@example.org'
    async with person(shop.url) as eve:
        await eve.send(await eve.open("/"), "/line", email=evil)
        seen = [await eve.open(path) for path in ("/", "/line", "/tickets")]
        basket = await eve.send(await eve.until("/line", "tickets"), "/tickets", qty="1")
        seen += [basket, await eve.open("/checkout"), await eve.open("/order/<script>alert(1)</script>")]
        for page in seen:
            assert "<script" not in page.text, page
        assert "&lt;script&gt;" in seen[0].text
        assert "&lt;script&gt;" in seen[4].text


async def test_a_form_is_answered_with_a_redirect_and_a_guarded_cookie(shop: Shop) -> None:
    """303 after each form; the cookie is HttpOnly and Lax; no page is stored, framed, or loads anything."""
    async with person(shop.url) as ann:
        first = await ann.open("/")
        for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in first.headers["Set-Cookie"]
        assert first.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in first.headers["Content-Security-Policy"]
        sent = await ann.send(first, "/line", follow=False, email="ann@example.org")
        assert (sent.status, sent.headers["Location"]) == (303, "/line")
        tickets = await ann.until("/line", "tickets")
        sent = await ann.send(tickets, "/tickets", follow=False, qty="1")
        assert (sent.status, sent.headers["Location"]) == (303, "/basket")
        sent = await ann.send(await ann.open("/checkout"), "/checkout", follow=False, card="pm_card_visa")
        assert (sent.status, sent.headers["Location"][:13]) == (303, "/order/order_")


async def test_pages_can_be_used_without_sight_and_without_scripts(shop: Shop) -> None:
    """Each page names its language and one heading, and every field that is filled in has its label."""
    async with person(shop.url) as ann:
        pages = [await ann.open("/")]
        pages.append(await ann.send(pages[0], "/line", email="ann@example.org"))
        pages.append(await ann.until("/line", "tickets"))
        pages.append(await ann.send(pages[-1], "/tickets", qty="1"))
        pages.append(await ann.open("/checkout"))
        pages.append(await ann.send(pages[-1], "/checkout", card="pm_card_visa"))
        pages.append(await ann.until(pages[-1].path, "thanks"))
        pages.append(await ann.open("/order/none"))
    for page in pages:
        assert '<html lang="en">' in page.text
        assert page.text.count("<h1") == 1, page
        assert '<meta name="viewport"' in page.text
        typed = re.findall(r'<(?:input|select) id="(\w+)"', page.text)
        assert [f'<label for="{name}">' in page.text for name in typed] == [True] * len(typed)
        assert len(re.findall(r'<(?:select|input(?! type="hidden"))', page.text)) == len(typed)


async def test_a_way_without_its_beginning_leads_back_there(shop: Shop) -> None:
    """Whoever opens a later page first is sent to the first one; an unknown page is 404 in words."""
    async with person(shop.url) as ann:
        for path in ("/line", "/tickets", "/basket", "/checkout"):
            assert (await ann.open(path)).path == "/"
        for odd in ("order_1_000000000000", "", "%3Flimit=1", "..%2Fadmin%2Fstock", "%25", "é%00"):
            lost = await ann.open(f"/order/{odd}")
            assert (lost.status, lost.title) == (404, "There is no such order"), odd
        assert (await ann.open("/tickets?block=%26limit%3D1")).path == "/"


async def test_bad_fields_are_refused_in_words(shop: Shop) -> None:
    """No address, no number, no card of the list, too many fields: 400 and nothing done."""
    async with person(shop.url) as ann:
        first = await ann.open("/")
        assert (await ann.send(first, "/line", email="nobody")).status == 400
        assert (await ann.send(first, "/line", **{f"f{n}": "x" for n in range(400)})).status == 400
        form = await ann.chooses("ann@example.org")
        tickets = await ann.open("/tickets")
        for qty in ("", "two", "-1", "0", "1e3", "9" * 30, "\u0661"):
            assert (await ann.send(tickets, "/tickets", qty=qty)).status == 400, qty
        assert (await ann.send(tickets, "/tickets", qty="5")).name == "LIMIT"
        assert (await ann.send(form, "/checkout", card="pm_card_free")).status == 400
        assert (await ann.post("/basket", form.form("/checkout"))).status == 405
    assert await shop.rows("orders") == []


async def test_a_basket_whose_time_is_up_says_so(money: Money, tmp_path: Path) -> None:
    """The page and the checkout both say that the tickets went back, and where to choose again."""
    async with open_shop(money.url, tmp_path, hold_ttl_ns=300 * MS) as shop, person(shop.url) as ann:
        form = await ann.chooses("ann@example.org")
        await shop.when(lambda stock: stock["held"] == 0)
        for page in (await ann.open("/basket"), await ann.send(form, "/checkout", card="pm_card_visa")):
            assert (page.status, page.title) == (409, "Your basket has run out of time")
            assert 'href="/tickets"' in page.text
        assert (await ann.open("/tickets")).name == "tickets"


async def test_sold_out_is_said_wherever_one_stands(money: Money, tmp_path: Path) -> None:
    """On the first page, in the line, and to somebody who was let in already."""
    async with (
        open_shop(money.url, tmp_path, capacity=2) as shop,
        person(shop.url) as ann,
        person(shop.url) as bob,
        person(shop.url) as eve,
    ):
        await bob.send(await bob.open("/"), "/line", email="bob@example.org")
        choosing = await bob.until("/line", "tickets")
        assert (await ann.buys("ann@example.org", 2)).name == "thanks"
        await shop.when(lambda stock: stock["sold"] == 2)
        await asyncio.sleep(0.2)
        said: list[Page] = [await eve.open("/"), await bob.send(choosing, "/tickets", qty="1"), await bob.open("/line")]
        assert [page.name for page in said] == ["SOLD_OUT"] * 3
        assert [page.status for page in said] == [200, 410, 410]


async def test_a_full_till_sheds_with_a_page_and_the_form_can_be_sent_again(money: Money, tmp_path: Path) -> None:
    """503 with Retry-After and a sentence; the button on that page repeats the wish under the same key."""
    await money.lose_requests()
    async with (
        open_shop(money.url, tmp_path, payment_queue=1) as shop,
        person(shop.url) as ann,
        person(shop.url) as bob,
    ):
        await ann.send(await ann.chooses("ann@example.org"), "/checkout", card="pm_card_visa")
        form = await bob.chooses("bob@example.org")
        shed = await bob.send(form, "/checkout", card="pm_card_visa")
        assert (shed.status, shed.title) == (503, "Too many people at the counters")
        assert int(shed.headers["Retry-After"]) >= 1
        assert shed.form("/checkout") == form.form("/checkout") | {"card": "pm_card_visa"}
        await money.heal()
        await settled(shop)
        sent = await bob.send(shed, "/checkout")
        assert (await bob.until(sent.path, "thanks")).status == 200


async def test_a_visit_outlives_a_restart(money: Money, tmp_path: Path) -> None:
    """The cookie is sealed with the sale's own secret: after a restart the same form still buys."""
    async with person("") as ann:
        async with open_shop(money.url, tmp_path) as shop:
            ann.url = shop.url
            form = await ann.chooses("ann@example.org")
        async with open_shop(money.url, tmp_path) as shop:
            ann.url = shop.url
            sent = await ann.send(form, "/checkout", card="pm_card_visa")
            assert (await ann.until(sent.path, "thanks")).status == 200


async def test_tagged_pages_are_in_the_request_log(shop: Shop) -> None:
    """X-Surge-Attempt is logged with the page's own path and status; the intent reaches the order."""
    async with person(shop.url) as ann:
        await ann.open("/", X_Surge_Attempt="a-1")
        form = await ann.chooses("ann@example.org")
        fields = form.form("/checkout") | {"card": "pm_card_visa"}
        await ann.post("/checkout", fields, follow=False, X_Surge_Attempt="a-2", X_Surge_Intent="i-7")
        seen = [(row["attempt"], row["method"], row["path"], row["status"]) for row in await shop.rows("requests")]
        assert seen == [("a-1", "GET", "/", 200), ("a-2", "POST", "/checkout", 303)]
        (order,) = await shop.rows("orders")
        assert order["intent"] == "i-7"


async def test_pages_outside_the_sale_stay_open(money: Money, tmp_path: Path) -> None:
    """With every counter taken the sale's pages say when to come back, and try again by themselves; /about stays."""
    async with open_shop(money.url, tmp_path, in_flight=1) as shop, person(shop.url) as ann:
        looks = [ann.open("/") for _ in range(40)]
        outside = [ann.open(path) for path in ("/about", "/healthz") for _ in range(10)]
        pages = await asyncio.gather(*looks, *outside)
        shed = [page for page in pages[:40] if page.status == 503]
        assert shed
        for page in shed:
            assert (page.name, page.title) == ("BUSY", "Too many people at the counters")
            wait_s = page.headers["Retry-After"]
            assert f'<meta http-equiv="refresh" content="{wait_s}">' in page.text
        assert {page.status for page in pages[40:]} == {200}


async def test_seats_are_chosen_on_the_map(money: Money, tmp_path: Path) -> None:
    """Blocks, then a block's seats to tick; a seat that somebody took first is said, and nothing else is taken."""
    async with (
        open_shop(money.url, tmp_path, seating="map", rows=1, capacity=40) as shop,
        person(shop.url) as ann,
        person(shop.url) as bob,
    ):
        for who, name in ((ann, "ann"), (bob, "bob")):
            await who.send(await who.open("/"), "/line", email=f"{name}@example.org")
            overview = await who.until("/line", "tickets")
        assert "Block A</a>" in overview.text
        assert "20 of 20 free" in overview.text
        block = await ann.open("/tickets?block=B")
        first, second, third = re.findall('name="seat" value="([^"]+)"', block.text)[:3]
        token = block.form("/tickets")["token"]
        basket = await ann.post("/tickets", [("token", token), ("seat", second), ("seat", first)])
        assert (basket.name, re.findall('data-seats="([^"]+)"', basket.text)) == ("basket", [f"{first}, {second}"])
        late = await bob.open("/tickets?block=B")
        token = late.form("/tickets")["token"]
        said = await bob.post("/tickets", [("token", token), ("seat", third), ("seat", second)])
        assert (said.status, said.title) == (409, "Somebody was faster")
        assert (await shop.stock())["held"] == 2
        assert (await bob.post("/tickets", [("token", token), ("seat", third)])).name == "basket"
        assert (await bob.open("/tickets?block=Z")).status == 404


async def test_the_line_tells_the_place_and_the_wait(money: Money, tmp_path: Path) -> None:
    """The page shows what the shop knows, reloads itself no sooner than it must, and reloading changes nothing."""
    async with (
        open_shop(money.url, tmp_path, admission_per_s=0.5) as shop,
        person(shop.url) as ann,
        person(shop.url) as bob,
        person(shop.url) as eve,
    ):
        for who, name in ((ann, "ann"), (bob, "bob"), (eve, "eve")):
            page = await who.send(await who.open("/"), "/line", email=f"{name}@example.org")
        place = int(re.findall('id="position">(\\d+)<', page.text)[0])
        assert place in (2, 3)  # of the three one may have been let in by now
        assert float(re.findall('data-seconds="([\\d.]+)"', page.text)[0]) == place / 0.5
        assert 1 <= int(re.findall('http-equiv="refresh" content="(\\d+)"', page.text)[0]) <= 10
        again = await eve.send(await eve.open("/"), "/line", email="eve@example.org")
        assert int(re.findall('id="position">(\\d+)<', again.text)[0]) <= place
        assert len(await shop.rows("admissions")) == 3
        # Whoever asks for the counters before their turn is sent back to the line.
        assert (await eve.open("/tickets")).path == "/line"


async def test_before_the_draw_nobody_is_told_a_number(money: Money, tmp_path: Path) -> None:
    """In the pre-queue the page says when places are given out, and that it is by lot; then it goes on by itself."""
    async with (
        open_shop(money.url, tmp_path, order="lottery", prequeue_ns=700 * MS) as shop,
        person(shop.url) as ann,
    ):
        page = await ann.send(await ann.open("/"), "/line", email="ann@example.org")
        assert (page.name, page.title) == ("prequeue", "You are early")
        assert "by lot" in page.text
        assert 'id="position"' not in page.text
        assert (await ann.until("/line", "tickets")).path == "/tickets"

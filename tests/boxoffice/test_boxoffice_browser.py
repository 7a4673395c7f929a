"""A person in a real browser buys a ticket while the payment provider browns out."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import PATIENCE_MS, chromium
from tests.rehearsal.behind import standing
from tests.rehearsal.plays import ask

pytestmark = pytest.mark.real

WIDTH_PX = 420
LOST_REPLY = {"name": "lost", "type": "timeout", "stream": "downstream", "attributes": {"timeout": 1}}


@contextmanager
def street(place: Path, *flags: object) -> Iterator[dict[str, str]]:
    """Provider, proxied link and shop, each a process of its own → their addresses."""
    with ExitStack() as stack:
        anywhere = "127.0.0.1:0"
        provider = ("--listen", anywhere, "--control", anywhere, "--latency", "20ms")
        pay = stack.enter_context(standing("payments", *provider))
        api = stack.enter_context(standing("proxy", "--listen", anywhere))["url"]
        upstream = pay["url"].removeprefix("http://")
        link = ask(f"{api}/proxies", "POST", {"name": "bank", "listen": anywhere, "upstream": upstream})["listen"]
        shop = stack.enter_context(
            standing(
                *("shop", "--listen", anywhere, "--payments-url", f"http://{link}"),
                *("--data", place / "books", "--capacity", 40, "--payment-timeout", "400ms", "--payment-tries", 2),
                *("--reconcile-every", "300ms", "--payment-deadline", "2m", *flags),
            )
        )
        yield {"shop": shop["url"], "bank": f"{api}/proxies/bank", "control": pay["control"]}


@pytest.fixture
def page() -> Iterator[Any]:
    """A tab of a Chromium in which no script may run: the pages must do without."""
    with chromium("no purchase in a browser was tried") as browser:
        context = browser.new_context(java_script_enabled=False, viewport={"width": WIDTH_PX, "height": 780})
        tab = context.new_page()
        tab.set_default_timeout(PATIENCE_MS)
        yield tab


def seen(page: Any, place: Path, name: str) -> None:
    """A picture for whoever looks into a failure; on a telephone nothing may stick out at the side."""
    page.screenshot(path=place / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH_PX, name


def test_a_ticket_is_bought_during_a_brownout(page: Any, tmp_path: Path) -> None:
    """The page says honestly that the bank is being asked; when the replies come again it has the ticket, paid once."""
    with street(tmp_path) as at:
        page.goto(at["shop"])
        seen(page, tmp_path, "1-event")
        page.get_by_label("Your e-mail address").fill("ann@example.org")
        page.get_by_role("button", name="Join the line").click()
        page.get_by_role("heading", name="It is your turn").wait_for()
        seen(page, tmp_path, "2-tickets")
        page.get_by_label("How many tickets").select_option("2")
        page.get_by_role("button", name="Put into the basket").click()
        seen(page, tmp_path, "3-basket")
        page.get_by_role("link", name="To the payment").click()
        page.get_by_label("Card").select_option("pm_card_visa")
        seen(page, tmp_path, "4-checkout")

        ask(f"{at['bank']}/toxics", "POST", LOST_REPLY)
        page.get_by_role("button", name="Pay 178.00 EUR").click()
        asking = page.get_by_role("heading", name="We are asking your bank")
        asking.wait_for()
        order = page.url
        seen(page, tmp_path, "5-pending")
        # The money has moved by now, and nobody could tell the shop: after reload upon reload the page still waits.
        for _ in range(2):
            with page.expect_navigation():
                pass
            asking.wait_for()
        charges = lines(f"{at['control']}/_sim/charges")
        assert [charge["captured_minor"] for charge in charges] == [17800]
        # An impatient person goes back and pays again: it is the same order.
        page.goto(f"{at['shop']}/checkout")
        assert page.get_by_text("You have sent this order already").is_visible()
        page.get_by_role("button", name="Pay 178.00 EUR").click()
        assert page.url == order

        ask(f"{at['bank']}/toxics/lost", "DELETE")
        page.get_by_role("heading", name="Paid. See you there!").wait_for()
        seen(page, tmp_path, "6-thanks")
        shown = page.locator("#tickets .ticket").all_inner_texts()
        tickets = ask(f"{at['shop']}/api/admin/tickets")["rows"]
        assert shown == [ticket["ticket"] for ticket in tickets]
        assert len(shown) == 2
        assert len(lines(f"{at['control']}/_sim/charges")) == 1
        assert ask(f"{at['shop']}/api/admin/stock")["sold"] == 2


def test_a_declined_card_and_a_seat_of_ones_choice(page: Any, tmp_path: Path) -> None:
    """Two seats are ticked on the map; the first card is declined, the second one pays for the same seats."""
    with street(tmp_path, "--seating", "map", "--rows", 2, "--title", "Grüße & <Kisses>") as at:
        page.goto(at["shop"])
        assert page.get_by_role("heading", name="Grüße & <Kisses>").is_visible()
        page.get_by_label("Your e-mail address").fill("bob@example.org")
        page.get_by_role("button", name="Join the line").click()
        page.get_by_role("link", name="Block A").click()
        for label in ("A-2-07", "A-2-08"):
            page.get_by_role("checkbox", name=label).check()
        seen(page, tmp_path, "7-map")
        page.get_by_role("button", name="Put these seats into the basket").click()
        assert page.locator("#seats").inner_text() == "A-2-07, A-2-08"
        page.get_by_role("link", name="To the payment").click()
        page.get_by_label("Card").select_option(label="Visa 0002 (is declined)")
        page.get_by_role("button", name="Pay").click()
        page.get_by_role("heading", name="Your bank declined the card").wait_for()
        seen(page, tmp_path, "8-declined")
        page.get_by_role("link", name="Pay with another card").click()
        seen(page, tmp_path, "9-again")
        page.get_by_role("button", name="Pay").click()
        page.get_by_role("heading", name="Paid. See you there!").wait_for()
        assert page.locator("#seats").inner_text() == "A-2-07, A-2-08"
        page.goto(f"{at['shop']}/order/order_1_none")
        seen(page, tmp_path, "10-no-order")


def lines(url: str) -> list[Any]:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return [json.loads(line) for line in reply.read().splitlines() if line]

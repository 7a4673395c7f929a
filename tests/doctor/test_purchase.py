"""One fan buys, and three things are seen: the way to the provider, the books, and whose the order is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from surgectl.cli.try_fan import try_one
from surgectl.clock import SystemClock
from surgectl.doctor import purchase
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.patient import Then
from surgectl.doctor.purchase import look_at_purchase
from surgectl.profile.load import load_target
from tests.doctor.corner_shop import TARGET, CornerShop, opened
from tests.doctor.patients import patient, said, wrong
from tests.evidence.ledgers import QUICK

CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """This shop's books never lag."""
    monkeypatch.setattr(purchase, "_PAUSES_S", ())


async def bought(shop: CornerShop, folder: Path) -> list[Checkup]:
    async with opened(shop):
        path, variables = shop.target(folder), shop.variables()
        target = load_target(path, variables, environ={})

        async def buy(then: Then) -> None:
            await try_one(str(path), variables, "patient", Console(file=io.StringIO()), then)

        return await look_at_purchase(patient(target, folder), buy, CLOCK, QUICK)


async def test_a_shop_that_pays_around_its_link(tmp_path: Path) -> None:
    """A brownout on that link would hit nobody: found out by one fan who buys all the same."""
    found = await bought(CornerShop(through_the_link=False), tmp_path)
    assert wrong(found) == ["payments the shop's way"]
    assert "nothing went through this link" in said(found, "payments the shop's way")[1]


async def test_books_that_name_no_fan(tmp_path: Path) -> None:
    """Rows that are nobody's convict of nothing. The number that the fan was told is a weak link."""
    found = await bought(CornerShop(tells=False), tmp_path)
    assert wrong(found) == ["charges of the fan"]
    assert said(found, "orders of the fan")[0] == "note"
    assert "of 1 rows none is linked" in said(found, "charges of the fan")[1]


async def test_a_shop_in_order(tmp_path: Path) -> None:
    """Paid through the link, found in both books, linked by the minted e-mail address."""
    shop = CornerShop()
    found = await bought(shop, tmp_path)
    assert wrong(found) == [] and len(shop.emails) == 1
    assert said(found, "purchase")[1].startswith("one fan ended confirmed (ok)")
    assert said(found, "payments the shop's way")[1].startswith("the shop came this way: 1 connections")
    assert (
        said(found, "orders of the fan") == said(found, "charges of the fan") == ("pass", "one found, linked by email")
    )


async def test_a_fan_who_cannot_buy(tmp_path: Path) -> None:
    """A purchase that is declined proves no way; what to do next is said."""
    shop = CornerShop()
    async with opened(shop):
        taken = shop.link
        shop.link = shop.shop  # a port that is taken: no relay can stand there, and the shop cannot pay there
        text = TARGET.replace("end: declined", "end: sold-out")  # after which nobody tries again
        path, variables = shop.target(tmp_path, text), {**shop.variables(), "PAY_LINK": shop.shop}
        target = load_target(path, variables, environ={})
        shop.link = taken  # where nobody listens

        async def buy(then: Then) -> None:
            await try_one(str(path), variables, "patient", Console(file=io.StringIO()), then)

        found = await look_at_purchase(patient(target, tmp_path), buy, CLOCK, QUICK)
    assert wrong(found) == ["purchase"] and "check TARGET --try" in said(found, "purchase")[1]
    assert said(found, "payments the shop's way")[0] == "unknown"


async def test_a_setup_that_fails(tmp_path: Path) -> None:
    """The hook's own last words, on one line."""
    shop = CornerShop()
    async with opened(shop):
        path = shop.target(tmp_path)
        path.write_text(path.read_text() + "setup: {run: [python, -c, \"import sys; sys.exit('no tickets')\"]}\n")
        variables = shop.variables()
        target = load_target(path, variables, environ={})

        async def buy(then: Then) -> None:
            await try_one(str(path), variables, "patient", Console(file=io.StringIO()), then)

        found = await look_at_purchase(patient(target, tmp_path), buy, CLOCK, QUICK)
    assert wrong(found) == ["purchase"] and "no tickets" in said(found, "purchase")[1] and shop.emails == []

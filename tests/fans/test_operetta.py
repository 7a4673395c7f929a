"""The shapes that real shops add: a door, forms, a wizard, one word of success, a second way to pay.

The target is that of tests/strangers/operetta.py; here each turn of it is tried without a shop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
import yaml

from surgectl.journey.messages import Reply
from tests.fans.talk import Talk, converse, person
from tests.journey.shop import BASE, journey, page

TARGET = yaml.safe_load((Path(__file__).parents[1] / "strangers" / "operetta.yaml").read_text())
PARTS = {name: TARGET[name] for name in ("mint", "form_defaults", "journey", "flows")}


def at(path: str, words: str = "", **fields: str) -> Reply:
    """The page where the redirects ended, with its form."""
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    action = "/again/7" if "declined" in words else path
    body = f'<h1>{words}</h1><form method="post" action="{action}">{inputs}</form>'
    return msgspec.structs.replace(page(200, body), url=BASE + path)


NOT_YET, LATER = page(200, {"ready": False, "check_url": "/door/1"}), page(200, {"ready": False})
READY = page(200, {"ready": True})
SHOP = at("/shop", _csrf="t1")
NAME, DELIVERY = at("/checkout/name/", name="", _csrf="t2"), at("/checkout/delivery/", delivery="", _csrf="t3")
REVIEW = at("/checkout/review/", "Total 25.00 EUR", _csrf="t4")
DECLINED = at("/pay", "Your card was declined", _csrf="t5")
THANKS, DONE = at("/done?order=OP-7&thanks=yes"), at("/done?order=OP-7")
TO_PAY = [NOT_YET, LATER, READY, SHOP, DELIVERY, REVIEW]


def played(replies: list[Reply]) -> Talk:
    return converse(person(journey("", **PARTS)).script, replies)


WAYS: dict[str, tuple[list[Reply], tuple[str, str], list[str]]] = {
    "let in at once": ([READY, SHOP, REVIEW, THANKS], ("confirmed", "ok"), ["door", "shop", "basket", "pay"]),
    "later answers omit the address": (
        [*TO_PAY, THANKS],
        ("confirmed", "ok"),
        ["door", "door?", "door?", "shop", "basket", "delivery", "pay"],
    ),
    "a wizard with more to ask": (
        [READY, SHOP, NAME, DELIVERY, REVIEW, THANKS],
        ("confirmed", "ok"),
        ["door", "shop", "basket", "name", "delivery", "pay"],
    ),
    "a wizard that asks the same for ever": (
        [READY, SHOP, NAME, NAME, NAME, NAME, NAME, NAME],
        ("unknown", "info"),
        ["door", "shop", "basket", "name", "name", "name", "name", "name"],
    ),
    "a page of the wizard that nobody knows": (
        [READY, SHOP, at("/checkout/blood-group/")],
        ("unknown", "info"),
        ["door", "shop", "basket"],
    ),
    "no, with status 200": (
        [READY, SHOP, at("/basket", "Sold out")],
        ("sold-out", "fail"),
        ["door", "shop", "basket"],
    ),
    "the last page without its one word": (
        [READY, SHOP, REVIEW, DONE],
        ("unknown", "info"),
        ["door", "shop", "basket", "pay"],
    ),
    "paid again elsewhere": (
        [READY, SHOP, REVIEW, DECLINED, THANKS],
        ("confirmed", "ok"),
        ["door", "shop", "basket", "pay", "pay-again"],
    ),
    "declined twice": (
        [READY, SHOP, REVIEW, DECLINED, DECLINED],
        ("declined", "fail"),
        ["door", "shop", "basket", "pay", "pay-again"],
    ),
    "a shop page without its token": (
        [READY, at("/shop", "We are redecorating")],
        ("broken-page", "info"),
        ["door", "shop"],
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_turn_of_the_journey(way: str) -> None:
    """Where the shop leads, the fan goes; what it does not say in so many words stays unknown."""
    replies, end, steps = WAYS[way]
    talk = played(replies)
    assert (talk.end, talk.steps) == (end, steps)


def sent(talk: Talk, step: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    wire = next(send.wire for send in talk.sends if send.step == step and not send.poll)
    return wire.url, parse_qs((wire.body or b"").decode()), dict(wire.headers)


def test_every_form_carries_token_and_referer() -> None:
    """The page's own hidden token goes back, the page is the Referer, and who pays again posts where that form says."""
    talk = played([READY, SHOP, NAME, REVIEW, DECLINED, THANKS])
    url, form, headers = sent(talk, "basket")
    assert (form["_csrf"], headers["Referer"], headers["Origin"]) == (["t1"], BASE + "/shop", BASE)
    url, form, headers = sent(talk, "name")
    assert (url, form["name"]) == (BASE + "/checkout/name/", ["Ann r1-4"])
    assert headers["Referer"] == BASE + "/checkout/name/"
    assert [sent(talk, step)[1]["_csrf"] for step in ("name", "pay", "pay-again")] == [["t2"], ["t4"], ["t5"]]
    assert sent(talk, "pay-again")[0] == BASE + "/again/7"

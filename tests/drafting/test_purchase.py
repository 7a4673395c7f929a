"""What a recorded purchase tells: who is the shop, what is a fan's own, what the shop gave, how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surgectl.drafting.har import read_har
from surgectl.drafting.purchase import draft_of
from surgectl.errors import UsageError
from surgectl.profile.step import Step
from tests.drafting.recorded import SHOP, drafted, entry, har, target_of

KEY = "5f2c8c1e-9a30-4e0c-b1de-3a5f2b9c7d10"
API: list[dict[str, Any]] = [
    entry("GET", "/api/events/floor", reply={"sku": "floor", "left": 5}),
    entry(
        "POST", "/api/queue", 202, sent={"email": "Ann@Shop.example"}, reply={"id": "place_1_aa81", "state": "waiting"}
    ),
    entry("GET", "/api/queue/place_1_aa81", reply={"state": "waiting", "poll_after_ms": 500}),
    entry("GET", "/api/queue/place_1_aa81", reply={"state": "admitted", "pass": "pass.9f8e7d6c5b"}),
    entry(
        "POST",
        "/api/holds",
        201,
        sent={"sku": "floor", "qty": 2},
        headers={"X-Pass": "pass.9f8e7d6c5b"},
        reply={"id": 17},
    ),
    entry(
        "POST",
        "/api/orders",
        202,
        sent={"hold": 17, "card": "4242 4242 4242 4242", "email": "ann@shop.example"},
        headers={"Idempotency-Key": KEY, "Authorization": "Bearer top-secret-1234"},
        reply={"order": "order_3_9c", "state": "pending"},
    ),
    entry("GET", "/api/orders/order_3_9c", reply={"state": "pending", "order": "order_3_9c"}),
    entry("GET", "/api/orders/order_3_9c", reply={"state": "confirmed", "order": "order_3_9c", "total": 17800}),
    entry("GET", "/api/me", reply={}),
]


def by_name(steps: list[Step]) -> dict[str, Step]:
    return {step.step: step for step in steps}


def test_an_api_becomes_a_journey(tmp_path: Path) -> None:
    """Roles, polling, what each reply gives the next request, typed numbers, minted values, and no secret in clear."""
    text = drafted(*API)
    target = target_of(text, tmp_path, SHOP_CARD="c", SHOP_AUTHORIZATION="Bearer x")
    steps = by_name(target.journey)
    assert [(step.step, step.role) for step in target.journey] == [
        ("floor", "browse"),
        ("join", "join"),
        ("hold", "hold"),
        ("pay", "pay"),
    ]
    assert steps["join"].json == {"email": "{email}"}
    poll = steps["join"].poll
    assert poll is not None and poll.get == "/api/queue/{queue}"
    assert poll.outcomes[0].when.json == {"state": "admitted"}  # type: ignore[union-attr]
    assert steps["join"].take["queue"].json == "id" and poll.take["pass_taken" if "pass_taken" in poll.take else "pass"]
    assert poll.hint is not None and (poll.hint.json, poll.hint.unit) == ("poll_after_ms", "ms")
    assert steps["hold"].json == {"sku": "floor", "qty": "{qty}"}
    assert steps["hold"].headers["X-Pass"] == "{" + next(iter(poll.take)) + "}"
    assert steps["pay"].json["hold"] == "{hold}" and steps["hold"].take["hold"].json == "id"
    assert steps["pay"].headers["Idempotency-Key"] == "{key}" and target.mint["key"] == "{uuid}"
    last = steps["pay"].poll
    assert last is not None and last.get == "/api/orders/{order}" and last.outcomes[0].end == "confirmed"
    assert target.flows["status"][0].get == "/api/orders/{order}"
    for secret in ("4242", "top-secret", "ann@shop", KEY, "9f8e7d6c5b", "order_3_9c"):
        assert secret not in text.lower(), secret


def page(title: str, inside: str = "") -> str:
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{inside}</body></html>"


def form(token: str, inside: str = "") -> str:
    return f'<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{token}">{inside}</form>'


TOKENS = [f"{letter * 20}{number}7" for number, letter in enumerate("abcd")]
PAGES = [
    entry("GET", "/catalogue/gig_1/", reply=page("gig", form(TOKENS[0]))),
    entry("GET", "/static/shop.css", kind="stylesheet"),
    entry("GET", "https://cdn.example/x.js", kind="script"),
    entry("POST", "https://stats.example/collect", sent={"e": 1}, reply={}),
    entry(
        "POST",
        "/basket/add/1/",
        302,
        form={"csrfmiddlewaretoken": TOKENS[0], "quantity": "1"},
        said={"Location": "/basket/"},
    ),
    entry("GET", "/basket/", reply=page("Basket")),
    entry("GET", "/checkout/", reply=page("Who are you?", form(TOKENS[1], '<input name="username">'))),
    entry(
        "POST",
        "/checkout/",
        302,
        form={"csrfmiddlewaretoken": TOKENS[1], "username": "ann@shop.example", "options": "anonymous"},
        said={"Location": "/checkout/shipping-address/"},
    ),
    entry("GET", "/checkout/shipping-address/", reply=page("Where to?", form(TOKENS[2]))),
    entry(
        "POST",
        "/checkout/shipping-address/",
        302,
        form={"csrfmiddlewaretoken": TOKENS[2], "line1": "1 High Street"},
        said={"Location": "/checkout/shipping-method/"},
    ),
    entry("GET", "/checkout/shipping-method/", 302, said={"Location": "/checkout/preview/"}),
    entry("GET", "/checkout/preview/", reply=page("Preview", form(TOKENS[3]))),
    entry(
        "POST",
        "/checkout/preview/",
        302,
        form={"csrfmiddlewaretoken": TOKENS[3], "action": "place_order"},
        said={"Location": "/checkout/thank-you/"},
    ),
    entry("GET", "/checkout/thank-you/", reply=page("Order confirmed")),
    entry("POST", "/newsletter", 302, form={"mail": "ann@shop.example"}, said={"Location": "/"}),
]


def test_pages_with_forms_and_redirects(tmp_path: Path) -> None:
    """As django-oscar's: hidden tokens are taken from each page, redirects are followed, the thanks is the end."""
    text = drafted(*PAGES)
    target = target_of(text, tmp_path)
    steps = by_name(target.journey)
    last = target.journey[-1]
    assert last.role == "pay" and last.post == "/checkout/preview/" and last.follow is True
    assert last.form == {"csrfmiddlewaretoken": "{csrfmiddlewaretoken}", "action": "place_order"}
    rule = (last.outcomes or [])[0]
    assert rule.end == "confirmed" and "thank-you" in str(rule.when.url)  # type: ignore[union-attr]
    assert steps["hold"].form == {"csrfmiddlewaretoken": "{csrfmiddlewaretoken}", "quantity": "{qty}"}
    takes = [step.step for step in target.journey if "csrfmiddlewaretoken" in step.take]
    assert len(takes) == 4  # a fresh one before each form
    assert "cdn.example" not in text and "stats.example" in text  # a script is a file; a tracker is named, and dropped
    assert "things that were done after the purchase" in text
    assert not any(token in text for token in TOKENS)


def test_a_gateway_of_another_origin_takes_part(tmp_path: Path) -> None:
    """What a payment provider's own page answers and the shop then gets is a step against that origin."""
    bank = "https://api.bank.example/v1/tokens"
    target = target_of(
        drafted(
            entry("GET", "/", reply=page("Event")),
            entry("POST", bank, sent={"number": "4242424242424242", "cvc": "123"}, reply={"id": "tok_1Nab77Zz"}),
            entry("POST", "/orders", sent={"source": "tok_1Nab77Zz", "email": "a@b.example"}, reply={"status": "paid"}),
        ),
        tmp_path,
        SHOP_NUMBER="n",
        SHOP_CVC="c",
    )
    assert target.origins == {"bank": "https://api.bank.example"}
    gateway, pay = target.journey[1], target.journey[2]
    assert gateway.origin == "bank" and gateway.json == {"number": "n", "cvc": "c"}
    name = next(iter(gateway.take))
    assert gateway.take[name].json == "id" and pay.json["source"] == "{" + name + "}"
    assert (pay.outcomes or [])[0].end == "confirmed" and target.base_url == SHOP


def test_graphql_is_told_as_graphql(tmp_path: Path) -> None:
    """The query stays verbatim, its variables are filled, and a 200 with errors is no success."""
    add = "mutation($v: ID!) {\n  addItemToOrder(productVariantId: $v) { __typename ... on Order { code } }\n}"
    pay = "mutation { addPaymentToOrder(input: {method: dummy}) { __typename ... on Order { code state } } }"
    token = "3b1f0c9d8e7f6a5b4c3d"
    target = target_of(
        drafted(
            entry(
                "POST",
                "/shop-api",
                sent={"query": add, "variables": {"v": "1"}},
                reply={"data": {"addItemToOrder": {"__typename": "Order", "code": "ABC"}}},
                said={"vendure-auth-token": token},
            ),
            entry(
                "POST",
                "/shop-api",
                sent={"query": pay},
                headers={"Authorization": f"Bearer {token}"},
                reply={
                    "data": {"addPaymentToOrder": {"__typename": "Order", "state": "PaymentSettled", "code": "ABC"}}
                },
            ),
        ),
        tmp_path,
    )
    add_step, pay_step = target.journey
    assert add_step.role == "hold" and pay_step.role == "pay"
    assert add_step.graphql is not None and add_step.graphql.query == " ".join(add.split())
    assert (add_step.outcomes or [])[0].when.json == {"errors": None, "data.addItemToOrder.__typename": "Order"}  # type: ignore[union-attr]
    name = next(iter(add_step.take))
    assert add_step.take[name].header == "vendure-auth-token"
    assert pay_step.headers["Authorization"] == f"Bearer {{{name}}}"
    assert (pay_step.outcomes or [])[0].when.json == {"data.addPaymentToOrder.state": "PaymentSettled"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"log": {}}', "no log.entries"),
        (b"[" * 100_000, "not JSON"),
        (har(), "no request"),
        (har(None, 7, {}, {"request": {"url": "ws://x/"}}), "no request"),
        (har(entry("GET", "/", reply="<p>hi")), "holds no purchase"),
        (har(entry("GET", "/a.png", kind="image")), "no request to a shop"),
        (har(entry("POST", "/buy", 0)), "no request to a shop"),
    ],
)
def test_what_is_no_purchase_is_refused(data: bytes, what: str) -> None:
    """Each with the file, what is wrong with it and what to record instead."""
    with pytest.raises(UsageError, match=what) as told:
        draft_of(read_har(data, "bought.har"), "bought.har")
    assert told.value.hint and str(told.value).startswith("bought.har")


def reads(name: str, query: str, **reply: Any) -> dict[str, Any]:
    """A page's own script asking the shop in GraphQL."""
    sent = {"operationName": name, "query": query, "variables": {}}
    return entry("POST", "/api/graphql", sent=sent, reply={"data": reply})


def test_a_shop_made_of_scripts(tmp_path: Path) -> None:
    """What a script looked up for nothing is left out, its queries stand on one line, and a made-up value that the
    shop offered (a way of delivery) is sent as it was, never minted anew."""
    offered = "80191b5a-94e1-4afd-8419-d018c456e200"
    own = "c0a8012e-7d41-4f6b-9a55-1b2c3d4e5f60"
    wide = 'query Cart {\n  mine { id }\n  add: url(routeId: \n"add  mine")\n}'
    text = drafted(
        entry("GET", "/gig", reply=page("The gig")),
        entry("POST", "/api/cart/items", sent={"sku": "gig", "qty": 1}, reply={"data": {"count": 1}}),
        reads("Cart", wide, mine={"id": "1d78bf44-2c67-4150-86ab-c4d0d9d9c00c"}),
        reads("Countries", "query Countries { allowed { code } }", allowed=[{"code": "GB"}]),
        reads("Ways", "query Ways { ways { code } }", ways=[{"code": offered}, {"code": KEY}]),
        entry(
            "POST",
            "/api/carts/1d78bf44-2c67-4150-86ab-c4d0d9d9c00c/checkout",
            sent={"email": "ann@shop.example", "delivery": offered, "visit": own},
            reply={"data": {"uuid": "98ff472a-4b36-4e51-a354-562e1c310ea4", "order_number": "10001", "status": "new"}},
        ),
        entry("GET", "/checkout/success/98ff472a-4b36-4e51-a354-562e1c310ea4", reply=page("Thank you")),
    )
    target = target_of(text, tmp_path)
    steps = by_name(target.journey)
    assert list(steps) == ["gig", "hold", "cart", "ways", "pay", "success"]
    assert steps["cart"].graphql is not None
    assert steps["cart"].graphql.query == 'query Cart { mine { id } add: url(routeId: "add  mine") }'
    assert steps["pay"].json["delivery"] == offered and target.mint["visit"] == "{uuid}"
    assert "delivery" not in target.mint
    assert "      # order: {json: data.order_number}" in text

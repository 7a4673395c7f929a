"""Two shops that nobody here wrote, as their targets describe them: GraphQL that is always 200, forms that redirect."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from surgectl.fans.dialogue import Told
from surgectl.journey.messages import Reply
from tests.fans.talk import converse, person
from tests.journey.shop import BASE, journey, page

VENDURE = """
setup: {run: [setup.py]}
headers: {Authorization: "Bearer {token}"}
mint: {email: "fan-{run}-{intent}@example.org"}
journey:
  - step: add
    role: hold
    post: /shop-api
    graphql:
      query: 'mutation($v: ID!){ addItemToOrder(productVariantId: $v, quantity: 1){ ... on Order { code } } }'
      variables: {v: "{setup.variant}"}
    outcomes:
      - {when: {json: {data.addItemToOrder.errorCode: INSUFFICIENT_STOCK_ERROR}}, end: sold-out}
      - {when: {json: {data.addItemToOrder.__typename: Order}}, then: next}
    take: {token: {header: vendure-auth-token}, order: {json: data.addItemToOrder.code}}
  - step: method
    post: /shop-api
    graphql: {query: '{ eligibleShippingMethods { id } }'}
    outcomes: [{when: {json: {'data.eligibleShippingMethods[0].id': {exists: true}}}, then: next}]
    take: {method: {json: 'data.eligibleShippingMethods[0].id'}}
  - step: state
    post: /shop-api
    graphql: {query: 'mutation($m: [ID!]!){ setOrderShippingMethod(shippingMethodId: $m){ __typename } }',
              variables: {m: ["{method}"]}}
    outcomes: [{when: {json: {data.setOrderShippingMethod.__typename: Order}}, then: next}]
  - step: pay
    role: pay
    post: /shop-api
    graphql: {query: 'mutation{ addPaymentToOrder(input: {method: "dummy", metadata: {}}){ __typename } }'}
    outcomes:
      - {when: {json: {data.addPaymentToOrder.state: PaymentSettled}}, end: confirmed}
      - {when: {json: {data.addPaymentToOrder.errorCode: PAYMENT_DECLINED_ERROR}}, end: declined}
    claims: {order: {json: data.addPaymentToOrder.code}, qty: 1,
             amount: {json: data.addPaymentToOrder.totalWithTax, money: minor USD}}
"""


def data(**fields: Any) -> Reply:
    return page(200, {"data": fields}, vendure_auth_token="t0k")


ADDED = data(addItemToOrder={"__typename": "Order", "code": "C1"})
METHOD = data(eligibleShippingMethods=[{"id": "5"}, {"id": "6"}])
STATE = data(setOrderShippingMethod={"__typename": "Order"})


def test_vendure_sells() -> None:
    """The token of the first reply is a header from then on; the outcome is in the JSON, never in the status."""
    paid = data(addPaymentToOrder={"state": "PaymentSettled", "code": "C1", "totalWithTax": 8400})
    talk = converse(person(journey(VENDURE), setup={"variant": 31}).script, [ADDED, METHOD, STATE, paid])
    assert talk.end == ("confirmed", "ok")
    first, second, third, fourth = talk.sends
    assert json.loads(first.wire.body or b"")["variables"] == {"v": 31}
    assert "Authorization" not in dict(first.wire.headers)
    assert {dict(send.wire.headers)["Authorization"] for send in (second, third, fourth)} == {"Bearer t0k"}
    assert json.loads(third.wire.body or b"")["variables"] == {"m": ["5"]}
    assert "metadata: {}" in json.loads(fourth.wire.body or b"")["query"]
    assert talk.of(Told)[-1].claims == {"order": "C1", "qty": 1, "amount_minor": 8400, "currency": "USD"}


@pytest.mark.parametrize(
    ("replies", "told", "end"),
    [
        (
            [data(addItemToOrder={"__typename": "X", "errorCode": "INSUFFICIENT_STOCK_ERROR"})],
            ("add", "fail", "sold-out"),
            ("sold-out", "fail"),
        ),
        ([page(200, {"errors": [{"message": "boom"}], "data": None})], ("add", "info", "unknown"), ("unknown", "info")),
        (
            [ADDED, METHOD, STATE, data(addPaymentToOrder={"errorCode": "PAYMENT_DECLINED_ERROR"})],
            ("pay", "fail", "declined"),
            ("declined", "fail"),
        ),
        (
            [ADDED, METHOD, STATE, data(addPaymentToOrder={"errorCode": "ORDER_STATE_TRANSITION_ERROR"})],
            ("pay", "info", "unknown"),
            ("unknown", "info"),
        ),
        ([ADDED, METHOD, STATE, page(200, "<html>proxy</html>")], ("pay", "info", "unknown"), ("unknown", "info")),
    ],
)
def test_vendure_refuses_or_says_nothing(
    replies: list[Reply], told: tuple[str, str, str], end: tuple[str, str]
) -> None:
    """A named error code is a refusal; any other, and a page that is no JSON, stay open."""
    talk = converse(person(journey(VENDURE), setup={"variant": 31}).script, replies)
    assert talk.told[-1] == told
    assert talk.end == end


def test_without_the_setup_nothing_is_sent() -> None:
    """The variant comes from the setup hook: where it did not say so, the target is told, not the shop."""
    talk = converse(person(journey(VENDURE), setup={}).script, [])
    assert talk.sends == []
    assert talk.end == ("target-error", "fail")


OSCAR = """
form_defaults: {csrfmiddlewaretoken: "{csrf}"}
mint: {email: "fan-{run}-{intent}@example.org"}
journey:
  - step: page
    get: /catalogue/gig_1/
    outcomes:
      - {when: {status: 200, body: 'id="add_to_basket_form"'}, then: next}
      - {when: {status: 200, body: 'class="product_page"'}, end: sold-out}
    take: {csrf: {regex: 'csrfmiddlewaretoken" value="([^"]+)'}}
  - {step: basket, role: hold, post: /basket/add/1/, form: {quantity: 1}, outcomes: [{when: {status: 302}, then: next}]}
  - step: who
    post: /checkout/
    form: {username: "{email}", options: anonymous}
    outcomes: [{when: {status: 302}, then: next}]
  - step: order
    role: pay
    post: /checkout/preview/
    form: {action: place_order}
    outcomes:
      - {when: {status: 302, location: /checkout/thank-you/}, end: confirmed}
      - {when: {status: 302, location: /basket/}, end: sold-out}
"""
GIG = BASE + "/catalogue/gig_1/"
OPEN = page(200, '<form id="add_to_basket_form"><input name="csrfmiddlewaretoken" value="c&#x27;1">', url=GIG)


def moved(to: str, at: str) -> Reply:
    return msgspec.structs.replace(page(302, Location=to), url=BASE + at)


BASKET = moved("/basket/", "/basket/add/1/")
WHO = moved("/checkout/shipping-address/", "/checkout/")


def test_oscar_sells() -> None:
    """CSRF, Referer and Origin travel with every form; where the last redirect points is the outcome."""
    done = moved("/checkout/thank-you/", "/checkout/preview/")
    talk = converse(person(journey(OSCAR)).script, [OPEN, BASKET, WHO, done])
    assert talk.end == ("confirmed", "ok")
    _, basket, who, order = talk.sends
    assert parse_qsl((basket.wire.body or b"").decode()) == [("csrfmiddlewaretoken", "c'1"), ("quantity", "1")]
    assert dict(basket.wire.headers)["Referer"] == GIG
    assert {dict(send.wire.headers)["Origin"] for send in (basket, who, order)} == {BASE}
    assert ("username", "fan-r1-r1-4@example.org") in parse_qsl((who.wire.body or b"").decode())
    assert all(send.wire.follow is False and send.wire.cookies for send in talk.sends)


def test_oscar_is_sold_out_in_two_ways() -> None:
    """The page without its form, or a last redirect back to the basket; a 502 is neither."""
    empty = page(200, '<article class="product_page">', url=GIG)
    assert converse(person(journey(OSCAR)).script, [empty]).end == ("sold-out", "fail")
    back = moved("/basket/", "/checkout/preview/")
    assert converse(person(journey(OSCAR)).script, [OPEN, BASKET, WHO, back]).end == ("sold-out", "fail")
    assert converse(person(journey(OSCAR)).script, [page(502, "<html>")]).end == ("unknown", "info")
    elsewhere = moved("/checkout/error/", "/checkout/preview/")
    assert converse(person(journey(OSCAR)).script, [OPEN, BASKET, WHO, elsewhere]).end == ("unknown", "info")

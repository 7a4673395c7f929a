"""A shop's OpenAPI becomes a journey: likely steps, bodies, keys and the refusals that it documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surgectl.cli.init import _prove
from surgectl.drafting.openapi import draft_of_openapi
from surgectl.drafting.write import write
from surgectl.errors import UsageError
from tests.drafting.recorded import target_of

SHOP = """
openapi: 3.0.3
info: {title: Corner Shop, version: "1"}
servers: [{url: https://shop.example/api}]
components:
  securitySchemes:
    partner: {type: apiKey, in: header, name: X-Api-Key}
  schemas:
    Hold: {type: object, properties: {id: {type: string}, qty: {type: integer}}}
    Order:
      type: object
      properties: {id: {type: string}, state: {type: string, enum: [pending, paid, failed]}}
    Refusal: {type: object, properties: {code: {type: string, enum: [SOLD_OUT, LIMIT_EXCEEDED]}}}
paths:
  /admin/refunds: {post: {operationId: refundOrder, responses: {'200': {description: ok}}}}
  /orders:
    post:
      operationId: placeOrder
      parameters: [{name: Idempotency-Key, in: header, schema: {type: string}}]
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [holdId, buyer]
              properties:
                holdId: {type: string}
                buyer: {type: object, properties: {email: {type: string, format: email}, fullName: {type: string}}}
                cardNumber: {type: string, example: '4242424242424242'}
      responses:
        '202': {description: accepted, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
        '402': {description: the card was declined}
        '429': {description: too busy}
  /orders/{orderId}:
    get:
      operationId: getOrder
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
  /holds:
    post:
      operationId: createHold
      requestBody: {content: {application/json: {example: {sku: floor, qty: 2}}}}
      responses:
        '201': {description: held, content: {application/json: {schema: {$ref: '#/components/schemas/Hold'}}}}
        '409': {description: refused, content: {application/json: {schema: {$ref: '#/components/schemas/Refusal'}}}}
"""


def test_operations_become_steps(tmp_path: Path) -> None:
    """Order by role, bodies by example and schema, polling below what was made, ends by documented words."""
    text = write(draft_of_openapi(SHOP.encode(), "shop.yaml"))
    _prove(text)
    target = target_of(text, tmp_path, SHOP_PARTNER="k", SHOP_CARD_NUMBER="n")
    hold, pay = target.journey
    assert (hold.role, hold.post, hold.json) == ("hold", "/holds", {"sku": "floor", "qty": "{qty}"})
    assert [(rule.then or rule.end) for rule in hold.outcomes or []] == ["next", "sold-out", "limit"]
    assert (pay.role, pay.post) == ("pay", "/orders")
    assert pay.json == {"holdId": "{hold}", "buyer": {"email": "{email}", "fullName": "Fan {intent}"}}
    assert pay.headers == {"Idempotency-Key": "{key}"}
    assert [(rule.then or rule.end) for rule in pay.outcomes or []] == ["poll", "declined"]
    assert pay.poll is not None and pay.poll.get == "/orders/{order}"
    assert [(rule.when.json, rule.end) for rule in pay.poll.outcomes] == [  # type: ignore[union-attr]
        ({"state": "paid"}, "confirmed"),
        ({"state": "failed"}, "declined"),
    ]
    assert target.headers["X-Api-Key"] == "k" and target.base_url == "https://shop.example/api"
    assert "4242" not in text and "# allow: [shop.example]" in text and "POST /admin/refunds" in text


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "not an OpenAPI"),
        (b"swagger: '1.2'", "not an OpenAPI"),
        (b"swagger: '2.0'", "nothing that could be bought"),
        (b"asyncapi: 2.6.0", "not an OpenAPI"),
        (b"{", "is not JSON"),
        (b"a: [", "is not YAML"),
        (b"a: &a [*a]", "alias"),
        (b"- " * 5000, "nested too deep"),
        (
            b"a: &a [1,1,1,1,1,1,1,1]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 8)) for n in b"abcdefgh"),
            "unfold",
        ),
        (
            json.dumps({"openapi": "3.1.0", "paths": {"/x": {"get": {"responses": {}}}}}).encode(),
            "nothing that could be bought",
        ),
    ],
)
def test_what_is_no_description_is_refused(data: bytes, what: str) -> None:
    """With the file, and a hint where one helps."""
    with pytest.raises(UsageError, match=what) as told:
        draft_of_openapi(data, "api.yaml")
    assert str(told.value).startswith("api.yaml")


def test_references_that_turn_in_circles_end() -> None:
    """A schema that holds itself, and a reference to itself."""
    loop = {"properties": {"email": {"type": "string"}, "again": {"$ref": "#/components/schemas/Loop"}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Loop"}}}}
    document = {
        "openapi": "3.0.0",
        "paths": {
            "/orders": {"post": {"requestBody": body, "responses": {"200": {"$ref": "#/components/responses/Me"}}}}
        },
        "components": {"schemas": {"Loop": loop}, "responses": {"Me": {"$ref": "#/components/responses/Me"}}},
    }
    _prove(write(draft_of_openapi(json.dumps(document).encode(), "api.json")))

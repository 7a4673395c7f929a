"""A shop's own description in every shape: versions, files, keys, hundreds of operations, and whatever is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.cli.init import _prove
from surgectl.drafting.openapi import draft_of_openapi
from surgectl.drafting.write import write
from surgectl.errors import UsageError
from surgectl.profile.target import Target
from tests.drafting.recorded import target_of
from tests.drafting.test_hostile import ODD, TREE


def drawn(document: Any, folder: Path, **variables: str) -> tuple[str, Target]:
    data = document.encode() if isinstance(document, str) else json.dumps(document).encode()
    text = write(draft_of_openapi(data, "api.yaml", beside=folder))
    _prove(text)
    return text, target_of(text, folder, **variables)


OLD = """
swagger: 2.0
info: {title: Old Shop, version: 1.0}
host: old.example
basePath: /v1
schemes: [https]
consumes: [application/json]
securityDefinitions:
  machine: {type: oauth2, flow: application, tokenUrl: "https://auth.old.example/token", scopes: {buy: to buy}}
  person: {type: basic}
security: [{machine: [buy]}]
definitions:
  Hold: {type: object, required: [qty], properties: {qty: {type: integer}, country: {type: string, enum: [NO, SE]}}}
parameters:
  Key: {name: Idempotency-Key, in: header, type: string}
responses:
  Held: {description: held, schema: {type: object, properties: {id: {type: string}}}}
paths:
  /holds:
    post:
      parameters: [{name: body, in: body, schema: {$ref: '#/definitions/Hold'}}]
      responses: {201: {$ref: '#/responses/Held'}}
  /holds/{id}/purchase:
    parameters: [{$ref: '#/parameters/Key'}]
    post:
      consumes: [application/x-www-form-urlencoded]
      parameters:
        - {name: id, in: path, required: true, type: string}
        - {name: email, in: formData, required: true, type: string}
        - {name: opens, in: formData, required: true, type: string, default: 12:30}
      responses: {200: {description: bought}, 410: {description: the hold has expired}}
"""


def test_swagger_2_is_understood(tmp_path: Path) -> None:
    """Bodies and forms as parameters, shared responses, host and base path, a machine's token from another host."""
    text, target = drawn(OLD, tmp_path, SHOP_CLIENT_ID="i", SHOP_CLIENT_SECRET="s")
    hold, pay = target.journey
    assert target.base_url == "https://old.example/v1" and target.origins == {"auth": "https://auth.old.example"}
    assert (hold.role, hold.post, hold.json) == ("hold", "/holds", {"qty": "{qty}"})
    assert (pay.role, pay.post) == ("pay", "/holds/{hold}/purchase")
    assert pay.form == {"email": "{email}", "opens": "12:30"} and pay.headers == {"Idempotency-Key": "{key}"}
    assert [rule.end for rule in pay.outcomes or []] == ["confirmed", "gone"]
    login = target.logins["api"].steps[0]
    assert (login.post, login.origin, (login.form or {})["scope"]) == ("/token", "auth", "buy")
    assert target.headers["Authorization"] == "Bearer {api.token}" and "hush" not in text


def test_a_description_in_several_files(tmp_path: Path) -> None:
    """Paths, schemas and their parts in files of their own, relative to each; what leads out or to the web is named."""
    folder = tmp_path / "api"
    (folder / "parts").mkdir(parents=True)
    main = {
        "openapi": "3.1.0",
        "servers": [{"url": "https://{env}.shop.example:{port}/v{n}", "variables": {
            "env": {"default": "test"}, "port": {"enum": ["8443"]}, "n": {"default": 2},
        }}],
        "paths": {"/orders": {"$ref": "parts/orders.yaml#/~1orders"}, "/x": {"$ref": "https://web.example/x.yaml"}},
    }  # fmt: skip
    orders = {
        "/orders": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/Order"}}}}}},
        "Order": {"allOf": [{"$ref": "../common.json#/Buyer"}, {"$ref": "../../../../../etc/hostname#/x"}]},
    }
    buyer = {"type": ["object", "null"], "required": ["mail"], "properties": {"mail": {"type": "string"}, "n": {}}}
    (folder / "parts/orders.yaml").write_text(yaml.safe_dump(orders))
    (folder / "common.json").write_text(json.dumps({"Buyer": buyer}))
    text, target = drawn(main, folder)
    assert target.base_url == "https://test.shop.example:8443/v2"
    assert target.journey[0].json == {"mail": "{email}"}
    assert "lead nowhere: https://web.example/x.yaml" in text and "etc/hostname" in text


def test_what_must_be_made_first_is_made_first(tmp_path: Path) -> None:
    """Operations without names: a cart before its items, items before the purchase, and what is beside it left out."""
    body = {
        "content": {"application/json": {"schema": {"type": "object", "properties": {"quantity": {"type": "integer"}}}}}
    }
    made = {"201": {"content": {"application/json": {"schema": {"type": "object", "properties": {"id": {}}}}}}}
    paths = {
        "/carts": {"post": {"responses": made}},
        "/carts/{cart_id}/line-items": {"post": {"requestBody": body, "responses": made}},
        "/carts/{cart_id}/complete": {"post": {"responses": {"200": {}}}},
        "/payment-collections/{id}/payment-sessions": {"post": {"responses": made}},
        "/orders/{id}/returns": {"post": {"responses": made}},
        "/admin/orders": {"post": {"responses": made}},
    }
    _, target = drawn({"openapi": "3.0.0", "paths": paths}, tmp_path)
    assert [(step.step, step.role, step.post) for step in target.journey] == [
        ("cart", "browse", "/carts"),
        ("hold", "hold", "/carts/{cart}/line-items"),
        ("pay", "pay", "/carts/{cart}/complete"),
    ]


@pytest.mark.parametrize(
    ("scheme", "where", "value"),
    [
        ({"type": "apiKey", "in": "query", "name": "key"}, "query", "k"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "Cookie", "sid=k"),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "X-Key", "k"),
        ({"type": "http", "scheme": "basic"}, "Authorization", "Basic k"),
        ({"type": "openIdConnect", "openIdConnectUrl": "https://id.example"}, "Authorization", "Bearer k"),
        ({"type": "oauth2", "flows": {"password": {"tokenUrl": "/token"}}}, "Authorization", "Bearer {api.token}"),
    ],
)
def test_every_way_in(scheme: dict[str, Any], where: str, value: str, tmp_path: Path) -> None:
    """Only the scheme that the operation asks for, in its own place."""
    other = {"type": "apiKey", "in": "header", "name": "X-Never"}
    document = {
        "openapi": "3.0.3",
        "components": {"securitySchemes": {"never": other, "in": scheme}},
        "paths": {"/orders": {"post": {"security": [{"in": []}, {"never": []}], "responses": {"200": {}}}}},
    }
    _, target = drawn(document, tmp_path, SHOP_IN="k", SHOP_LOGIN="l", SHOP_PASSWORD="p")
    sent = {**target.headers, "query": target.journey[0].query.get("key")}
    assert sent[where] == value and "X-Never" not in sent
    assert ("api" in target.logins) is ("{api" in value)


def test_a_schema_that_branches_without_end_stays_small(tmp_path: Path) -> None:
    """Twelve properties that each are the schema again, through two others: no more than some hundred values."""
    ring = {
        f"R{n}": {
            "type": "object",
            "properties": {f"p{k}": {"$ref": f"#/components/schemas/R{(n + k) % 9}"} for k in range(12)},
        }
        for n in range(9)
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/R0"}}}}
    document = {"openapi": "3.1.0", "components": {"schemas": ring}, "paths": {"/buy": {"post": {"requestBody": body}}}}
    text, _ = drawn(document, tmp_path)
    assert len(text) < 30_000


def test_yaml_that_is_written_with_anchors(tmp_path: Path) -> None:
    """Anchors, merged keys, numbers as names of replies."""
    text = """
openapi: 3.0.3
x-parts: {string: &string {type: string, example: here}}
paths:
  /buy:
    post: &buy
      requestBody: {content: {application/json: {schema: {type: object, properties: {place: *string}}}}}
      responses: {200: {description: fine}, 409: {description: sold out}}
  /buy/again: {post: {<<: *buy, operationId: buyAgain}}
"""
    _, target = drawn(text, tmp_path)
    pay = target.journey[-1]
    assert pay.json == {"place": "here"} and [rule.end for rule in pay.outcomes or []] == ["confirmed", "sold-out"]


def test_three_hundred_operations_are_read_in_a_moment(tmp_path: Path) -> None:
    """A large shop's description: the purchase is found in it (its time is the report's; here only that it ends)."""
    fields = {f"f{n}": {"type": "string", "description": "what it is " * 5} for n in range(20)}
    schemas = {f"S{n}": {"type": "object", "required": ["f1"], "properties": fields} for n in range(150)}
    paths: dict[str, Any] = {}
    for n in range(148):
        body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/S{n}"}}}}
        paths[f"/things{n}"] = {
            "post": {"requestBody": body, "responses": {"200": body}},
            "get": {"responses": {"200": body}},
        }
    paths["/baskets"] = {"post": {"responses": {"201": {}}}}
    paths["/baskets/{basketId}/checkout"] = {"post": {"responses": {"200": {}}}}
    document = {"openapi": "3.0.0", "paths": paths, "components": {"schemas": schemas}}
    _, target = drawn(
        yaml.dump(document, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)),
        tmp_path,
        SHOP_BASKETID="1",
        SHOP_BASKET_ID="1",
    )
    assert [(step.role, step.post) for step in target.journey][-1][0] == "pay"
    assert str(target.journey[-1].post).endswith("/checkout")


@st.composite
def descriptions(draw: Any) -> Any:
    """A description of which any part may be anything."""

    def maybe(value: Any) -> Any:
        return draw(TREE) if draw(st.integers(0, 7)) == 0 else value

    ref = st.sampled_from(
        ["#", "#/", "#/paths", "#/components/schemas/A", "other.yaml", "%zz#/%", "#/paths/~1a/post", "//x"]
    )
    schema: Any = {"type": draw(st.sampled_from(["object", "array", "string", ["null", "object"], 7]))}
    schema |= {"properties": maybe({draw(ODD): {"$ref": draw(ref)}, "email": maybe({"type": "string"})})}
    schema |= {"required": maybe([draw(ODD), "email"]), "allOf": maybe([{"$ref": draw(ref)}, draw(TREE)])}
    body = maybe(
        {
            "content": maybe(
                {draw(st.sampled_from(["application/json", "multipart/form-data", "x/y"])): {"schema": schema}}
            )
        }
    )
    parameter = {"name": draw(ODD), "in": draw(st.sampled_from(["query", "header", "path", "body", "formData", 3]))}
    operation = {"parameters": maybe([{**parameter, "required": True, "schema": schema}]), "requestBody": body}
    operation |= {"responses": maybe({"201": body, "409": {"description": draw(ODD)}}), "security": maybe([{"a": []}])}
    scheme = {"type": draw(st.sampled_from(["oauth2", "apiKey", "http", "basic"])), "in": "header", "name": draw(ODD)}
    scheme |= {"flows": maybe({"clientCredentials": {"tokenUrl": draw(ODD), "scopes": maybe({draw(ODD): "x"})}})}
    root = {
        "paths": maybe(
            {draw(st.sampled_from(["/a", "/carts/{x}/pay", "/{y}/{", "b"])): maybe({"post": maybe(operation)})}
        )
    }
    root |= {"components": maybe({"schemas": maybe({"A": schema}), "securitySchemes": maybe({"a": maybe(scheme)})})}
    root |= {"servers": maybe([{"url": draw(ODD), "variables": maybe({draw(ODD): {"default": draw(ODD)}})}])}
    root |= {
        "securityDefinitions": maybe({"a": scheme}),
        "host": draw(ODD),
        "basePath": draw(ODD),
        "info": {"title": draw(ODD)},
    }
    version = draw(st.sampled_from([{"openapi": "3.1.0"}, {"openapi": "3.0.1"}, {"swagger": "2.0"}]))
    return {**root, **version}


@settings(max_examples=30, deadline=None)
@given(descriptions())
def test_any_description_passes_check_or_is_refused(document: Any) -> None:
    """Never a traceback, never a file that `check` refuses."""
    try:
        text = write(draft_of_openapi(json.dumps(document).encode(), "api.json", beside=Path("/nonexistent")))
    except UsageError as error:
        assert error.where
    else:
        _prove(text)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_bytes_are_refused_in_one_line(data: st.DataObject) -> None:
    """A description that is cut, mixed up, or of which a stretch is something else."""
    whole = OLD.encode() if data.draw(st.booleans()) else json.dumps({"openapi": "3.0.0", "paths": {"/a": {}}}).encode()
    start = data.draw(st.integers(0, len(whole)))
    odd = data.draw(
        st.binary(max_size=12) | st.sampled_from([b"&a", b"*a", b"<<: *a", b"- " * 300, b"!!python/x", b"%YAML 9"])
    )
    broken = whole[:start] + odd + whole[start + data.draw(st.integers(0, 40)) :]
    try:
        draft = draft_of_openapi(broken, "api.yaml")
    except UsageError as error:
        assert error.where and "\n" not in error.what
    else:
        _prove(write(draft))

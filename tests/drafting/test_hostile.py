"""Whatever stands in a recording or a description: a draft that passes `check`, or one line that says what is wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.cli.init import _prove
from surgectl.drafting.har import read_har
from surgectl.drafting.openapi import draft_of_openapi
from surgectl.drafting.purchase import draft_of
from surgectl.drafting.write import flow, quoted, write
from surgectl.errors import UsageError
from tests.drafting.recorded import drafted, entry, har

ODD = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "{id}",
            "{{x}}",
            "${HOME}",
            "${ not }",
            "$${A}",
            "a: b # c",
            "'\"\\",
            "\x1b[2J\u202e",
            "\ud800",
            "yes",
            "1e9",
            "-",
            "<<",
            "*a",
            "&a",
        ]
        + [
            "::error::x",
            "x" * 3000,
            "a\r\nb",
            "4242424242424242",
            "eyJhbGciOi.eyJzdWIi.c2ln",
            "ann@shop.example",
            "&#x27;",
        ]
    ),
)
TREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD, inner, max_size=4),
    max_leaves=12,
)
PATHS = st.sampled_from(
    ["/", "/orders", "/cart/add/17", "/order/ab12cd34", "/q?x={id}&_=1234567890", "/%7Bid%7D/{x}", "/a//b", "/ü/ "]
)


@st.composite
def entries(draw: Any) -> list[Any]:
    out: list[Any] = []
    for _ in range(draw(st.integers(1, 6))):
        one = entry(
            draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "post"])),
            draw(PATHS),
            draw(st.sampled_from([200, 201, 202, 302, 303, 304, 404, 500, 0, -1, 101])),
            sent=draw(st.none() | TREE),
            reply=draw(TREE | st.just('<input type=hidden name=key value="ab12cd34ef"><title>Thanks {x} ${Y}</title>')),
            headers={":method": "GET", "X-Own": draw(ODD), "Authorization": draw(ODD), draw(ODD): draw(ODD)},
            said={"Location": draw(PATHS | ODD), "Set-Cookie": draw(ODD), "X-Token": draw(ODD)},
            kind=draw(st.sampled_from(["", "document", "fetch", "websocket", "eventsource", "image"])),
        )
        if draw(st.integers(0, 3)) == 0:
            name = draw(st.sampled_from(["_webSocketMessages", "_eventSourceMessages"]))
            kinds = st.sampled_from(["send", "receive", 7])
            one[name] = [
                {"type": draw(kinds), "data": draw(ODD), "eventName": draw(ODD), "time": draw(TREE)},
                draw(TREE),
            ]
        if draw(st.booleans()):
            one["request"]["postData"] = {
                "mimeType": draw(ODD),
                "params": [{"name": draw(ODD), "value": draw(ODD)}],
                "text": draw(ODD),
            }
        if draw(st.integers(0, 9)) == 0:
            one[draw(st.sampled_from(["request", "response", "startedDateTime"]))] = draw(TREE)
        out.append(one)
    return out


@settings(max_examples=40, deadline=None)
@given(entries())
def test_any_recording_is_drafted_or_refused(found: list[Any]) -> None:
    """Never a traceback, never a file that `check` refuses."""
    try:
        text = write(draft_of(read_har(har(*found), "odd.har"), "odd.har"))
    except UsageError as error:
        assert error.where and "\n" not in error.what
    else:
        _prove(text)
        assert all(char.isprintable() or char == "\n" for char in text)


@settings(max_examples=100, deadline=None)
@given(TREE.filter(lambda value: "\ud800" not in repr(value) and "\\ud" not in repr(value)))
def test_values_come_back_as_they_were(value: Any) -> None:
    """Text reads back from YAML as itself, on one line; so does what holds it."""
    shown = flow(value)
    assert "\n" not in shown
    yaml.load(f"x: {shown}", Loader=yaml.BaseLoader)
    if isinstance(value, str):
        assert yaml.load(f"x: {quoted(value)}", Loader=yaml.BaseLoader) == {"x": value}


def test_large_and_binary_replies_are_no_obstacle() -> None:
    """Ten megabytes of reply, bytes in base64 and a websocket beside a purchase."""
    big = entry("GET", "/", reply="<p>" + "x" * 10_000_000)
    binary = entry("GET", "/two")
    binary["response"]["content"] = {"text": base64.b64encode(bytes(range(256))).decode(), "encoding": "base64"}
    broken = entry("GET", "/three")
    broken["response"]["content"] = {"text": "%%%", "encoding": "base64", "mimeType": "text/html"}
    pushed = entry("GET", "/live", 101, kind="websocket")
    huge = entry("POST", "/cart", sent={"rows": [{"n": n} for n in range(9_000)]}, reply={"ok": True})
    text = drafted(
        big,
        binary,
        broken,
        pushed,
        huge,
        entry("POST", "/order", sent={"email": "a@b.example"}, reply={"status": "paid"}),
    )
    assert "WebSocket" in text and "was left out: write it by hand" in text and len(text) < 20_000


@settings(max_examples=20, deadline=None)
@given(TREE, st.sampled_from(["/orders", "/carts/{cartId}/pay", "/{", "/a/{}/b", "/${X}"]), ODD)
def test_any_description_is_drafted_or_refused(tree: Any, path: str, name: str) -> None:
    """OpenAPI with anything in the place of anything."""
    schema = {"properties": {name: tree, "email": {"type": "string", "example": name}}, "required": [name]}
    body = {"content": {"application/json": {"schema": schema}}}
    operation = {"operationId": name, "requestBody": body, "responses": {"201": body, "409": tree, name: tree}}
    document = {
        "openapi": "3.1.0",
        "servers": tree,
        "paths": {path: {"post": operation, "parameters": tree}, "/x": tree},
        "components": tree,
    }
    try:
        text = write(draft_of_openapi(json.dumps(document).encode(), "api.json"))
    except UsageError as error:
        assert error.where
    else:
        _prove(text)

"""What goes over the wire for a step of a target."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from surgectl.journey.messages import Reply, Wire
from surgectl.journey.template import UnsetError
from tests.journey.shop import BASE, journey, page

VARIABLES: dict[str, Any] = {"qty": 2, "hold": "h 1/&", "email": "a+b@x.org", "seats": ["A1", "A2"], "attempt": "i.0.1"}


def sent(step: str, variables: dict[str, Any] | None = None, last: Reply | None = None, head: str = "") -> Wire:
    """The request of the one step in YAML; variables that it may use are taken by a second step."""
    takes = ", ".join(f"{name}: {{json: x}}" for name in ("hold", "email", "seats", "token", "csrf", "next"))
    taker = f"{{step: other, get: /, take: {{{takes}}}}}"
    compiled = journey(f"{head}\njourney:\n  - {{step: one, {step}}}\n  - {taker}").steps[0].request
    assert compiled is not None
    return compiled.render(VARIABLES if variables is None else variables, last, 5_000_000_000)


@pytest.mark.parametrize(
    ("step", "method", "url"),
    [
        ("get: /api/holds", "GET", BASE + "/api/holds"),
        ("delete: api/holds", "DELETE", BASE + "/api/holds"),
        ("get: '/api/holds/{hold}'", "GET", BASE + "/api/holds/h%201/%26"),
        ("get: '/x?email={email}'", "GET", BASE + "/x?email=a%2Bb%40x.org"),
        ("get: /x, query: {q: '{qty}', s: '{seats}', n: null}", "GET", BASE + "/x?q=2&s=A1&s=A2"),
        ("get: '/x?a=1', query: {b: 2}", "GET", BASE + "/x?a=1&b=2"),
        ("post: /v1/pay, origin: gateway", "POST", "http://pay.test/base/v1/pay"),
        ("get: 'https://other.test/x'", "GET", "https://other.test/x"),
    ],
)
def test_urls(step: str, method: str, url: str) -> None:
    """Paths stand on base_url or an origin; what is filled in is percent-encoded."""
    wire = sent(step, head="origins: {gateway: 'http://pay.test/base/'}")
    assert (wire.method, wire.url, wire.timeout_ns) == (method, url, 5_000_000_000)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("http://pay.test/3ds?id=1&x=%20", "http://pay.test/3ds?id=1&x=%20"),
        ("/orders/5?key=a", BASE + "/orders/5?key=a"),
        ("next", BASE + "/shop/next"),
    ],
)
def test_a_url_that_is_a_taken_link_is_followed_as_it_stands(link: str, url: str) -> None:
    """What the shop gave as a link is not encoded again, and a relative one starts from the last page."""
    assert sent("get: '{next}'", {"next": link, "url": BASE + "/shop/page"}).url == url


def test_bodies() -> None:
    """JSON keeps types, forms are encoded, GraphQL travels verbatim, text is text."""
    wire = sent("post: /, json: {sku: floor, qty: '{qty}', seats: '{seats}'}")
    assert wire.body == b'{"sku":"floor","qty":2,"seats":["A1","A2"]}'
    assert ("Content-Type", "application/json") in wire.headers
    wire = sent("post: /, form: {email: '{email}', seat: '{seats}', 'q{qty}': 1, gone: null}")
    assert wire.body == b"email=a%2Bb%40x.org&seat=A1&seat=A2&q2=1"
    assert ("Content-Type", "application/x-www-form-urlencoded") in wire.headers
    wire = sent("post: /, graphql: {query: 'query($v: ID!){ a(id: $v){ {qty} } }', variables: {v: '{qty}'}}")
    assert wire.body == b'{"query":"query($v: ID!){ a(id: $v){ {qty} } }","variables":{"v":2}}'
    wire = sent("put: /, body: '<order>{qty}</order>', headers: {Content-Type: text/xml}")
    assert wire.body == b"<order>2</order>"
    assert wire.headers == (("Content-Type", "text/xml"),)
    assert sent("get: /").body is None


def test_a_default_header_waits_for_its_variable_and_a_step_header_does_not() -> None:
    """The token of the first reply becomes a header for life; a header that a step names must be there."""
    head = "headers: {Authorization: 'Bearer {token}', Accept: application/json}"
    assert sent("get: /", {}, head=head).headers == (("Accept", "application/json"),)
    later = sent("get: /, headers: {accept: text/html}", {"token": "t"}, head=head)
    assert later.headers == (("Authorization", "Bearer t"), ("accept", "text/html"))
    with pytest.raises(UnsetError):
        sent("get: /, headers: {X-Token: '{token}'}", {})


@pytest.mark.parametrize(
    "step",
    [
        "get: '/{hold}'",
        "post: /, json: {a: ['{hold}']}",
        "post: /, form: {a: '{hold}'}",
        "get: /, query: {a: '{hold}'}",
    ],
)
def test_an_unset_variable_is_never_sent(step: str) -> None:
    """In a URL, a query, JSON or a form, a missing value stops the request."""
    with pytest.raises(UnsetError):
        sent(step, {})


def test_a_form_post_carries_what_a_browser_adds() -> None:
    """Defaults such as a CSRF field, and Referer and Origin of the page that the form stood on."""
    head = "form_defaults: {csrf: '{csrf}'}"
    wire = sent("post: /basket/, form: {quantity: 1}", {"csrf": "c", "url": BASE + "/page/?a=1#top"}, head=head)
    assert wire.body == b"csrf=c&quantity=1"
    assert dict(wire.headers)["Referer"] == BASE + "/page/?a=1"
    assert dict(wire.headers)["Origin"] == BASE
    first = sent("post: /basket/, form: {quantity: 1}", {}, head=head)
    assert first.body == b"quantity=1"
    assert dict(first.headers)["Origin"] == BASE and "Referer" not in dict(first.headers)
    assert "Origin" not in dict(sent("post: /x, json: {}", {"url": BASE}).headers)


PAGE = """
<form action="/search"><input name="q" value="x"></form>
<form method="post" action="/basket/add/1/">
  <input type="hidden" name="csrf" value="fresh&amp;1"><input name="quantity" value="1">
  <input type="checkbox" name="gift"><input type="checkbox" name="terms" value="yes" checked>
  <input type="radio" name="ship" value="slow"><input type="radio" name="ship" value="fast" checked>
  <select name="size"><option value="s">S</option><option value="m" selected>M</option></select>
  <select name="colour"><option value="red">R</option><option value="blue">B</option></select>
  <textarea name="note">hi</textarea><input type="submit" name="go" value="Go"><input name="off" disabled value="1">
</form>
"""


def test_form_page_starts_from_the_inputs_of_the_last_page() -> None:
    """The form that posts there, as a browser would send it; what the step says replaces a field."""
    head = "form_defaults: {csrf: '{csrf}'}"
    wire = sent(
        "post: /basket/add/1/, form_page: true, form: {quantity: '{qty}', note: null}",
        {**VARIABLES, "csrf": "old"},
        page(200, PAGE, url=BASE + "/catalogue/"),
        head=head,
    )
    assert parse_qsl((wire.body or b"").decode()) == [
        ("csrf", "fresh&1"),
        ("terms", "yes"),
        ("ship", "fast"),
        ("size", "m"),
        ("colour", "red"),
        ("quantity", "2"),
    ]


@pytest.mark.parametrize(("follow", "wire_follow"), [("false", False), ("true", True), ("{until: /thanks}", "/thanks")])
def test_redirects_are_followed_as_the_step_says(follow: str, wire_follow: bool | str) -> None:
    """Never, always, or until one points there."""
    assert sent(f"get: /, follow: {follow}").follow == wire_follow

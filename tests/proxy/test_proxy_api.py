"""What the HTTP API answers: statuses, words and side effects, on both servers."""

from __future__ import annotations

import socket

import pytest

from tests.proxy.toxi import Toxi
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real

A_PROXY = {"name": "shop", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


def test_every_reply_of_a_known_route_has_a_request_id(toxi: Toxi) -> None:
    """A reply carries X-Toxiproxy-Request-Id, a different one each time; unknown routes have none."""
    first, second = toxi.call("GET", "/version"), toxi.call("GET", "/proxies/nobody")
    ids = {reply.headers["x-toxiproxy-request-id"] for reply in (first, second)}
    assert len(ids) == 2
    assert "x-toxiproxy-request-id" not in toxi.call("GET", "/nowhere").headers


def test_browsers_are_turned_away(toxi: Toxi) -> None:
    """A User-Agent that begins with Mozilla/ gets 403 on known routes, so that no web page can drive the proxy."""
    browser = {"User-Agent": "Mozilla/5.0 (X11; Linux)"}
    reply = toxi.call("GET", "/version", **browser)
    assert (reply.status, reply.text) == (403, "User agent not allowed\n")
    assert toxi.call("GET", "/nowhere", **browser).status == 404
    assert toxi.call("PUT", "/proxies", **browser).status == 405
    assert toxi.call("GET", "/version", **{"User-Agent": "curl/8 Mozilla/5.0"}).status == 200


def test_version(toxi: Toxi) -> None:
    """/version is JSON with a space, a trailing newline and an odd content type."""
    reply = toxi.call("GET", "/version")
    assert reply.headers["content-type"] == "application/json;charset=utf-8"
    assert reply.text in ('{"version": "2.12.0"}\n', '{"version": "git"}\n')  # "git" where go install built it


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/metrics", 404),
        ("GET", "/proxies/", 404),
        ("GET", "/proxies/a%2Fb", 404),
        ("GET", "/reset", 405),
        ("DELETE", "/proxies", 405),
        ("HEAD", "/version", 405),
        ("PUT", "/proxies/a/toxics/b", 405),
    ],
)
def test_unknown_routes_and_methods(toxi: Toxi, method: str, path: str, status: int) -> None:
    """An unknown path is a 404 in text, a wrong method a 405 without a word."""
    reply = toxi.call(method, path)
    assert reply.status == status
    assert reply.text == ("404 page not found\n" if status == 404 else "")


def test_no_proxies_at_first(toxi: Toxi) -> None:
    """The index of an empty server is an empty object."""
    reply = toxi.call("GET", "/proxies")
    assert (reply.status, reply.text, reply.headers["content-type"]) == (200, "{}", "application/json")


def test_a_created_proxy_is_shown_everywhere(toxi: Toxi) -> None:
    """Creating gives 201 and the proxy; it is then in the index, under its name and without toxics."""
    made = toxi.call("POST", "/proxies", A_PROXY)
    listen = made.json()["listen"]
    assert made.status == 201
    assert made.text == (
        f'{{"name":"shop","listen":"{listen}","upstream":"127.0.0.1:1","enabled":true,"Logger":{{}},"toxics":[]}}'
    )
    assert listen.startswith("127.0.0.1:") and not listen.endswith(":0")
    assert toxi.call("GET", "/proxies/shop").text == made.text
    assert toxi.call("GET", "/proxies").text == f'{{"shop":{made.text}}}'


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "bad request body: EOF"),
        ("{", "bad request body: unexpected EOF"),
        ('{"upstream":"x:1"}', "missing required field: name"),
        ('{"name":"","upstream":"x:1"}', "missing required field: name"),
        ('{"name":"shop"}', "missing required field: upstream"),
        ("{name:1}", "bad request body: invalid character 'n' looking for beginning of object key string"),
        (
            '{"name":1}',
            "bad request body: json: cannot unmarshal number into Go struct field Proxy.name of type string",
        ),
        ("[]", "bad request body: json: cannot unmarshal array into Go value of type toxiproxy.Proxy"),
    ],
)
def test_a_bad_proxy_is_refused_with_the_reason(toxi: Toxi, body: str, error: str) -> None:
    """What is wrong with a body is said in Toxiproxy's words, as JSON that calls itself text."""
    reply = toxi.call("POST", "/proxies", body)
    assert (reply.status, reply.error, reply.json()["status"]) == (400, error, 400)
    assert reply.text.endswith("}\n")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert toxi.call("GET", "/proxies").text == "{}"


def test_keys_match_in_any_case(toxi: Toxi) -> None:
    """JSON keys are matched as Go does: case does not count, and what follows the first value does not either."""
    reply = toxi.call("POST", "/proxies", '{"NAME":"p","Upstream":"127.0.0.1:1","listEN":"127.0.0.1:0"} and more')
    assert (reply.status, reply.json()["name"]) == (201, "p")


def test_names_are_unique(toxi: Toxi) -> None:
    """A second proxy of the same name is a 409."""
    toxi.call("POST", "/proxies", A_PROXY)
    reply = toxi.call("POST", "/proxies", A_PROXY)
    assert (reply.status, reply.error) == (409, "proxy already exists")


def test_a_taken_port_is_a_500(toxi: Toxi) -> None:
    """Where the port is in use the proxy is not made, and the operating system's reason is given."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        reply = toxi.call("POST", "/proxies", A_PROXY | {"listen": listen})
        assert (reply.status, reply.error) == (500, f"listen tcp {listen}: bind: address already in use")
    assert toxi.call("GET", "/proxies/shop").status == 404


@pytest.mark.parametrize(
    ("listen", "error"),
    [
        ("nonsense", "address nonsense: missing port in address"),
        ("::1:80", "address ::1:80: too many colons in address"),
        ("[::1", "address [::1: missing ']' in address"),
        ("127.0.0.1:99999", "address 99999: invalid port"),
        ("127.0.0.1:abc", "lookup tcp/abc: unknown port"),
        ("1.2.3:0", "lookup 1.2.3: no such host"),
    ],
)
def test_bad_addresses(toxi: Toxi, listen: str, error: str) -> None:
    """A listen address that is none is a 500 in Go's words, with a prefix on creation and without on update."""
    reply = toxi.call("POST", "/proxies", A_PROXY | {"listen": listen})
    assert (reply.status, reply.error) == (500, f"listen tcp: {error}")
    toxi.call("POST", "/proxies", A_PROXY)
    reply = toxi.call("PATCH", "/proxies/shop", {"listen": listen})
    assert (reply.status, reply.error) == (500, error)


def test_a_disabled_proxy_keeps_its_words_until_it_is_enabled(toxi: Toxi) -> None:
    """Created disabled, `localhost:0` stays as written; enabling resolves it to a real address."""
    made = toxi.call("POST", "/proxies", A_PROXY | {"listen": "localhost:0", "enabled": False})
    assert (made.json()["listen"], made.json()["enabled"]) == ("localhost:0", False)
    enabled = toxi.call("PATCH", "/proxies/shop", {"enabled": True}).json()
    assert enabled["enabled"] and enabled["listen"].startswith("127.0.0.1:") and enabled["listen"] != "127.0.0.1:0"


def test_a_proxy_is_gone_once_deleted(toxi: Toxi) -> None:
    """Deleting closes the port and is a 404 the second time."""
    port = toxi.proxy(1, "shop").port
    first = toxi.call("DELETE", "/proxies/shop")
    assert (first.status, first.text) == (204, "")
    assert refused(port)
    second = toxi.call("DELETE", "/proxies/shop")
    assert (second.status, second.text) == (404, '{"error":"proxy not found","status":404}\n')


def test_disabling_and_enabling_keeps_the_port_and_the_toxics(toxi: Toxi) -> None:
    """A disabled proxy refuses connections; enabled again it listens on the same port with the same toxics."""
    shop = toxi.proxy(1, "shop")
    toxi.toxic(shop, "latency", latency=5)
    disabled = toxi.call("POST", "/proxies/shop", {"enabled": False}).json()
    assert not disabled["enabled"] and refused(shop.port)
    enabled = toxi.call("PATCH", "/proxies/shop", {"enabled": True, "name": "ignored"}).json()
    assert enabled["name"] == "shop" and enabled["listen"] == f"127.0.0.1:{shop.port}" and len(enabled["toxics"]) == 1
    assert not refused(shop.port)


def test_a_failed_move_leaves_the_proxy_disabled(toxi: Toxi) -> None:
    """Moving to a port in use fails, disables the proxy and keeps the new address; a later start can succeed."""
    toxi.proxy(1, "shop")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert toxi.call("PATCH", "/proxies/shop", {"listen": listen}).status == 500
        shown = toxi.call("GET", "/proxies/shop").json()
        assert (shown["enabled"], shown["listen"]) == (False, listen)
        assert toxi.call("POST", "/reset").status == 500
    assert toxi.call("PATCH", "/proxies/shop", {"enabled": True}).json()["enabled"]


# Populate.


def test_populate_makes_all_and_leaves_equal_ones_alone(toxi: Toxi) -> None:
    """An existing proxy of the same resolved address keeps its toxics; a different one is replaced without them."""
    shop = toxi.proxy(1, "shop")
    toxi.toxic(shop, "noop")
    same = {"name": "shop", "listen": f"localhost:{shop.port}", "upstream": "127.0.0.1:1", "enabled": False}
    reply = toxi.call("POST", "/populate", [same, {"name": "two", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:2"}])
    shown = reply.json()["proxies"]
    assert reply.status == 201
    assert [(one["name"], one["enabled"], len(one["toxics"])) for one in shown] == [("shop", True, 1), ("two", True, 0)]
    reply = toxi.call("POST", "/populate", [same | {"upstream": "127.0.0.1:2"}])
    assert [(one["enabled"], one["toxics"]) for one in reply.json()["proxies"]] == [(False, [])]
    assert refused(shop.port)


@pytest.mark.parametrize("bad", [{"upstream": "x:1"}, {"name": "bad"}])
def test_populate_checks_all_names_before_it_makes_one(toxi: Toxi, bad: dict[str, str]) -> None:
    """A missing field anywhere means 400, its place counted from 1, and that nothing was made."""
    reply = toxi.call("POST", "/populate", [A_PROXY, bad])
    missing = "upstream" if "name" in bad else "name"
    assert reply.status == 400
    assert reply.text == f'{{"error":"missing required field: {missing} at proxy 2","status":400,"proxies":null}}'
    assert reply.headers["content-type"] == "application/json"
    assert toxi.call("GET", "/proxies").text == "{}"


def test_populate_keeps_what_it_made_before_a_failure(toxi: Toxi) -> None:
    """The first proxy that cannot listen ends it: 500, those before it stand, those after it were not made."""
    wanted = [A_PROXY, A_PROXY | {"name": "bad", "listen": "bad"}, A_PROXY | {"name": "after"}]
    reply = toxi.call("POST", "/populate", wanted)
    assert (reply.status, reply.error) == (500, "listen tcp: address bad: missing port in address")
    assert [one["name"] for one in reply.json()["proxies"]] == ["shop"]
    assert list(toxi.call("GET", "/proxies").json()) == ["shop"]


def test_populate_nothing(toxi: Toxi) -> None:
    """An empty list is fine and makes null; an object is refused."""
    assert toxi.call("POST", "/populate", "[]").text == '{"proxies":null}'
    reply = toxi.call("POST", "/populate", "{}")
    assert reply.status == 400
    assert reply.error.startswith("bad request body: json: cannot unmarshal object into Go value of type []struct {")


def test_reset_starts_everything_and_clears_it(toxi: Toxi) -> None:
    """After a reset every proxy is enabled and free of toxics."""
    shop = toxi.proxy(1, "shop")
    toxi.toxic(shop, "latency", "upstream", latency=1)
    toxi.toxic(shop, "noop")
    toxi.call("POST", "/proxies", A_PROXY | {"name": "off", "enabled": False})
    toxi.call("PATCH", "/proxies/shop", {"enabled": False})
    reply = toxi.call("POST", "/reset")
    assert (reply.status, reply.text) == (204, "")
    shown = toxi.call("GET", "/proxies").json()
    assert [(one["enabled"], one["toxics"]) for one in shown.values()] == [(True, [])] * 2
    assert not refused(shop.port)


# Toxics.


def test_a_toxic_with_defaults(toxi: Toxi) -> None:
    """Only the type is needed: downstream, toxicity 1, named type_stream, attributes zero; and the status is 200."""
    shop = toxi.proxy(1)
    reply = toxi.call("POST", f"/proxies/{shop.name}/toxics", {"type": "latency"})
    expected = (
        '{"attributes":{"latency":0,"jitter":0},"name":"latency_downstream",'
        '"type":"latency","stream":"downstream","toxicity":1}'
    )
    assert (reply.status, reply.text) == (200, expected)
    assert toxi.call("GET", f"/proxies/{shop.name}/toxics/latency_downstream").text == expected


@pytest.mark.parametrize(
    ("type", "attributes"),
    [
        ("bandwidth", {"rate": 10}),
        ("latency", {"latency": 10, "jitter": 3}),
        ("limit_data", {"bytes": 10}),
        ("noop", {}),
        ("reset_peer", {"timeout": 10}),
        ("slicer", {"average_size": 10, "size_variation": 3, "delay": 5}),
        ("slow_close", {"delay": 10}),
        ("timeout", {"timeout": 10}),
    ],
)
def test_every_type_has_its_attributes(toxi: Toxi, type: str, attributes: dict[str, int]) -> None:
    """All eight types can be added, and show exactly their own attributes; unknown ones are ignored."""
    shop = toxi.proxy(1)
    body = {"type": type, "attributes": attributes | {"bogus": "x"}}
    reply = toxi.call("POST", f"/proxies/{shop.name}/toxics", body)
    assert (reply.status, reply.json()["attributes"]) == (200, attributes)


def test_toxics_are_listed_upstream_first(toxi: Toxi) -> None:
    """The list has upstream's toxics before downstream's, each in the order in which they were added."""
    shop = toxi.proxy(1)
    for name, stream in [("d1", "downstream"), ("u1", "upstream"), ("d2", "downstream"), ("u2", "upstream")]:
        toxi.toxic(shop, "noop", stream, name=name)
    listed = toxi.call("GET", f"/proxies/{shop.name}/toxics").json()
    assert [one["name"] for one in listed] == ["u1", "u2", "d1", "d2"]
    assert toxi.call("GET", f"/proxies/{shop.name}").json()["toxics"] == listed


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_toxic_names_are_unique_over_both_streams(toxi: Toxi, stream: str) -> None:
    """The same name is a 409, on whichever stream."""
    shop = toxi.proxy(1)
    toxi.toxic(shop, "noop", "downstream", name="same")
    reply = toxi.call("POST", f"/proxies/{shop.name}/toxics", {"type": "latency", "name": "same", "stream": stream})
    assert (reply.status, reply.error) == (409, "toxic already exists")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"type": "latency", "stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "nope"}, "invalid toxic type"),
        ({}, "invalid toxic type"),
        ({"type": "nope", "stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ("", "bad request body: EOF"),
        (
            {"type": 5},
            "bad request body: json: cannot unmarshal number into Go struct field ToxicWrapper.type of type ",
        ),
    ],
)
def test_bad_toxics(toxi: Toxi, body: object, error: str) -> None:
    """A toxic that makes no sense is refused: first its stream is looked at, then its type."""
    shop = toxi.proxy(1)
    reply = toxi.call("POST", f"/proxies/{shop.name}/toxics", body)
    assert reply.status == 400 and reply.error.startswith(error)
    assert toxi.call("GET", f"/proxies/{shop.name}/toxics").text == "[]"


@pytest.mark.parametrize("value", [10.5, "10", 1e3, True, 1 << 63])
def test_attributes_are_integers(toxi: Toxi, value: object) -> None:
    """Anything but a 64-bit integer is refused by name of the field, and nothing is added."""
    shop = toxi.proxy(1)
    body = {"type": "latency", "attributes": {"latency": value}}
    reply = toxi.call("POST", f"/proxies/{shop.name}/toxics", body)
    assert reply.status == 400
    # Go's releases differ in whether the struct's name stands before the first dot.
    assert reply.error.endswith(".attributes.latency of type int64")
    assert toxi.call("GET", f"/proxies/{shop.name}/toxics").text == "[]"


@pytest.mark.parametrize(
    ("toxicity", "shown"),
    [
        ("0", "0"),
        ("0.1", "0.1"),
        ("7", "7"),
        ("0.3333333333", "0.33333334"),
        ("1e-7", "1e-7"),
        ("1e-6", "0.000001"),
        ("-0.5", "-0.5"),
    ],
)
def test_toxicity_is_a_small_float(toxi: Toxi, toxicity: str, shown: str) -> None:
    """Toxicity is a 32-bit float, shown as short as possible, and its range is not checked."""
    shop = toxi.proxy(1)
    reply = toxi.call("POST", f"/proxies/{shop.name}/toxics", f'{{"type":"noop","toxicity":{toxicity}}}')
    assert reply.text.endswith(f'"toxicity":{shown}}}')


def test_a_stream_in_capitals_is_kept(toxi: Toxi) -> None:
    """Streams match in any case and are stored as written, in the default name as well."""
    shop = toxi.proxy(1)
    made = toxi.call("POST", f"/proxies/{shop.name}/toxics", {"type": "noop", "stream": "UpStream"}).json()
    assert (made["stream"], made["name"]) == ("UpStream", "noop_UpStream")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_updates_merge(toxi: Toxi, method: str) -> None:
    """An update changes the attributes and the toxicity it names, keeps the others, and cannot change the rest."""
    shop = toxi.proxy(1)
    toxi.toxic(shop, "latency", toxicity=0.25, latency=100, jitter=10)
    path = f"/proxies/{shop.name}/toxics/latency_downstream"
    body = {"attributes": {"latency": 200}, "type": "noop", "stream": "upstream", "name": "other"}
    changed = toxi.call(method, path, body).json()
    assert changed == {
        "attributes": {"latency": 200, "jitter": 10},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 0.25,
    }
    assert toxi.call(method, path, {"toxicity": 0.5}).json() == changed | {"toxicity": 0.5}
    assert toxi.call(method, path, "").error == "bad request body: EOF"


def test_a_removed_toxic_is_gone(toxi: Toxi) -> None:
    """Removing is 204 once, then 404, as is asking for it or updating it."""
    shop = toxi.proxy(1)
    toxi.toxic(shop, "noop")
    path = f"/proxies/{shop.name}/toxics/noop_downstream"
    assert toxi.call("DELETE", path).status == 204
    for method, body in [("DELETE", None), ("GET", None), ("PATCH", {})]:
        reply = toxi.call(method, path, body)
        assert (reply.status, reply.error) == (404, "toxic not found")


def test_toxics_of_nobody(toxi: Toxi) -> None:
    """Whether there is such a proxy is looked at before the body."""
    for method, path in [("GET", ""), ("POST", ""), ("DELETE", "/x")]:
        reply = toxi.call(method, f"/proxies/nobody/toxics{path}", "{")
        assert (reply.status, reply.error) == (404, "proxy not found")


def test_html_is_escaped(toxi: Toxi) -> None:
    """Names come back as Go writes them: <, > and & escaped, other letters as they are."""
    shop = toxi.proxy(1)
    reply = toxi.call("POST", f"/proxies/{shop.name}/toxics", {"type": "noop", "name": "a<b>&é"})
    assert '"name":"a\\u003cb\\u003e\\u0026é"' in reply.text


def test_the_port_asked_for_is_the_port_given(toxi: Toxi) -> None:
    """A free port is taken as it is."""
    port = free_port()
    made = toxi.call("POST", "/proxies", A_PROXY | {"listen": f"localhost:{port}"})
    assert made.json()["listen"] == f"127.0.0.1:{port}"

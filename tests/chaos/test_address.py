"""`host:port` taken apart, and a link that would call itself recognised, without anybody's being called."""

from __future__ import annotations

import pytest

from surgectl.chaos.address import address_of, host_of, leads_back


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("pay.internal:443", "pay.internal", 443),
        ("[::1]:9101", "::1", 9101),
        (":9101", "", 9101),
        ("pay.internal:https", "pay.internal", 0),
    ],
)
def test_an_address_is_taken_apart(text: str, host: str, port: int) -> None:
    """The port is a number; one that is named by a word, or not at all, is 0."""
    assert (address_of(text), host_of(text)) == ((host, port), host)


@pytest.mark.parametrize(
    ("upstream", "listen", "back"),
    [
        ("127.0.0.1:9101", "127.0.0.1:9101", True),
        ("127.0.0.1:9101", "127.0.0.1:9102", False),
        ("127.0.0.1:9101", "0.0.0.0:9101", True),
        ("127.0.0.1:9101", ":9101", True),
        ("[::1]:9101", "[::]:9101", True),
        ("127.0.0.2:9101", "127.0.0.1:9101", False),
        ("192.0.2.7:9101", "0.0.0.0:9101", False),
        ("127.0.0.1:http", "127.0.0.1:http", False),
        ("no-such.invalid:9101", "127.0.0.1:9101", False),
    ],
)
def test_a_link_that_leads_back_to_itself_is_seen(upstream: str, listen: str, back: bool) -> None:
    """The same port of the same machine, by whatever name; another port or host does not, nor a name nobody knows."""
    assert leads_back(upstream, listen) is back

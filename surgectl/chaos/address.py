"""Where a link listens and where it leads: `host:port`, and whether the one leads back to the other."""

from __future__ import annotations

import socket

EVERYWHERE = ("", "0.0.0.0", "::")
"""Hosts of a listener that stands at every address of its machine."""


def address_of(text: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port` → both; port 0 where none is named."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else 0


def host_of(text: str) -> str:
    """`host:port` or `[v6]:port` → the host."""
    return address_of(text)[0]


def leads_back(upstream: str, listen: str) -> bool:
    """The upstream's name leads, by a line in the hosts file, to the link itself: the proxy would call itself, and that
    again, until no file is left. Asks the resolver, and waits for it."""
    host, port = address_of(upstream)
    own, own_port = address_of(listen)
    if not port or port != own_port:
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False  # nobody knows the name here: a Toxiproxy elsewhere may
    ours = {own, "127.0.0.1", "::1"} if own in EVERYWHERE else {own}
    return any(str(address[0]) in ours for *_, address in found)

"""Addresses as Toxiproxy writes them, and the sentences in which Go says what is wrong with one.

The rules are those of Go's net.SplitHostPort, net.ResolveTCPAddr and net.Listen.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket

import msgspec

_BACKLOG = 4096
_PORT = re.compile(r"[+-]?\d+")
_NUMERIC = re.compile(r"[0-9.]+")


class AddressError(Exception):
    """What Go would say of this address."""


class Address(msgspec.Struct, frozen=True):
    """A resolved address. An empty host stands for all interfaces."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def split(text: str) -> tuple[str, str]:
    """`host:port` or `[v6]:port` → (host, port)."""

    def wrong(why: str) -> AddressError:
        return AddressError(f"address {text}: {why}")

    colon = text.rfind(":")
    if colon < 0:
        raise wrong("missing port in address")
    if text.startswith("["):
        bracket = text.find("]")
        if bracket < 0:
            raise wrong("missing ']' in address")
        if bracket + 1 == len(text):
            raise wrong("missing port in address")
        if bracket + 1 != colon:
            raise wrong("too many colons in address" if text[bracket + 1] == ":" else "missing port in address")
        host, rest = text[1:bracket], text[1:].replace("]", "", 1)
    else:
        host = rest = text[:colon]
        if ":" in host:
            raise wrong("too many colons in address")
    if "[" in rest:
        raise wrong("unexpected '[' in address")
    if "]" in rest:
        raise wrong("unexpected ']' in address")
    return host, text[colon + 1 :]


def port_number(text: str) -> int:
    """`8080`, `http` or nothing at all (0) → the port."""
    if not text:
        return 0
    if not _PORT.fullmatch(text):
        try:
            return socket.getservbyname(text, "tcp")
        except OSError as error:
            raise AddressError(f"lookup tcp/{text}: unknown port") from error
    number = int(text)
    if not 0 <= number <= 65535:
        raise AddressError(f"address {text}: invalid port")
    return number


async def resolve(text: str) -> Address:
    """Text → the one address it means; IPv4 is preferred, as by Go. AddressError says what is wrong."""
    if not text:
        return Address("", 0)
    host, port_text = split(text)
    port = port_number(port_text)
    if not host:
        return Address("", port)
    if _NUMERIC.fullmatch(host) and len(host.split(".")) != 4:
        raise AddressError(f"lookup {host}: no such host")  # getaddrinfo would read 1.2.3 as 1.2.0.3
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise AddressError(f"lookup {host}: no such host") from error
    families = {family: address for family, _, _, _, address in reversed(found)}
    chosen = families.get(socket.AF_INET) or families.get(socket.AF_INET6)
    if chosen is None:
        raise AddressError(f"lookup {host}: no such host")
    return Address(str(chosen[0]), port)


async def listen(text: str) -> tuple[socket.socket, str]:
    """A non-blocking listening socket and the concrete address it got. AddressError as Go words it."""
    try:
        address = await resolve(text)
    except AddressError as error:
        raise AddressError(f"listen tcp: {error}") from error
    everywhere = address.host in ("", "0.0.0.0", "::")
    host = "::" if everywhere and socket.has_dualstack_ipv6() else address.host or "0.0.0.0"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if everywhere and family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, address.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = os.strerror(error.errno or 0)
        raise AddressError(f"listen tcp {address}: bind: {why[:1].lower()}{why[1:]}") from error
    listener.setblocking(False)
    name = listener.getsockname()
    return listener, str(Address(name[0], name[1]))

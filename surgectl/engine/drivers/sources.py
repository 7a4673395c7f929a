"""The addresses of ours that fans come from: several, where one would run out of ports.

A connection is told apart by four numbers: two addresses and two ports (RFC 9293 §3.1). To one door of a shop, one
address of ours has as many as it has ports (28,232 on Linux, net.ipv4.ip_local_port_range), and each rests for a minute
after use. A fan always comes from the same address: number % addresses, whichever worker plays it.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from surgectl.errors import UsageError

_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)
"""Linux: choose the port when it is known where to, so that one that rests can be taken again."""


def family_of(source: str) -> socket.AddressFamily:
    """IPv4 or IPv6."""
    return socket.AF_INET6 if ":" in source else socket.AF_INET


def spelled_out(bind: Iterable[str]) -> list[str]:
    """Each address of the target's `bind`, in order; `127.1.0.0/26` is all 64 of that network. A `${…}` is none yet."""
    return [str(address) for one in bind if "${" not in one for address in ipaddress.ip_network(one)]


def bound(source: str) -> socket.socket:
    """A socket that will connect from this address. OSError where this machine does not have it."""
    made = socket.socket(family_of(source), socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        with suppress(OSError):  # not Linux, or not for this family: then the port is chosen now
            made.setsockopt(socket.IPPROTO_IP, _NO_PORT, 1)
        made.bind((source, 0))
    except BaseException:
        made.close()
        raise
    return made


async def connected(source: str, found: Iterable[tuple[str, int]]) -> socket.socket:
    """A connection from this address to the first of these (host, port) that takes it. OSError where none does."""
    trouble = OSError(errno.EADDRNOTAVAIL, "no address of the shop's is of the source's family")
    for host, port in found:
        if (":" in host) != (":" in source):
            continue
        made = bound(source)
        try:
            await asyncio.get_running_loop().sock_connect(made, (host, port))
        except OSError as error:
            made.close()
            trouble = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise trouble


async def check_sources(bind: Sequence[str], urls: Iterable[str]) -> None:
    """Can each of these addresses be left from, and is there a way from it to each shop? Sends nothing.

    UsageError that names the address.
    """
    places = list(dict.fromkeys(_place(url) for url in urls)) if bind else []
    for where, source in [(f"bind[{number}]", one) for number, said in enumerate(bind) for one in spelled_out([said])]:
        try:
            bound(source).close()
        except OSError as error:
            raise UsageError(
                f"{source} is no address of this machine", where=where, hint="ip address add … gives it one"
            ) from error
        for host, port in places:
            await _leads(source, host, port, where)


async def _leads(source: str, host: str, port: int, where: str) -> None:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError:
        return  # whether there is a shop at all is asked elsewhere
    ours = family_of(source)
    there = [address for family, _, _, _, address in found if family == ours]
    if not there:
        is_v6, others = ours == socket.AF_INET6, "IPv4" if ours == socket.AF_INET6 else "IPv6"
        raise UsageError(
            f"{source} is an address of {'IPv6' if is_v6 else 'IPv4'}, and {host} has one of {others} alone",
            where=where,
            hint=f"bind to addresses of {others}",
        )
    # To connect a datagram socket sends nothing: the system only looks for the way.
    with socket.socket(ours, socket.SOCK_DGRAM) as looking:
        looking.bind((source, 0))
        try:
            looking.connect(there[0])
        except OSError as error:
            raise UsageError(
                f"nothing leads from {source} to {host}",
                where=where,
                hint="loopback addresses reach this machine alone",
            ) from error


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

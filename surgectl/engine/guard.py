"""Never storm a shop that nobody said we may storm: every host is loopback, or named in the target's `allow`."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from surgectl.errors import RefusedError, UsageError


class Permit(msgspec.Struct, frozen=True):
    """Which hosts may be sent to; asked by the driver before every hop, also for URLs that a reply supplied."""

    hosts: frozenset[str]

    def __call__(self, host: str) -> bool:
        """Is it a host that was checked, a loopback address, or `localhost` (RFC 6761)?"""
        name = host.strip("[]").rstrip(".").lower()
        return name in self.hosts or name == "localhost" or _loopback(name)


def _loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"not a URL: {error}", where=url) from error
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("not a URL of a shop", where=url, hint="try http://127.0.0.1:8080")
    return host.rstrip(".").lower()


async def guard(urls: Iterable[str], allow: Iterable[str]) -> Permit:
    """Check every host of `urls` (base_url, origins) before anything is sent.

    All addresses of a name must be loopback, or the host must stand in `allow` (a host, or a host:port, as the target
    names it). Raises RefusedError (exit 13), UsageError for what is not a URL.
    """
    allowed = {entry.strip().lower().rstrip(".") for entry in allow}
    hosts: set[str] = set()
    for url in urls:
        host = _host(url)
        port = urlsplit(url).port
        shown = f"[{host}]" if ":" in host else host
        if {host, shown, f"{shown}:{port}"} & allowed or _loopback(host):
            hosts.add(host)
            continue
        hint = f"if you may storm it, add it to the target: allow: [{host}]"
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port or 80, type=socket.SOCK_STREAM)
        except OSError as error:
            raise RefusedError(
                f"{host} has no address, so it is not known to be this machine", where=url, hint=hint
            ) from error
        foreign = sorted({str(entry[4][0]) for entry in found if not _loopback(str(entry[4][0]))})
        if foreign or not found:
            raise RefusedError(
                f"{host} is not this machine ({', '.join(foreign[:3])}) and the target does not allow it",
                where=url,
                hint=hint,
            )
        hosts.add(host)
    return Permit(frozenset(hosts))


def raise_open_files(wanted: int = 65_536) -> int:
    """Raise the soft limit of open files towards `wanted`, as far as the hard limit lets us; returns what we have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (ValueError, OSError):
            return soft  # some systems cap it below the hard limit they report
        return most
    return soft

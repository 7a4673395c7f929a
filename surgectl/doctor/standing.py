"""A proxy that somebody else put up, seen before and after a purchase: did anything pass, and is any fault left on it?

Toxiproxy counts bytes only where it was started with -proxy-metrics, and those of a connection once that has ended
(shopify/toxiproxy, METRICS.md). So a number that grew is proof, and one that did not is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import aiohttp
import msgspec

from surgectl.chaos import marks
from surgectl.chaos.toxiproxy import ProxyState, Toxiproxy, ToxiproxyError
from surgectl.doctor.checkup import Checkup, Verdict, unseen
from surgectl.doctor.patient import Bought
from surgectl.profile.link import Link

_COUNTER = re.compile(r"^toxiproxy_proxy_received_bytes_total\{([^}]*)\}\s+([0-9.eE+]+)\s*$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_WAITS_S = 5.0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One proxy as its server shows it."""

    proxy: ProxyState
    received: int | None = None
    """Bytes from the shop, of connections that have ended; None: this server does not count."""

    @property
    def toxics(self) -> tuple[str, ...]:
        return tuple(toxic.name for toxic in self.proxy.toxics)


async def standing(url: str | None, links: Mapping[str, Link]) -> dict[str, Standing]:
    """The links for which a proxy stands at a Toxiproxy that was there before us; none: no such server was named."""
    if url is None:
        return {}
    server = Toxiproxy(url)
    try:
        there = await server.proxies()
    except ToxiproxyError:
        return {}  # said by the look at the links themselves
    received = await _received(server.url)
    found = {}
    for name, link in links.items():
        proxy = there.get(link.proxy or f"{marks.PREFIX}{name}")
        if proxy is not None:
            count = None if received is None else received.get(proxy.name, 0)
            found[name] = Standing(proxy=proxy, received=count)
    return found


async def _received(url: str) -> dict[str, int] | None:
    """Bytes from the clients of each proxy; None where the server does not say."""
    try:
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=_WAITS_S)) as http,
            http.get(f"{url}/metrics") as reply,
        ):
            return counted(await reply.text("utf-8", "replace")) if reply.status == 200 else None
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None


def counted(text: str) -> dict[str, int]:
    """Prometheus' text → bytes by proxy. A server that has counted nothing yet shows no line at all."""
    found: dict[str, int] = {}
    for labels, number in _COUNTER.findall(text):
        named = dict(_LABEL.findall(labels))
        if named.get("direction", "upstream") == "upstream":
            found[named.get("proxy", "")] = found.get(named.get("proxy", ""), 0) + int(float(number))
    return found


def of_standing(name: str, before: Standing, after: Standing | None, bought: Bought) -> list[Checkup]:
    """What can be said of a link that is somebody's own proxy. Pure."""
    where, called = f"links.{name}", f"{name} the shop's way"
    proxy = before.proxy
    if after is None:
        what = f"proxy {proxy.name} stood at {proxy.listen} before the purchase, and is gone"
        return [_told(called, "fail", what, "who takes it away? the shop would find its till closed", where)]
    found = [_way(called, where, before, after, bought)]
    left = sorted({*before.toxics, *after.toxics})
    if left:
        what = f"proxy {proxy.name} has toxics on it: {', '.join(left)}"
        ours = [toxic for toxic in left if toxic.startswith(marks.PREFIX)]
        heal = "surgectl chaos heal --toxiproxy URL takes those named surgectl-… away" if ours else "remove them"
        found.append(_told(f"{name} faults", "fail", what, f"{heal}: what is always there is no brownout", where))
    else:
        what = f"no toxic on proxy {proxy.name}, neither before the purchase nor after it"
        found.append(_told(f"{name} faults", "pass", what, "", where))
    return found


def _way(called: str, where: str, before: Standing, after: Standing, bought: Bought) -> Checkup:
    stands = f"proxy {before.proxy.name} stands at {before.proxy.listen}, before {before.proxy.upstream}"
    if before.received is not None and after.received is not None:
        came = after.received - before.received
        if came > 0:
            return _told(called, "pass", f"{came:,} bytes came this way while the fan bought ({stands})", "", where)
        what = f"{stands}; nothing was counted there, where a connection counts only once it has ended"
        fix = "let the shop close its connections to the provider, and buy again; or stop the proxy: buying must fail"
        if bought.outcome != "ok":
            return unseen("links", called, f"{what}; nor did the fan buy", where)
        return _told(called, "unknown", what, fix, where)
    what = f"{stands}; what goes through it this server does not count"
    fix = "start it with -proxy-metrics; or stop the proxy and buy once more: a purchase that succeeds went around it"
    return _told(called, "unknown", what, fix, where)


def _told(name: str, verdict: Verdict, what: str, fix: str, where: str) -> Checkup:
    return Checkup(part="links", name=name, verdict=verdict, what=what, where=where, fix=fix)

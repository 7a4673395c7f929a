"""Can each link be put up, does traffic really go through it, and is whoever stands behind it there?"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from surgectl import chance
from surgectl.chaos import marks
from surgectl.chaos.address import address_of, host_of, leads_back
from surgectl.chaos.canary import Sighting, fate, fly, yardstick
from surgectl.chaos.launch import Launched, launched
from surgectl.chaos.links import reached_at
from surgectl.chaos.tls import Secured, secured
from surgectl.chaos.toxiproxy import ProxyState, Toxiproxy, ToxiproxyError
from surgectl.clock import Clock
from surgectl.doctor.checkup import Checkup, Verdict
from surgectl.doctor.tunnel import look_at_tunnel
from surgectl.errors import InconclusiveError, SurgectlError, UsageError
from surgectl.profile.link import Link
from surgectl.profile.target import Target
from surgectl.units import show_duration

PREFIX = f"{marks.PREFIX}doctor-"
"""What a proxy is called that stands for the length of a look; a run's own are `surgectl-LINK`."""
_FLIGHTS = 3
_IN_USE = "address already in use"
_CONTAINER = "name a port that can be reached from here: a container's are published one by one"
HOW_TO_SEE = "doctor --buy plays one fan and counts what goes through; or buy while nothing listens there: it must fail"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One link, and the proxy server that would carry it."""

    name: str
    link: Link
    server: Toxiproxy
    ours: bool
    """The server is one that we started: it stands for as long as a run does, and never longer."""
    folder: Path

    def told(self, name: str, verdict: Verdict, what: str, fix: str = "") -> Checkup:
        """Something about this link."""
        shown = f"{self.name} {name}"
        return Checkup(part="links", name=shown, verdict=verdict, what=what, where=f"links.{self.name}", fix=fix)


async def look_at_links(
    target: Target, folder: Path, clock: Clock, *, toxiproxy: str | None = None, embedded: bool = False
) -> list[Checkup]:
    """The proxy server that a run would use, then every link. Leaves nothing behind on any server, and no fault."""
    if not target.links:
        return [Checkup(part="links", name="links", verdict="note", what="there are none: nothing can be broken")]
    try:
        async with launched(clock, url=toxiproxy, embedded=embedded) as proxy:
            found = [_of_server(proxy)]
            for name, link in target.links.items():
                ours = proxy.kind != "given"
                found += await _look(Line(name=name, link=link, server=proxy.server, ours=ours, folder=folder), clock)
    except (UsageError, InconclusiveError) as error:
        return [
            Checkup(part="links", name="proxy", verdict="fail", what=error.what, where="links", fix=error.hint or "")
        ]
    return found


def the_shops_way() -> Checkup:
    """What nobody knows who has not bought."""
    what = "whether the shop really goes through its links cannot be seen without a purchase"
    return Checkup(part="links", name="the shop's way", verdict="unknown", what=what, fix=HOW_TO_SEE)


def _of_server(proxy: Launched) -> Checkup:
    version = f"version {proxy.version}" if proxy.version else "version unknown"
    said = {
        "given": f"Toxiproxy at {proxy.server.url}, {version}",
        "toxiproxy-server": f"toxiproxy-server of this machine, {version}: a run starts and ends its own",
        "embedded": f"the embedded proxy, {version}: a run starts and ends its own",
    }[proxy.kind]
    return Checkup(part="links", name="proxy", verdict="pass", what=said, where="links")


async def _look(line: Line, clock: Clock) -> list[Checkup]:
    try:
        there = await line.server.proxies()
    except ToxiproxyError as error:
        return [line.told("proxy", "fail", str(error), "is the Toxiproxy still up?")]
    standing = there.get(line.link.proxy or f"{marks.PREFIX}{line.name}")
    if line.link.proxy is not None and standing is None:
        what = f"no proxy named {line.link.proxy} at {line.server.url}"
        others = ", ".join(sorted(there)) or "none"
        fix = f"it has: {others}" if not line.ours else "--toxiproxy URL names the server that has it"
        return [line.told("proxy", "fail", what, fix)]
    upstream = line.link.upstream or (standing.upstream if standing is not None else "")
    found = [_of_listener(line, standing, there)]
    try:
        tls = secured(line.link, line.folder, f"links.{line.name}")
    except UsageError as error:
        return [*found, line.told("certificate", "fail", error.what, error.hint or "")]
    if tls is not None and not tls.server_name:
        tls = msgspec.structs.replace(tls, server_name=host_of(upstream))
    direct = await _flights(upstream, line.link, clock, tls)
    usual = yardstick(direct, line.link.speaks)
    if usual is None and line.ours:
        return [*found, _of_upstream(line, upstream, direct)]  # a proxy of this machine reaches what we reach
    there_now = standing if found[0].verdict == "pass" else None
    tried = not line.ours and there_now is None and found[0].verdict == "pass"
    try:
        listen = line.link.listen if tried else f"{line.link.listen.rpartition(':')[0] or '127.0.0.1'}:0"
        async with _passage(line, upstream, there_now, listen) as address:
            seen = await _flights(address, line.link, clock, tls)
            found += _compared(line, upstream, direct, seen)
            if yardstick(seen, line.link.speaks) is not None:
                found += await look_at_tunnel(line.name, line.link, upstream, address, tls, clock)
    except SurgectlError as error:
        found.append(_of_upstream(line, upstream, direct))
        if tried:
            fix = "end what listens there, name another port, or name the proxy that stands there: {proxy: NAME}"
            why = _IN_USE if _IN_USE in str(error) else str(error)
            found[0] = line.told("listener", "fail", f"{line.link.listen} cannot be listened on: {why}", fix)
        else:
            what = "does this Toxiproxy let us make proxies?"
            found.append(line.told("through the proxy", "fail", str(error), what))
    return found


def _compared(line: Line, upstream: str, direct: list[Sighting], seen: list[Sighting]) -> list[Checkup]:
    """The same question asked without the proxy and through it. A Toxiproxy elsewhere may know whom we do not."""
    usual, through = yardstick(direct, line.link.speaks), yardstick(seen, line.link.speaks)
    reached = any(flight.connected for flight in seen)
    if usual is None and through is not None:
        took = "" if through.whole_ns is None else f" in {show_duration(through.whole_ns)}"
        what = f"{upstream} answers{took} through the proxy, and not from here"
        return [line.told("upstream", "pass", what)]
    if usual is None and not reached and not any(flight.connected for flight in direct):
        what = f"{upstream} is not to be reached from here, nor is a proxy of our own at {line.server.url}"
        return [line.told("upstream", "unknown", what, _CONTAINER)]
    found = [_of_upstream(line, upstream, direct)]
    if usual is not None and not reached and not line.ours:
        what = f"a proxy of our own at {line.server.url} is not to be reached from here"
        found.append(line.told("through the proxy", "unknown", what, _CONTAINER))
    elif usual is not None:
        found.append(_through(line, usual, direct, seen))
    return found


def _of_listener(line: Line, standing: ProxyState | None, there: Mapping[str, ProxyState]) -> Checkup:
    """Where the shop would reach the link: a proxy that stands there, or a port that is free."""
    if leads_back(line.link.upstream or "", line.link.listen):
        what = f"{line.link.upstream} leads back to {line.link.listen}, where the proxy itself listens"
        return line.told("listener", "fail", what, "give the dependency's own address, tls: {server_name: …} its name")
    if line.link.proxy is not None and "/" in line.link.proxy:
        what = f"Toxiproxy's API has no address for {line.link.proxy}: it takes the slash for its own"
        return line.told("listener", "fail", what, "make the proxy under another name")
    if standing is not None:
        mark = marks.marks(standing)
        if mark:
            what = f"proxy {standing.name} carries another run's mark ({mark[0]})"
            fix = f"let that run end, or: surgectl chaos heal --toxiproxy {line.server.url}"
            return line.told("listener", "fail", what, fix)
        if not standing.enabled:
            return line.told("listener", "fail", f"proxy {standing.name} is disabled", "enable it")
        foreign = [toxic.name for toxic in standing.toxics]
        if foreign:
            what = f"proxy {standing.name} has toxics that are not ours: {', '.join(foreign)}"
            return line.told("listener", "fail", what, "remove them: they would be taken for the usual state")
        return line.told("listener", "pass", f"proxy {standing.name} stands at {standing.listen}, without faults")
    host, port = address_of(line.link.listen)
    if not port:
        what = f"{line.link.listen}: a port that is known only once a run has begun; no shop can be pointed to it"
        return line.told("listener", "note", what, f'name a port: listen: "{host}:9101"')
    other = next((proxy.name for proxy in there.values() if proxy.enabled and proxy.listen == line.link.listen), None)
    if other is not None and other.startswith(PREFIX):
        other = None  # left behind by a doctor that was killed: taken away when this one looks
    if other is not None:
        what = f"the proxy {other} listens on {line.link.listen} already"
        return line.told("listener", "fail", what, f"if that is the one, name it: {{proxy: {other}}}")
    if not line.ours and _loopback(host) and not on_this_machine(line.server.url):
        what = f"{line.link.listen} is the loopback of the Toxiproxy's machine: no shop elsewhere reaches it, nor do we"
        return line.told("listener", "fail", what, f'listen: "0.0.0.0:{port}"')
    if not line.ours:
        return line.told("listener", "pass", f"{line.link.listen} can be listened on there")  # see _look: it is tried
    trouble = taken(host, port)
    if trouble:
        what = f"{line.link.listen} cannot be listened on ({trouble})"
        fix = "end what listens there, name another port, or name the proxy that stands there: {proxy: NAME}"
        return line.told("listener", "fail", what, fix)
    return line.told("listener", "pass", f"{line.link.listen} is free")


def on_this_machine(url: str) -> bool:
    """Whether a server's address is a loopback one."""
    return _loopback(urlsplit(url if "://" in url else f"http://{url}").hostname or "")


def _loopback(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def taken(host: str, port: int) -> str:
    """Why nobody can listen there now; empty where one can. Listens on nothing."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as held:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(address)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


async def _flights(address: str, link: Link, clock: Clock, tls: Secured | None) -> list[Sighting]:
    return [await fly(address, clock, speaks=link.speaks, tls=tls) for _ in range(_FLIGHTS)]


def _of_upstream(line: Line, upstream: str, direct: list[Sighting]) -> Checkup:
    usual = yardstick(direct, line.link.speaks)
    if usual is not None and usual.whole_ns is None:
        what = f"{upstream} accepts connections and says nothing by itself: a delay on it could not be seen"
        return line.told("upstream", "note", what, f"speaks: says what may be asked there (now {line.link.speaks})")
    if usual is not None:
        return line.told("upstream", "pass", f"{upstream} answers in {show_duration(usual.whole_ns or 0)}")
    doubt = next((seen.doubt for seen in direct if seen.doubt), "")
    if doubt:
        fix = "is tls: {server_name, ca} the provider's own name and who vouches for it?"
        return line.told("upstream", "fail", f"{upstream}: {doubt}", fix)
    if not any(seen.connected for seen in direct):
        fix = "start it, correct upstream:, or look from the machine where the Toxiproxy runs"
        return line.told("upstream", "fail", f"nobody answers at {upstream}", fix)
    what = f"{upstream} accepts connections and does not answer {line.link.speaks}"
    return line.told("upstream", "fail", what, "speaks: http, postgres, redis or tcp")


def _through(line: Line, usual: Sighting, direct: list[Sighting], seen: list[Sighting]) -> Checkup:
    # The quickest of several against the slowest: a busy machine is no fault of the link's.
    through = _quickest(seen) or yardstick(seen, line.link.speaks)
    if through is None or fate(through, usual) != "usual":
        said = fate(through or seen[-1], usual)
        what = f"a question through the proxy came back {said}, without a fault on it"
        return line.told("through the proxy", "fail", what, "can the Toxiproxy reach the upstream?")
    alone = _quickest(direct)
    if alone is None or alone.whole_ns is None or through.whole_ns is None:
        return line.told("through the proxy", "pass", "connects through it as without it")
    more_ns = max(0, through.whole_ns - alone.whole_ns)
    what = f"the same answer, {show_duration(more_ns)} later" if more_ns else "the same answer, no later"
    return line.told("through the proxy", "pass", what)


def _quickest(flights: list[Sighting]) -> Sighting | None:
    whole = [flight for flight in flights if flight.whole_ns is not None]
    return min(whole, key=lambda flight: flight.whole_ns or 0, default=None)


@asynccontextmanager
async def _passage(line: Line, upstream: str, standing: ProxyState | None, listen: str) -> AsyncIterator[str]:
    """Where one gets through the proxy server to the upstream: by the proxy that stands there, or by one of our own at
    `listen`, gone again in every way out.

    On a server that we did not start that is the link's own address: whether it can be listened on, and reached, is
    known to nobody else (a container's ports are published one by one).
    """
    if standing is not None:
        yield reached_at(line.server, standing.listen)
        return
    name = f"{PREFIX}{line.name}-{chance.token()[:8]}"
    for old in [old for old in (await line.server.proxies()).values() if old.name.startswith(PREFIX)]:
        if old.listen == listen:
            await line.server.destroy(old.name)
    try:
        # Inside the try: a server that made it and whose answer got lost is told to take it away, too.
        state = await line.server.create(name, upstream, listen)
        yield reached_at(line.server, state.listen)
    finally:
        await line.server.destroy(name)

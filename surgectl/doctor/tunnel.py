"""A provider behind HTTPS: does the real host's certificate come through the proxy, and would the shop believe it?

The proxy passes bytes on and terminates nothing, so the provider itself shows its certificate, for its own name. A
shop's client that is told `https://127.0.0.1:9101` verifies that name and refuses; one that goes on calling the
provider by name, and only finds it at the link, believes it.
"""

from __future__ import annotations

import ssl

from surgectl.chaos.address import address_of, host_of
from surgectl.chaos.tls import Secured
from surgectl.clock import Clock
from surgectl.doctor.certificates import SOON_DAYS
from surgectl.doctor.checkup import Checkup, Verdict
from surgectl.doctor.handshake import shake
from surgectl.profile.link import Link
from surgectl.units import show_duration


async def look_at_tunnel(
    name: str, link: Link, upstream: str, through: str, tls: Secured | None, clock: Clock
) -> list[Checkup]:
    """A handshake with the provider through the proxy at `through`, by the provider's name; then what a client would
    see that calls the link by the address where it listens."""
    if tls is None:
        return await _unsaid(name, upstream, through, clock)
    host, port = address_of(through)
    shaken = await shake(host, port, tls.server_name, tls.context, clock)
    if shaken.why:
        what = f"through the proxy, as {tls.server_name}: {shaken.why}"
        fix = "tls: {server_name: HOST, ca: FILE} of this link; is upstream the HTTPS port?"
        return [_told(name, "certificate", "fail", what, fix)]
    left = "" if shaken.days_left is None else f", {shaken.days_left:.0f} days left"
    soon = shaken.days_left is not None and shaken.days_left < SOON_DAYS
    what = f"through the proxy {tls.server_name} is believed{left} (handshake {show_duration(shaken.took_ns)})"
    fix = "its provider should renew it" if soon else ""
    found = [_told(name, "certificate", "note" if soon else "pass", what, fix)]
    listens = host_of(link.listen)
    if link.proxy is None and listens and listens != tls.server_name:
        called = await shake(host, port, listens, tls.context, clock)
        if called.unbelieved:
            what = f"a client that is told https://{link.listen} refuses it: {called.why}"
            door = f"https://{tls.server_name}:{link.listen.rpartition(':')[2]}"
            fix = f"let it call {door}, and say in its hosts file that this name is at {listens}"
            found.append(_told(name, "shop's client", "note", what, fix))
    return found


async def _unsaid(name: str, upstream: str, through: str, clock: Clock) -> list[Checkup]:
    """Behind port 443 somebody is likely to speak TLS: then the target should say so."""
    if not upstream.endswith(":443"):
        return []
    wanted = host_of(upstream)
    host, port = address_of(through)
    shaken = await shake(host, port, wanted, ssl.create_default_context(), clock)
    if shaken.why and not shaken.unbelieved:
        return []
    what = f"{upstream} speaks TLS, and the link does not say so: canaries ask it in plain HTTP"
    return [_told(name, "certificate", "fail", what, f"tls: {{server_name: {wanted}}}")]


def _told(link: str, name: str, verdict: Verdict, what: str, fix: str) -> Checkup:
    return Checkup(part="links", name=f"{link} {name}", verdict=verdict, what=what, where=f"links.{link}", fix=fix)

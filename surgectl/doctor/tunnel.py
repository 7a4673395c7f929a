"""A provider behind HTTPS: does the real host's certificate come through the proxy, and would the shop believe it?

The proxy passes bytes on and terminates nothing, so the provider itself shows its certificate, for its own name. A
shop's client that is told `https://127.0.0.1:9101` verifies that name and refuses; one that goes on calling the
provider by name, and only finds it at the link, believes it.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from surgectl.clock import Clock
from surgectl.doctor.certificates import SOON_DAYS
from surgectl.doctor.checkup import Checkup, Verdict
from surgectl.doctor.handshake import shake
from surgectl.errors import UsageError
from surgectl.profile.target import Link
from surgectl.units import show_duration


async def look_at_tunnel(
    name: str, link: Link, upstream: str, through: str, folder: Path, clock: Clock
) -> list[Checkup]:
    """A handshake with the provider through the proxy at `through`, by the provider's name; then what a client would
    see that calls the link by the address where it listens."""
    said = getattr(link, "tls", None)
    host, _, port = through.rpartition(":")
    if said is None:
        return await _unsaid(name, link, upstream, through, clock)
    try:
        context = trusted(said.ca, folder)
    except UsageError as error:
        return [_told(name, "certificate", "fail", error.what, "tls.ca: a PEM file, found from the target's folder")]
    wanted = said.server_name or upstream.rpartition(":")[0].strip("[]")
    shaken = await shake(host.strip("[]"), int(port), wanted, context, clock)
    if shaken.why:
        what = f"through the proxy, as {wanted}: {shaken.why}"
        fix = "tls: {server_name: HOST, ca: FILE} of this link; is upstream the HTTPS port?"
        return [_told(name, "certificate", "fail", what, fix)]
    left = "" if shaken.days_left is None else f", {shaken.days_left:.0f} days left"
    soon = shaken.days_left is not None and shaken.days_left < SOON_DAYS
    what = f"through the proxy {wanted} is believed{left} (handshake {show_duration(shaken.took_ns)})"
    fix = "its provider should renew it" if soon else ""
    found = [_told(name, "certificate", "note" if soon else "pass", what, fix)]
    listens = link.listen.rpartition(":")[0].strip("[]")
    if listens and listens != wanted:
        called = await shake(host.strip("[]"), int(port), listens, context, clock)
        if called.unbelieved:
            what = f"a client that is told https://{link.listen} would refuse it: {called.why}"
            fix = f"the shop must go on calling {wanted}, and find it at the link: a line in its hosts file, or SNI"
            found.append(_told(name, "shop's client", "note", what, fix))
    return found


async def _unsaid(name: str, link: Link, upstream: str, through: str, clock: Clock) -> list[Checkup]:
    """Behind port 443 somebody is likely to speak TLS: then the target should say so."""
    if not upstream.endswith(":443"):
        return []
    host, _, port = through.rpartition(":")
    wanted = upstream.rpartition(":")[0].strip("[]")
    shaken = await shake(host.strip("[]"), int(port), wanted, trusted(None, Path()), clock)
    if shaken.why and not shaken.unbelieved:
        return []
    what = f"{upstream} speaks TLS, and the link does not say as whom: canaries ask it in plain HTTP"
    return [_told(name, "certificate", "fail", what, f"tls: {{server_name: {wanted}}}")]


def trusted(ca: str | None, folder: Path) -> ssl.SSLContext:
    """The system's authorities, or those of a PEM file. UsageError for a file of no use."""
    try:
        return ssl.create_default_context(cafile=folder / ca if ca else None)
    except (OSError, ValueError) as error:
        raise UsageError(f"{ca}: not a usable certificate: {getattr(error, 'reason', None) or error}") from error


def _told(link: str, name: str, verdict: Verdict, what: str, fix: str) -> Checkup:
    return Checkup(part="links", name=f"{link} {name}", verdict=verdict, what=what, where=f"links.{link}", fix=fix)

"""Is the shop's certificate one that fans would believe, and does it outlive the rehearsal?"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from surgectl.clock import Clock
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.handshake import Handshake, shake

SOON_DAYS = 14.0


async def look_at_certificates(doors: Mapping[str, str], context: ssl.SSLContext, clock: Clock) -> list[Checkup]:
    """One handshake with each https address of `doors` (path in the target → URL); nothing for plain http."""
    found = []
    for where, url in doors.items():
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            shaken = await shake(parts.hostname, parts.port or 443, parts.hostname, context, clock)
            found.append(of_handshake(shaken, where, parts.hostname))
    return found


def of_handshake(shaken: Handshake, where: str, host: str) -> Checkup:
    """What a handshake with the shop means."""
    name = f"{where} certificate"
    if shaken.why:
        fix = "tls: {ca: FILE} names an authority of your own" if shaken.unbelieved else "is this the https port?"
        what = f"{host}: {shaken.why}"
        return Checkup(part="shop", name=name, verdict="fail", what=what, where="tls", fix=fix)
    left = "does not say until when" if shaken.days_left is None else f"{shaken.days_left:.0f} days left"
    what = f"{host}: chain and name are believed; {left}"
    soon = shaken.days_left is not None and shaken.days_left < SOON_DAYS
    fix = "renew it before the on-sale" if soon else ""
    return Checkup(part="shop", name=name, verdict="note" if soon else "pass", what=what, where="tls", fix=fix)

"""What the shop depends on and reaches through a proxy of ours."""

from __future__ import annotations

from typing import Literal

from surgectl.profile.part import Part


class LinkTls(Part, frozen=True, kw_only=True):
    """The dependency speaks TLS, end to end through the proxy: how a canary does so, too."""

    server_name: str | None = None
    """The name that its certificate is for, sent as SNI (RFC 6066 §3); without it the upstream's host."""
    ca: str | None = None
    """Authorities to believe instead of the system's: a PEM file, found from the target's folder; empty: the
    system's."""


class Link(Part, frozen=True, kw_only=True):
    """A dependency reached through a proxy: made by us, or found by name. One whose upstream is empty is not there."""

    upstream: str | None = None
    listen: str = "127.0.0.1:0"
    proxy: str | None = None
    speaks: Literal["http", "postgres", "redis", "tcp"] = "http"
    """What a canary asks there, to see whether a fault bites."""
    tls: LinkTls | None = None
    """What it asks, it asks inside TLS."""

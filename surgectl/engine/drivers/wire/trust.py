"""Whom we believe to be the shop, and how we show who we are."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from surgectl.errors import UsageError


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """The system's authorities by default; files are PEM."""

    ca: Path | None = None
    """Believe these authorities instead of the system's."""
    certificate: Path | None = None
    """Our own, where the shop asks for one."""
    key: Path | None = None
    """Its key, where that is not in the same file."""


def tls_context(trust: Trust) -> ssl.SSLContext:
    """Certificate and host name are always verified. UsageError for a file that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=trust.ca)
        if trust.certificate is not None:
            context.load_cert_chain(trust.certificate, trust.key)
    except (OSError, ValueError) as error:
        where = trust.certificate or trust.ca
        raise UsageError(
            f"not a usable certificate: {getattr(error, 'reason', None) or error.__class__.__name__}",
            where=str(where),
            hint="PEM files are wanted, and a key without a pass phrase",
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context

"""Where a part of the stage listens: HOST:PORT, read in one place."""

from __future__ import annotations

from surgectl.errors import UsageError


def split_address(text: str, where: str) -> tuple[str, int]:
    """`127.0.0.1:0` → ("127.0.0.1", 0). UsageError at `where` if it is not HOST:PORT."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{text!r} is not HOST:PORT", where=where, hint="try 127.0.0.1:0")
    return host.strip("[]"), int(port)

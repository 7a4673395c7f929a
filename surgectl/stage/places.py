"""Where the parts of one stage stand, and what a target file calls these places."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec

from surgectl.errors import UsageError
from surgectl.stage.settings import Settings

PAY_KEY = "sk_test_stage"
_PORTS = {"postgresql": 5432, "postgres": 5432, "redis": 6379}


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Loopback ports of the parts, and the path of the socket where the stage is told to kill and restart them."""

    shop: int
    payments: int
    control: int
    identity: int
    stage: str
    held: tuple[object, ...] = ()
    """What keeps the ports ours for as long as it lives."""

    def variables(self, settings: Settings) -> dict[str, str]:
        """What the target file and commands may name as `${…}`; a dependency that is not there is empty."""
        return {
            "SHOP_URL": f"http://127.0.0.1:{self.shop}",
            "PAY_URL": f"http://127.0.0.1:{self.payments}",
            "PAY_ADDR": f"127.0.0.1:{self.payments}",
            "PAY_CONTROL": f"http://127.0.0.1:{self.control}",
            "PAY_KEY": PAY_KEY,
            "DB_ADDR": address_of(settings.database, "stage.database"),
            "CACHE_ADDR": address_of(settings.cache, "stage.cache"),
            "IDENTITY_ADDR": f"127.0.0.1:{self.identity}" if settings.with_identity else "",
            "STAGE": self.stage,
        }


def dependencies(settings: Settings) -> dict[str, bool]:
    """Of what may stand behind a link: its variable, and whether this stage has it."""
    return {
        "DB_ADDR": bool(settings.database),
        "CACHE_ADDR": bool(settings.cache),
        "IDENTITY_ADDR": settings.with_identity,
    }


def address_of(url: str, where: str) -> str:
    """The `host:port` that a database's or cache's URL leads to; empty for no URL. UsageError where it has none."""
    if not url:
        return ""
    parts = _split(url, where)
    return f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"


def through(url: str, listen: str) -> str:
    """The same URL, user, password, path and all, but led to `listen` (host:port): the link in front of it."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{listen}"))


def _split(url: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError("not a URL", where=where, hint="try postgresql://user@host:5432/name") from error
    if parts.scheme not in _PORTS:
        hint = f"it begins with one of {', '.join(f'{scheme}://' for scheme in _PORTS)}"
        raise UsageError("not a URL of a database or cache that the shop knows", where=where, hint=hint)
    if not parts.hostname or "," in parts.netloc or "host=" in parts.query or ":" in parts.hostname:
        raise UsageError(
            "does not lead to one host and port, so no link can stand before it",
            where=where,
            hint="name one host by name or IPv4 address; a UNIX socket or a list of hosts cannot be proxied",
        )
    return parts

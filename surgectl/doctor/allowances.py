"""May every host be stormed that the journey would be played on?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from surgectl.doctor.checkup import Checkup
from surgectl.engine.guard import Permit, guard
from surgectl.errors import RefusedError, UsageError
from surgectl.profile.target import Target


def stormed(target: Target) -> dict[str, str]:
    """Where fans would go: path in the target → address. Addresses that a reply supplies are asked about in the run."""
    found = {"base_url": target.base_url}
    found |= {f"origins.{name}": url for name, url in target.origins.items()}
    for block in ("journey", "flows", "probes"):
        for path, url in _written(msgspec.to_builtins(getattr(target, block), str_keys=True, enc_hook=str), block):
            if not any(_place(url) == _place(known) for known in found.values()):
                found[path] = url
    return found


def _written(part: Any, path: str) -> Iterator[tuple[str, str]]:
    """Whole addresses that stand in a request of the journey itself."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from _written(item, f"{path}[{number}]")
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("get", "post", "put", "patch", "delete", "head", "sse", "ws") and isinstance(value, str):
                # A host that is a variable is known in the run only, and judged there.
                if value.startswith(("http://", "https://")) and "{" not in value.split("/")[2]:
                    yield f"{path}.{key}", value
            elif key not in ("json", "form", "headers", "query"):
                yield from _written(value, f"{path}.{key}")


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


async def look_at_allowances(target: Target) -> list[Checkup]:
    """Each host by the guard that a run asks (engine/guard.py): loopback, or named in `allow`. Sends nothing."""
    found: list[Checkup] = []
    known: set[str] = set()
    for where, url in stormed(target).items():
        said, fix, well = f"{_shown(url)} may be stormed", "", True
        try:
            permit = await guard([url], target.allow)
            known |= permit.hosts if where == "base_url" or where.startswith("origins.") else set()
            if not Permit(frozenset(known))(urlsplit(url).hostname or ""):
                said = f"{_shown(url)} is allowed, but no origin: a run sends to base_url and origins alone"
                fix, well = f"origins: {{other: {_shown(url)}}}, and origin: other at the step", False
        except (RefusedError, UsageError) as error:
            said, fix, well = error.what, error.hint or "", False
        found.append(
            Checkup(part="allow", name=where, verdict="pass" if well else "fail", what=said, where=where, fix=fix)
        )
    return found


def _shown(url: str) -> str:
    """Host and port alone: the rest may hold what must not be shown."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

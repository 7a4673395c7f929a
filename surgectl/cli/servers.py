"""Where each step of a target goes, as far as the file itself says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from surgectl.outlets.otlp import Server
from surgectl.text import one_line

_METHODS = ("get", "post", "put", "patch", "delete", "head")


def servers_of(target_file: Mapping[str, Any]) -> dict[str, Server]:
    """Step → where it is sent to; left out is a step that follows a link which the shop gave."""
    found: dict[str, Server] = {}
    flows: Mapping[str, Any] = target_file.get("flows") or {}
    for step in [*(target_file.get("journey") or ()), *(step for flow in flows.values() for step in flow or ())]:
        if not isinstance(step, dict):
            continue
        request = step if any(step.get(method) for method in _METHODS) else step.get("poll") or {}
        path = next((request[method] for method in _METHODS if request.get(method)), "{")
        origin = request.get("origin")
        base = target_file.get("base_url") if origin is None else (target_file.get("origins") or {}).get(origin)
        method = next((method.upper() for method in _METHODS if request.get(method)), "")
        server = None if path.startswith("{") else _server(path if "://" in path else base, method)
        if server is not None:
            found[step["step"]] = server
    return found


def _server(url: Any, method: str) -> Server | None:
    try:
        parts = urlsplit(str(url))
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return None
    return Server(one_line(parts.hostname, 100), port, method) if parts.hostname else None

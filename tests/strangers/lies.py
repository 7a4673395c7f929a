"""How a kiosk's books can be wrong about themselves: the ways a page of rows lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web


def tell(lie: str, kind: str, rows: list[dict[str, Any]], query: Mapping[str, str], turn: int) -> web.Response:
    """One page of a kind, as this lie tells it. Two kinds may lie at once, so that one visit tries both."""
    offset, limit = int(query.get("offset", 0)), int(query.get("limit", 1000))
    total = len(rows)
    if lie == "down" and kind == "orders":
        return web.json_response({"error": "out of memory"}, status=500)
    if lie == "pages" and kind == "tickets":
        offset = 0
    if lie == "pages" and kind == "holds":
        total += 7
    if lie == "words" and kind == "orders":
        rows = [{**row, "state": "on-tour"} if n == 3 else row for n, row in enumerate(rows)]
    if lie == "words" and kind == "stock":
        rows = [{**row, "available": "enough"} for row in rows]
    if lie == "restless" and kind == "orders":
        rows = [{**row, "qty": row["qty"] + turn} if n == 0 else row for n, row in enumerate(rows)]
    return web.json_response({"total": total, "rows": rows[offset : offset + limit]})

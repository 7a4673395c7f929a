"""wrk: one thread, a fresh key per request from Lua."""

from __future__ import annotations

import re

from benchmarks.client.peers.peer import BODY, COOKIE, JOURNEYS, KEY, Asked, Peer, Started, find_binary, said

_REQUESTS = re.compile(r"^\s*(\d+) requests in ", re.MULTILINE)
_SPOILT = re.compile(r"^\s*Non-2xx or 3xx responses: (\d+)", re.MULTILINE)


class Wrk(Peer):
    """The yardstick of what C can do: it looks at nothing but the status line."""

    name = "wrk"
    install = "apt-get install wrk (Debian)"
    lacks = "reads no answers (no extraction, no rules) and keeps no cookie: it sends a fixed one"
    way = "-t1, request() in Lua"

    def find(self) -> str | None:
        binary = find_binary("wrk")
        return (re.search(r"wrk \S+", said(binary, "-v")) or ["wrk"])[0] if binary else None

    def start(self, asked: Asked) -> Started:
        words = [find_binary("wrk") or "wrk", "-t1", f"-c{asked.connections}", f"-d{asked.seconds}s"]
        environ = {"BENCH_BODY": BODY, "BENCH_COOKIE": COOKIE, "BENCH_KEY": KEY}
        return Started(words=[*words, "-s", str(JOURNEYS / "order_wrk.lua"), f"{asked.url}/orders"], environ=environ)

    def counted(self, output: str, asked: Asked) -> int | None:
        requests, spoilt = _REQUESTS.search(output), _SPOILT.search(output)
        return int(requests[1]) - (int(spoilt[1]) if spoilt else 0) if requests else None

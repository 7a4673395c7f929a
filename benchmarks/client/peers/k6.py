"""k6: a virtual user per connection, in JavaScript."""

from __future__ import annotations

import re

from benchmarks.client.peers.peer import JOURNEYS, Asked, Peer, Started, find_binary, said

_REQUESTS = re.compile(r"^\s*http_reqs\.*:\s*(\d+)", re.MULTILINE)
_FAILED = re.compile(r"^\s*http_req_failed\.*:\s*[\d.]+%\s+(\d+) out of", re.MULTILINE)
_STRAY = re.compile(r"^\s*no_rule\.*:\s*(\d+)", re.MULTILINE)


class K6(Peer):
    """http.post, json(), the jar kept from one iteration to the next; its statistics as they are by default."""

    name = "k6"
    install = "go install go.k6.io/k6@latest"
    way = "GOMAXPROCS=1, one virtual user per connection, noCookiesReset"

    def find(self) -> str | None:
        binary = find_binary("k6")
        return said(binary, "version").split("(")[0].strip() or "k6" if binary else None

    def start(self, asked: Asked) -> Started:
        words = [find_binary("k6") or "k6", "run", "--quiet", "--no-usage-report", "--address", "127.0.0.1:0"]
        words += ["--vus", str(asked.connections), "--duration", f"{asked.seconds}s", str(JOURNEYS / "order_k6.js")]
        return Started(words=words, environ={"GOMAXPROCS": "1", "BENCH_URL": asked.url})

    def counted(self, output: str, asked: Asked) -> int | None:
        requests = _REQUESTS.search(output)
        if requests is None:
            return None
        spoilt = [int(found[1]) for pattern in (_FAILED, _STRAY) if (found := pattern.search(output))]
        return int(requests[1]) - sum(spoilt)

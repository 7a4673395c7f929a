"""oha: as many workers as connections."""

from __future__ import annotations

import json

from benchmarks.client.peers.peer import BODY, COOKIE, KEY, Asked, Peer, Started, find_binary, said


class Oha(Peer):
    """Its terminal view off, its summary as JSON."""

    name = "oha"
    install = "cargo install oha --locked"
    lacks = "reads no answers, keeps no cookie, and has one key for all its requests: header values are constant"
    way = "one worker per connection, --no-tui"

    def find(self) -> str | None:
        binary = find_binary("oha")
        return said(binary, "--version").strip() or "oha" if binary else None

    def start(self, asked: Asked) -> Started:
        words = [find_binary("oha") or "oha", "--no-tui", "--output-format", "json", "-c", str(asked.connections)]
        words += ["-z", f"{asked.seconds}s", "-m", "POST", "-d", BODY, "-T", "application/json"]
        words += ["-H", f"Cookie: {COOKIE}", "-H", f"Idempotency-Key: {KEY}000000000000", f"{asked.url}/orders"]
        return Started(words=words)

    def counted(self, output: str, asked: Asked) -> int | None:
        begin = output.find("{")
        try:
            said_it = json.loads(output[begin:]) if begin >= 0 else None
        except ValueError:
            return None
        return int(said_it["statusCodeDistribution"].get("200", 0)) if said_it else None

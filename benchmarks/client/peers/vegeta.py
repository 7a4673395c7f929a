"""vegeta: as many workers as connections; targets read one by one, so that each has a fresh key."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.client.peers.peer import BODY, COOKIE, KEY, Asked, Peer, Started, find_binary, said

_AT_ONCE = 500


class _Report(msgspec.Struct):
    status_codes: dict[str, int] = {}


class Vegeta(Peer):
    """-rate=0 (as fast as it can), -lazy targets in JSON on stdin, the faster of its formats."""

    name = "vegeta"
    install = "go install github.com/tsenart/vegeta/v12@latest"
    lacks = "reads no answers (no extraction, no rules) and keeps no cookie: it sends a fixed one"
    way = "GOMAXPROCS=1, -lazy, -max-body=0"

    def find(self) -> str | None:
        binary = find_binary("vegeta")
        if binary is None:
            return None
        # `go install` leaves its own version field empty; the module's stands in the binary.
        built = re.search(r"mod\s+github.com/tsenart/vegeta\S*\s+(\S+)", said("go", "version", "-m", binary))
        version = re.search(r"Version:\s*(\S+)", said(binary, "-version"))
        found = built or (version if version and version[1] != "Commit:" else None)
        return f"vegeta {found[1]}" if found else "vegeta"

    def start(self, asked: Asked) -> Started:
        words = [find_binary("vegeta") or "vegeta", "attack", "-format=json", "-lazy", "-rate=0", "-http2=false"]
        words += [f"-{limit}={asked.connections}" for limit in ("workers", "max-workers")]
        words += [f"-{limit}={asked.connections}" for limit in ("connections", "max-connections")]
        words += [f"-duration={asked.seconds}s", "-max-body=0", f"-output={_results(asked)}"]
        return Started(words=words, environ={"GOMAXPROCS": "1"}, feed=_targets(asked.url))

    def counted(self, output: str, asked: Asked) -> int | None:
        report = said(find_binary("vegeta") or "vegeta", "report", "-type=json", str(_results(asked)))
        try:
            return msgspec.json.decode(report, type=_Report).status_codes.get("200", 0)
        except msgspec.DecodeError:
            return None


def _results(asked: Asked) -> Path:
    return asked.folder / "results.bin"


def _targets(url: str) -> Iterator[bytes]:
    body = base64.b64encode(BODY.encode()).decode()
    head = f'{{"method":"POST","url":"{url}/orders","body":"{body}",'
    head += f'"header":{{"Content-Type":["application/json"],"Cookie":["{COOKIE}"],'
    line = f'{head}"Idempotency-Key":["{KEY}%012x"]}}}}\n'
    for begin in itertools.count(0, _AT_ONCE):
        yield "".join([line % number for number in range(begin, begin + _AT_ONCE)]).encode()

"""A street of strange shops: each with a payment provider of its own, rehearsed by the real command line."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.toxiproxy_binary import free_port

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Visit:
    """One rehearsal of one shop."""

    name: str
    shop: str = "kiosk"
    options: tuple[str, ...] = ()
    """How the shop is started."""
    change: tuple[str, ...] = ()
    """`--set` for the profile or the target."""
    retries: str = ""
    """`fans:` of the profile, where others than brisk come."""
    expect: str = ""
    """`expect:` of the profile, where it is not the usual one."""

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> str:
        table = [f"{f['id']} {f['verdict']}: {f['summary']} | {f['reason']}" for f in self.report.get("invariants", [])]
        told = [
            e["what"] for f in self.report.get("invariants", []) if f["verdict"] == "fail" for e in f["examples"][:2]
        ]
        return "\n".join([f"exit {self.code}", *table, *told, self.report.get("headline", ""), self.err[-2500:]])

    def finding(self, name: str) -> dict[str, Any]:
        return next(f for f in self.report["invariants"] if f["id"] == name)

    @property
    def failed(self) -> set[str]:
        return {f["id"] for f in self.report["invariants"] if f["verdict"] == "fail"}


@contextmanager
def started(*command: object, log: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of ours, ended with the block."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ready_line(process: subprocess.Popen[str], within_s: float = 20) -> dict[str, Any]:
    assert process.stdout is not None
    seen, _, _ = select.select([process.stdout], [], [], within_s)
    line = process.stdout.readline() if seen else ""
    assert line, "the provider never said that it is ready"
    return json.loads(line)


def until_open(port: int, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.05)


def rehearse(visit: Visit, place: Path) -> Ended:
    """Start provider and shop, run the rehearsal to its end, and hand over what it said."""
    shop_port, link_port = free_port(), free_port()
    profile = place / "stranger.yaml"
    text = (HERE / "rehearsal.yaml").read_text()
    if visit.retries:
        text = text.replace("fans: {brisk: 100%}", f"fans: {visit.retries}")
    if visit.expect:
        text = text.partition("expect:")[0] + visit.expect
    profile.write_text(text)
    (place / "fans").symlink_to(HERE / "fans")
    till = (
        "-m",
        "surgectl",
        "stage",
        "payments",
        "--listen",
        "127.0.0.1:0",
        "--control",
        "127.0.0.1:0",
        "--latency",
        "10ms",
    )
    shop = ("-m", f"tests.strangers.{visit.shop}", "--port", shop_port, "--pay", f"http://127.0.0.1:{link_port}")
    db = place / "shop.sqlite"
    with started(*till, log=place / "till.log") as provider:
        pay = ready_line(provider)["url"]
        with started(*shop, "--db", db, *visit.options, log=place / "shop.log"):
            until_open(shop_port)
            sets = [
                f"SHOP_URL=http://127.0.0.1:{shop_port}",
                f"SHOP_DSN=sqlite:///{db}",
                f"PAY_URL={pay}",
                f"PAY_ADDR={pay.removeprefix('http://')}",
                f"PAY_LINK=127.0.0.1:{link_port}",
                *visit.change,
            ]
            done = subprocess.run(
                [sys.executable, "-m", "surgectl", "run", profile, "--target", HERE / f"{visit.shop}.yaml"]
                + ["--embedded-proxy", "--json", "--no-tui", "--reports", place / "reports"]
                + [word for each in sets for word in ("--set", each)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                cwd=ROOT,
                env={k: v for k, v in os.environ.items() if not k.startswith("SURGECTL_")},
                check=False,
            )
    report = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr, report=report)

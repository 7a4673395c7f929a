"""A shop of somebody else's that the fans reach through a link which breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.rehearsal.acting import DRILL, HERE, Ended, command, environment, surgectl, with_folder
from tests.toxiproxy_binary import free_port

BOXOFFICE = HERE.parent.parent / "profiles" / "targets" / "boxoffice.yaml"


@contextmanager
def standing(*arguments: object) -> Iterator[dict[str, str]]:
    """A `surgectl stage` part, up for the length of the block; what it said when it was ready."""
    process = subprocess.Popen(
        command("stage", *arguments, "--until-stdin-closes"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def script(file: Path, *arguments: object) -> Iterator[dict[str, str]]:
    """A Python program that says one JSON line when it is ready and ends with its standard input."""
    process = subprocess.Popen(
        [sys.executable, str(file), *(str(argument) for argument in arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(HERE.parent.parent)},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def behind_a_broken_front(name: str) -> Callable[[Path], Ended]:
    """The box office, put up by us, known to the run only as a URL; its front door is the link that breaks."""

    def perform(place: Path) -> Ended:
        pay, control, shop, door = (free_port() for _ in range(4))
        target = yaml.safe_load(BOXOFFICE.read_text())
        del target["stage"]
        target |= {"name": "stranger", "base_url": f"http://127.0.0.1:{door}"}
        target["links"] = {"front": {"upstream": f"127.0.0.1:{shop}", "listen": f"127.0.0.1:{door}"}}
        target["timeout"] = "700ms"
        (place / "stranger.yaml").write_text(yaml.safe_dump(target, sort_keys=False))
        profile = yaml.safe_load(DRILL.read_text())
        profile |= {
            "target": "./stranger.yaml",
            "fans": {"brisk": "40%", "twice": "30%", "tabs": "20%", "quits": "10%"},
        }
        profile["chaos"][0] |= {"link": "front", "brownout": name, "toxicity": "100%"}
        # The pages stand behind the very door that is broken: that they cannot be reached is not the sale's doing.
        profile["expect"] = {
            "invariants": {"require": ["OVERSELL", "DUPCHARGE"]},
            "statistics": {"BULKHEAD": "off"},
        }
        (place / "front.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
        (place / "fans").symlink_to(HERE / "fans")
        books = place / "books"
        with (
            standing(
                "payments", "--listen", f"127.0.0.1:{pay}", "--control", f"127.0.0.1:{control}", "--latency", "10ms"
            ),
            standing(
                *("shop", "--listen", f"127.0.0.1:{shop}", "--payments-url", f"http://127.0.0.1:{pay}"),
                *("--data", books, "--capacity", 76, "--price", "25.00 EUR", "--limit", 4, "--hold-ttl", "1500ms"),
                *("--payment-timeout", "300ms", "--payment-tries", 2, "--reconcile-every", "150ms"),
                *("--payment-deadline", "3s", "--late-refunds", "600ms", "--admission-per-s", 200),
            ),
        ):
            variables = {
                "SHOP_URL": f"http://127.0.0.1:{door}",
                "PAY_URL": f"http://127.0.0.1:{pay}",
                "PAY_ADDR": f"127.0.0.1:{pay}",
                "PAY_CONTROL": f"http://127.0.0.1:{control}",
                "PAY_KEY": "sk_test_stage",
            }
            ended = surgectl(
                *("run", place / "front.yaml", "--reports", place / "reports", "--embedded-proxy"),
                env=environment(**variables),
            )
        return with_folder(ended, place / "reports", log=books / "requests.jsonl")

    return perform

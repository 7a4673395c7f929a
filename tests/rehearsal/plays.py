"""The rehearsals of the built-in shop that several tests look at."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surgectl.selftest.offences import OFFENCES
from tests.rehearsal.acting import Ended, environment, rehearse
from tests.rehearsal.programme import Play
from tests.toxiproxy_binary import NOT_FOUND, find_toxiproxy, running_toxiproxy

BROWNOUTS = ("slow", "lost-reply", "lost-request", "reset", "truncate", "trickle", "down", "flap")


def original() -> Path:
    """The original Toxiproxy's binary; skips where this machine has none."""
    binary = find_toxiproxy()
    if binary is None:
        pytest.skip(NOT_FOUND)
    return binary


def with_original_on_path(place: Path) -> dict[str, str]:
    """An environment in which `toxiproxy-server` is found."""
    folder = place / "bin"
    folder.mkdir()
    (folder / "toxiproxy-server").symlink_to(original())
    env = environment()
    return {**env, "PATH": f"{folder}:{env['PATH']}"}


def through(proxy: str, *arguments: object) -> Callable[[Path], Ended]:
    """The drill through the embedded proxy, or through the original one."""

    def perform(place: Path) -> Ended:
        if proxy == "embedded":
            return rehearse(place / "reports", "--embedded-proxy", *arguments)
        return rehearse(place / "reports", *arguments, env=with_original_on_path(place))

    return perform


def ask(url: str, method: str = "GET", body: object = None) -> Any:
    """One call of a Toxiproxy's API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"User-Agent": "surgectl-test"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        said = reply.read()
    return json.loads(said) if said else None


def through_a_given_server(*arguments: object) -> Callable[[Path], Ended]:
    """The drill through a Toxiproxy that was there before; notes what it shows afterwards."""

    def perform(place: Path) -> Ended:
        with running_toxiproxy(original()) as url:
            ended = rehearse(place / "reports", "--toxiproxy", url, *arguments)
            ended.extra["proxies"] = ask(f"{url}/proxies")
        return ended

    return perform


def brownout(name: str, proxy: str) -> Play:
    """The drill with a correct shop and this brownout."""
    return Play(f"{name}-{proxy}", through(proxy, "--set", f"chaos[0].brownout={name}"))


def defect(name: str, proxy: str) -> Play:
    """The drill with a shop that is wrong in this way, under lost replies. What the defect needs in order to show is
    required, as `surgectl selftest` requires it: a run in which it did not happen ends 12, never 0."""
    needed = next(offence.coverage for offence in OFFENCES if offence.defect == name)
    demands = [word for what, least in needed.items() for word in ("--set", f"expect.coverage.{what}={least}")]
    return Play(f"{name}-{proxy}", through(proxy, "--defect", name, *demands))

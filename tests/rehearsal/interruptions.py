"""Rehearsals that are cut short: by a signal, by two, by a kill -9."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.rehearsal.acting import Ended, Underway, descendants, gone_within, run_folder, surgectl, underway
from tests.rehearsal.plays import ask, original
from tests.rehearsal.programme import Play
from tests.toxiproxy_binary import running_toxiproxy

LINK = "surgectl-payments"


def signalled(name: str, number: signal.Signals, *arguments: object, given: bool) -> Play:
    """One signal in the middle of a brownout; on a given server, what it shows afterwards is noted."""

    def perform(place: Path) -> Ended:
        with _server(given) as url, underway(place, *_where(url), *arguments) as run:
            run.until_broken()
            children = run.children()
            os.kill(run.process.pid, number)
            return run.ended(children=children, left=gone_within(children), proxies=_shown(url))

    return Play(name, perform)


def twice(name: str, *arguments: object) -> Play:
    """Two signals in the middle of a brownout, the second while the first is being obeyed."""

    def perform(place: Path) -> Ended:
        with _server(True) as url, underway(place, *_where(url), *arguments) as run:
            run.until_broken()
            children = run.children()
            before = _shown(url)
            os.kill(run.process.pid, signal.SIGINT)
            time.sleep(0.05)  # two signals at once are one
            os.kill(run.process.pid, signal.SIGINT)
            return run.ended(children=children, left=gone_within(children), before=before, proxies=_shown(url))

    return Play(name, perform)


def before_the_storm(name: str) -> Play:
    """A signal while the stage is still being put up."""

    def perform(place: Path) -> Ended:
        with underway(place, "--embedded-proxy") as run:
            run.until("the stage was being put up", lambda: len(run.children()) > 1)
            children = run.children()
            os.kill(run.process.pid, signal.SIGINT)
            return run.ended(children=children, left=gone_within(children))

    return Play(name, perform)


def while_waiting(name: str) -> Play:
    """A signal an hour before `--start-at`."""

    def perform(place: Path) -> Ended:
        soon = datetime.now(UTC) + timedelta(hours=1)
        with underway(place, "--embedded-proxy", "--start-at", soon.isoformat()) as run:
            run.until("it waited", lambda: list(run.reports.glob("*/latest/vitals.jsonl")))
            children = run.children()
            os.kill(run.process.pid, signal.SIGINT)
            return run.ended(children=children, left=gone_within(children))

    return Play(name, perform)


def without_a_server(name: str) -> Play:
    """The given Toxiproxy dies in the middle of a brownout, and the link with it."""

    def perform(place: Path) -> Ended:
        with running_toxiproxy(original()) as url, underway(place, "--toxiproxy", url) as run:
            run.until_broken()
            os.kill(_listener(url), signal.SIGKILL)
            return run.ended()

    return Play(name, perform)


def _listener(url: str) -> int:
    """The Toxiproxy that we started at that port, by its own arguments."""
    port = url.rpartition(":")[2]
    mine = descendants(os.getpid())
    return next(pid for pid, line in mine.items() if line.split()[-2:] == ["-port", port])


def killed(name: str, *arguments: object, heal: Callable[[Underway, str], list[object]] | None = None) -> Play:
    """kill -9 in the middle of a brownout. With `heal`: on a given server that others use too, healed afterwards."""

    def perform(place: Path) -> Ended:
        with _server(heal is not None) as url, underway(place, *_where(url), *arguments) as run:
            run.until_broken()
            children = run.children()
            if url is not None:
                _others(url)
            os.kill(run.process.pid, signal.SIGKILL)
            ended = run.ended(children=children, left=gone_within(children), broken=_shown(url))
            if url is not None and heal is not None:
                ended.extra["healing"] = surgectl("chaos", "heal", *heal(run, url))
                ended.extra["proxies"] = _shown(url)
            ended.extra["audit"] = surgectl("audit", ended.path, "--json")
            return ended

    return Play(name, perform)


def by_reports(run: Underway, url: str) -> list[object]:
    return ["--reports", run.reports]


def by_folder(run: Underway, url: str) -> list[object]:
    return [run_folder(run.reports)]


def by_url(run: Underway, url: str) -> list[object]:
    return ["--toxiproxy", url]


@contextmanager
def _server(given: bool) -> Iterator[str | None]:
    if not given:
        yield None
        return
    with running_toxiproxy(original()) as url:
        yield url


def _where(url: str | None) -> list[object]:
    return ["--toxiproxy", url] if url else ["--embedded-proxy"]


def _shown(url: str | None) -> Any:
    return ask(f"{url}/proxies") if url else None


def _others(url: str) -> None:
    """What somebody else does on the same server: a toxic on our proxy, and a proxy of theirs, switched off."""
    slow = {"name": "theirs", "type": "latency", "stream": "downstream", "attributes": {"latency": 1}}
    ask(f"{url}/proxies/{LINK}/toxics", "POST", slow)
    ask(f"{url}/proxies", "POST", {"name": "theirs", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"})
    ask(f"{url}/proxies/theirs", "POST", {"enabled": False})

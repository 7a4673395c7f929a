"""A shop's own server while a test needs it, and by hand until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg

LATE_S = 120.0
"""So long a shop may take to answer for the first time, unless it is known to be slow."""


@contextlib.contextmanager
def standing(
    name: str,
    words: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    asks: Sequence[str],
    late_s: float = LATE_S,
) -> Iterator[None]:
    """A server started with these words, once each of the URLs was answered. RuntimeError where it does not come up."""
    with tempfile.TemporaryFile() as log:
        # In a session of its own, which ends as a whole: some shops leave children behind.
        process = subprocess.Popen(words, cwd=folder, env=dict(env), stdout=log, stderr=log, start_new_session=True)
        try:
            deadline = time.monotonic() + late_s
            for url in asks:
                _ask(name, url, process, deadline)
            yield
        finally:
            _end(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            _end(process.pid, signal.SIGKILL)
            process.wait()


def database_of(dsn: str) -> str:
    """What a shop's books stand in, as a fact for its verdict: `PostgreSQL 15.18`."""
    with psycopg.connect(dsn) as books:
        version = books.info.parameter_status("server_version") or "of unknown version"
    return f"PostgreSQL {version.split()[0]}"


def _end(session: int, by: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, by)


def _ask(name: str, url: str, process: subprocess.Popen[bytes], deadline: float) -> None:
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start") from None
            time.sleep(0.2)


def until_ctrl_c(url: str, profile: str, sets: Sequence[str], environment: Mapping[str, str]) -> None:
    """Say how to rehearse against it, and wait."""
    values = {**environment, **dict(word.split("=", 1) for word in sets[1::2])}
    values.pop("SHOP_URL", None)  # what comes from the environment is shown nowhere, and where a shop is no secret
    said = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    again = f"surgectl run {profile} --set SHOP_URL={url}"
    print(f"{url}\n\nIn a second terminal:\n\nexport {said}\n{again}\n\nCtrl-C ends it.", flush=True)
    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell that starts us in the background lets us ignore Ctrl-C
        signal.signal(ending, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()

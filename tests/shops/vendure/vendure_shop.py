"""A real Vendure on loopback: installed from its registry, on a real PostgreSQL.

By hand: `python -m tests.shops.vendure.vendure_shop` puts one up and says how to rehearse against it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.servers import running_postgres
from tests.toxiproxy_binary import free_port

HERE = Path(__file__).parent
VERSION = "3.7.3"
_PACKAGE = {"name": "shop", "private": True, "dependencies": {"@vendure/core": VERSION, "pg": "^8"}}
_START_S = 120.0


class Vendure(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop is, and what its target file wants to know."""

    url: str
    dsn: str

    @property
    def sets(self) -> list[str]:
        """For `surgectl run`."""
        return ["--set", f"SHOP_URL={self.url}"]

    @property
    def environment(self) -> dict[str, str]:
        """For `surgectl run`, too."""
        return {"SHOP_DSN": self.dsn, "SHOP_VERSION": VERSION, "SHOP_DATABASE": "PostgreSQL"}


def installed(folder: Path) -> Path:
    """A folder with the shop in it; nothing to do where it is there. RuntimeError: no Node, or the registry is away."""
    if shutil.which("npm") is None:
        raise RuntimeError("npm not found (Node.js 20 or newer)")
    if not (folder / "whole").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps(_PACKAGE))
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"Vendure could not be installed: {done.stderr.strip().splitlines()[-1]}")
        (folder / "whole").touch()
    shutil.copy(HERE / "server.js", folder / "server.js")
    return folder


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Vendure]:
    """The shop on a fresh PostgreSQL, its schema made and its API answering."""
    with running_postgres() as dsn, tempfile.TemporaryFile() as log:
        port = free_port()
        environment = {**os.environ, "PORT": str(port), "VENDURE_DATABASE_URL": dsn}
        process = subprocess.Popen(["node", "server.js"], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            shop = Vendure(url=f"http://127.0.0.1:{port}", dsn=dsn)
            _await(shop.url + "/health", process)
            yield shop
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Vendure did not start") from None
            time.sleep(0.3)


def main() -> None:
    """Put one up until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "surgectl-vendure")
    options = parser.parse_args()
    with running(installed(options.folder)) as shop:
        said = " ".join(f"{name}={value}" for name, value in shop.environment.items())
        print(f"{shop.url}\n\n{said} surgectl run vendure {' '.join(shop.sets)}\n\nCtrl-C ends it.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    sys.exit(main())

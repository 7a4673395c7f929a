"""A real django-oscar on loopback: installed from its registry, on a real PostgreSQL, with so many workers.

By hand: `python -m tests.shops.oscar.oscar_shop --workers 4` puts one up and says how to rehearse against it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.servers import running_postgres
from tests.toxiproxy_binary import free_port

HERE = Path(__file__).parent
PACKAGES = ("django-oscar==4.2.1", "sorl-thumbnail==13.0.0", "psycopg2-binary>=2.9", "gunicorn>=23")
_START_S = 60.0


class Oscar(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop is, and what its target file wants to know."""

    url: str
    dsn: str
    python: str
    workers: int

    @property
    def sets(self) -> list[str]:
        """For `surgectl run`."""
        values = {"SHOP_URL": self.url, "SHOP_PYTHON": self.python, "SHOP_WORKERS": str(self.workers)}
        return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]

    @property
    def environment(self) -> dict[str, str]:
        """For `surgectl run`, too: its setup hook runs inside the shop, and the books are read from the database."""
        return {
            "SHOP_DSN": self.dsn,
            "SHOP_FOLDER": str(HERE),
            "OSCAR_DATABASE_URL": self.dsn,
            "DJANGO_SETTINGS_MODULE": "settings",
        }


def installed(folder: Path) -> Path:
    """A Python of its own with the shop in it; nothing to do where it is there. RuntimeError: the registry is away."""
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"django-oscar could not be installed: {done.stderr.strip().splitlines()[-1]}")
        (folder / "whole").touch()
    return python


@contextlib.contextmanager
def database(python: Path) -> Iterator[str]:
    """A fresh PostgreSQL with the shop's tables → its URL."""
    with running_postgres() as url:
        words = [str(python), "-W", "ignore", "-m", "django", "migrate", "--pythonpath", str(HERE), "-v", "0"]
        subprocess.run(words, check=True, env=_env(url), cwd=HERE)
        yield url


@contextlib.contextmanager
def running(python: Path, url: str, workers: int) -> Iterator[Oscar]:
    """The shop, warm: every worker has answered before the first fan comes."""
    port = free_port()
    words = [str(python), "-m", "gunicorn", "-w", str(workers), "-b", f"127.0.0.1:{port}", "--timeout", "120"]
    words += ["--no-control-socket", "--preload", "wsgi:application"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(words, env=_env(url), cwd=HERE, stdout=log, stderr=log)
        try:
            shop = Oscar(url=f"http://127.0.0.1:{port}", dsn=url, python=str(python), workers=workers)
            deadline = time.monotonic() + _START_S
            for _ in range(4 * workers):
                _ask(shop.url + "/checkout/", process, deadline)
            yield shop
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _ask(url: str, process: subprocess.Popen[bytes], deadline: float) -> None:
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("django-oscar did not start") from None
            time.sleep(0.2)


def _env(url: str) -> dict[str, str]:
    return {**os.environ, "OSCAR_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(HERE)}


def main() -> None:
    """Put one up until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "surgectl-oscar")
    options = parser.parse_args()
    python = installed(options.folder)
    with database(python) as url, running(python, url, options.workers) as shop:
        said = " ".join(f"{name}={value}" for name, value in shop.environment.items())
        print(f"{shop.url}\n\n{said} surgectl run oscar {' '.join(shop.sets)}\n\nCtrl-C ends it.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    sys.exit(main())

"""A real pretix on loopback: installed from its registry, on a real PostgreSQL and a real Redis, with so many workers.

By hand: `python -m tests.shops.pretix.pretix_shop --workers 4` puts one up and says how to rehearse against it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tests.servers import running_postgres, running_redis
from tests.shops.standing import standing, until_ctrl_c
from tests.toxiproxy_binary import free_port

VERSION = "2026.8.0"
PACKAGES = (f"pretix=={VERSION}", "gunicorn>=23")


class Pretix(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop is, and what its target file wants to know."""

    url: str
    dsn: str
    python: str
    workers: int
    settings: dict[str, str]
    """Its own PRETIX_… settings: its hooks run inside the shop."""

    @property
    def sets(self) -> list[str]:
        """For `surgectl run`."""
        values = {"SHOP_URL": self.url, "SHOP_PYTHON": self.python, "SHOP_WORKERS": str(self.workers)}
        return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]

    @property
    def environment(self) -> dict[str, str]:
        """For `surgectl run`, too."""
        return self.settings


def installed(folder: Path) -> Path:
    """A Python of its own with the shop in it; nothing to do where it is there. RuntimeError: the registry is away."""
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"pretix could not be installed: {done.stderr.strip().splitlines()[-1]}")
        (folder / "whole").touch()
    return python


@contextlib.contextmanager
def running(python: Path, workers: int) -> Iterator[Pretix]:
    """The shop on a fresh database, its pages warm and its tasks done by workers of their own, as in production.

    So an answer to a cart or an order is mostly "not ready yet", and where to ask again.
    """
    with (
        running_postgres() as dsn,
        running_redis() as redis,
        tempfile.TemporaryDirectory(prefix="surgectl-pretix-") as data,
    ):
        url = f"http://127.0.0.1:{free_port()}"
        settings = _settings(url, dsn, redis, data)
        env = {**os.environ, **settings, "PYTHONWARNINGS": "ignore"}
        folder = Path(data)
        subprocess.run([str(python), "-m", "pretix", "migrate", "-v", "0"], check=True, env=env, cwd=folder)
        shop = Pretix(url=url, dsn=dsn, python=str(python), workers=workers, settings=settings)
        pages = [str(python), "-m", "gunicorn", "-w", str(workers), "-b", urlsplit(url).netloc, "--timeout", "120"]
        pages += ["--no-control-socket", "--preload", "pretix.wsgi:application"]
        tasks = [str(python), "-m", "celery", "-A", "pretix.celery_app", "worker", "-c", str(workers), "-l", "warning"]
        asks = [url + "/healthcheck/"] * (4 * workers)
        with (
            standing("pretix", pages, folder=folder, env=env, asks=asks),
            standing("pretix's tasks", tasks, folder=folder, env=env, asks=[]),
        ):
            yield shop


def _settings(url: str, dsn: str, redis: str, data: str) -> dict[str, str]:
    database, store = urlsplit(dsn), redis.rpartition("/")[0]
    return {
        "DJANGO_SETTINGS_MODULE": "pretix.settings",
        "PRETIX_PRETIX_URL": url,
        "PRETIX_PRETIX_DATADIR": data,
        "PRETIX_PRETIX_ECB_RATES": "False",
        "PRETIX_DATABASE_BACKEND": "postgresql",
        "PRETIX_DATABASE_HOST": database.hostname or "",
        "PRETIX_DATABASE_PORT": str(database.port),
        "PRETIX_DATABASE_USER": database.username or "",
        "PRETIX_DATABASE_NAME": database.path.lstrip("/"),
        "PRETIX_REDIS_LOCATION": f"{store}/0",
        "PRETIX_CELERY_BROKER": f"{store}/1",
        "PRETIX_CELERY_BACKEND": f"{store}/2",
        "PRETIX_MAIL_HOST": "127.0.0.1",
        "PRETIX_MAIL_PORT": "1",  # nobody listens: no fan is mailed
    }


def main() -> None:
    """Put one up until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "surgectl-pretix")
    options = parser.parse_args()
    with running(installed(options.folder), options.workers) as shop:
        until_ctrl_c(shop.url, "pretix", shop.sets, shop.environment)


if __name__ == "__main__":
    sys.exit(main())

"""A real Medusa on loopback: installed from its registry, on a real PostgreSQL, with so many processes.

By hand: `python -m tests.shops.medusa.medusa_shop --workers 2` puts one up and says how to rehearse against it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.servers import running_postgres
from tests.shops import npm
from tests.shops.standing import database_of, standing, until_ctrl_c
from tests.toxiproxy_binary import free_port

HERE = Path(__file__).parent
VERSION = "2.21.2"
_NEEDS = {f"@medusajs/{name}": VERSION for name in ("medusa", "framework", "cli")}
LATE_S = 300.0
"""Each process loads some thousand modules first."""
ADMIN, PASSWORD = "admin@example.org", "rehearsal"


class Medusa(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop is, and what its target file wants to know."""

    url: str
    dsn: str
    database: str
    workers: int

    @property
    def sets(self) -> list[str]:
        """For `surgectl run`."""
        return ["--set", f"SHOP_URL={self.url}", "--set", f"SHOP_WORKERS={self.workers}"]

    @property
    def environment(self) -> dict[str, str]:
        """For `surgectl run`, too."""
        return {
            "SHOP_DSN": self.dsn,
            "SHOP_ADMIN": ADMIN,
            "SHOP_PASSWORD": PASSWORD,
            "SHOP_VERSION": VERSION,
            "SHOP_DATABASE": self.database,
        }


def installed(folder: Path) -> Path:
    """A folder with the shop in it; nothing to do where it is there. RuntimeError: no Node, or the registry is away."""
    npm.installed(folder, "Medusa", _NEEDS)
    shutil.copy(HERE / "medusa-config.js", folder / "medusa-config.js")
    return folder


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    """A fresh PostgreSQL with the shop's tables and its administrator → its URL."""
    with running_postgres() as url:
        for words in (["db:migrate", "--execute-all-links"], ["user", "-e", ADMIN, "-p", PASSWORD]):
            done = subprocess.run(_medusa(*words), cwd=folder, env=_env(url), capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"medusa {words[0]}: {(done.stderr or done.stdout).strip()[-400:]}")
        yield url


@contextlib.contextmanager
def running(folder: Path, url: str, workers: int) -> Iterator[Medusa]:
    """The shop, its API answering."""
    port = free_port()
    shop = Medusa(url=f"http://127.0.0.1:{port}", dsn=url, database=database_of(url), workers=workers)
    words = _medusa("start", "--host", "127.0.0.1", "--port", str(port))
    if workers > 1:
        words += ["--cluster", str(workers)]
    with standing(
        "Medusa", words, folder=folder, env=_env(url), asks=[shop.url + "/health"] * (4 * workers), late_s=LATE_S
    ):
        yield shop


def _medusa(*words: str) -> list[str]:
    return ["node", "node_modules/@medusajs/cli/cli.js", *words]


def _env(url: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": url, "NODE_ENV": "production", "MEDUSA_DISABLE_TELEMETRY": "true"}


def main() -> None:
    """Put one up until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "surgectl-medusa")
    options = parser.parse_args()
    folder = installed(options.folder)
    with database(folder) as url, running(folder, url, options.workers) as shop:
        until_ctrl_c(shop.url, "medusa", shop.sets, shop.environment)


if __name__ == "__main__":
    sys.exit(main())

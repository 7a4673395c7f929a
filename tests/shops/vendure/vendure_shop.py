"""A real Vendure on loopback: installed from its registry, on a real PostgreSQL.

By hand: `python -m tests.shops.vendure.vendure_shop` puts one up and says how to rehearse against it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
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
VERSION = "3.7.3"
_NEEDS = {"@vendure/core": VERSION, "pg": "^8"}


class Vendure(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop is, and what its target file wants to know."""

    url: str
    dsn: str
    database: str

    @property
    def sets(self) -> list[str]:
        """For `surgectl run`."""
        return ["--set", f"SHOP_URL={self.url}"]

    @property
    def environment(self) -> dict[str, str]:
        """For `surgectl run`, too."""
        return {"SHOP_DSN": self.dsn, "SHOP_VERSION": VERSION, "SHOP_DATABASE": self.database}


def installed(folder: Path) -> Path:
    """A folder with the shop in it; nothing to do where it is there. RuntimeError: no Node, or the registry is away."""
    npm.installed(folder, "Vendure", _NEEDS, flags=["--omit=optional"])
    shutil.copy(HERE / "server.js", folder / "server.js")
    return folder


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Vendure]:
    """The shop on a fresh PostgreSQL, its schema made and its API answering."""
    with running_postgres() as dsn:
        port = free_port()
        shop = Vendure(url=f"http://127.0.0.1:{port}", dsn=dsn, database=database_of(dsn))
        environment = {**os.environ, "PORT": str(port), "VENDURE_DATABASE_URL": dsn}
        asks = [shop.url + "/health"]
        with standing("Vendure", ["node", "server.js"], folder=folder, env=environment, asks=asks):
            yield shop


def main() -> None:
    """Put one up until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "surgectl-vendure")
    options = parser.parse_args()
    with running(installed(options.folder)) as shop:
        until_ctrl_c(shop.url, "vendure", shop.sets, shop.environment)


if __name__ == "__main__":
    sys.exit(main())

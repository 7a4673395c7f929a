"""A real EverShop on loopback: installed from its registry, on a real PostgreSQL.

By hand: `python -m tests.shops.evershop.evershop_shop` puts one up and says how to rehearse against it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tests.servers import running_postgres
from tests.shops import npm
from tests.shops.standing import database_of, standing, until_ctrl_c
from tests.toxiproxy_binary import free_port

VERSION = "2.2.1"
_NEEDS = {"@evershop/evershop": VERSION, "concat-stream": "^2"}
"""It imports concat-stream without saying so."""
_PROGRAM = "node_modules/@evershop/evershop/dist/bin/evershop.js"
_ADMIN = {"SHOP_ADMIN": "box@example.org", "SHOP_PASSWORD": "box-office-1"}


class EverShop(msgspec.Struct, frozen=True, kw_only=True):
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
        return {"SHOP_DSN": self.dsn, "SHOP_VERSION": VERSION, "SHOP_DATABASE": self.database, **_ADMIN}


def installed(folder: Path) -> Path:
    """A folder with the shop in it, its pages built; nothing to do where it is there. RuntimeError: it cannot be."""
    return npm.installed(folder, "EverShop", _NEEDS, more={"type": "module"}, then=_built)


def _built(folder: Path) -> None:
    for name in ("config", "media", "public", "themes", "extensions"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "config/default.json").write_text(json.dumps({"shop": {"language": "en", "timezone": "UTC"}}))
    npm.done(["node", "--max-old-space-size=2048", _PROGRAM, "build"], folder, "EverShop could not be built")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[EverShop]:
    """The shop on a fresh PostgreSQL, its tables made, an administrator in it, and its pages answering."""
    with running_postgres() as dsn:
        port = free_port()
        shop = EverShop(url=f"http://127.0.0.1:{port}", dsn=dsn, database=database_of(dsn))
        there = urlsplit(dsn)
        env = {**os.environ, "PORT": str(port), "DB_HOST": str(there.hostname), "DB_PORT": str(there.port)}
        env |= {"DB_USER": str(there.username), "DB_NAME": there.path[1:], "DB_PASSWORD": "", "DB_SSLMODE": "disable"}
        env |= {"NODE_CONFIG": json.dumps({"shop": {"homeUrl": shop.url}})}  # its pages call it by this name
        secrets = ("ADMIN", "ADMIN_REFRESH", "CUSTOMER", "CUSTOMER_REFRESH")
        env |= {f"JWT_{who}_SECRET": f"{who}-of-a-rehearsal" for who in secrets}
        with standing("EverShop", ["node", _PROGRAM, "start"], folder=folder, env=env, asks=[shop.url + "/"]):
            words = ["node", _PROGRAM, "user:create", "--name", "Box Office"]
            words += ["--email", _ADMIN["SHOP_ADMIN"], "--password", _ADMIN["SHOP_PASSWORD"]]
            subprocess.run(words, cwd=folder, env=env, check=True, capture_output=True)
            yield shop


def main() -> None:
    """Put one up until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "surgectl-evershop")
    options = parser.parse_args()
    with running(installed(options.folder)) as shop:
        until_ctrl_c(shop.url, "evershop", shop.sets, shop.environment)


if __name__ == "__main__":
    sys.exit(main())

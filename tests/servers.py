"""Debian's own PostgreSQL, MariaDB and Redis, started for these tests on free ports, in folders of their own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.toxiproxy_binary import free_port

NO_POSTGRES = "PostgreSQL not found (apt-get install postgresql)"
NO_MARIADB = "mariadbd not found (apt-get install mariadb-server)"
NO_REDIS = "redis-server not found (apt-get install redis-server)"
"""Why a test is skipped."""

_START_S = 30.0


def find_postgres() -> Path | None:
    """The folder with `initdb` and `postgres`, or None. Debian keeps it off the PATH."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("postgres")
    return there[-1].parent if there else Path(on_path).resolve().parent if on_path else None


def find_mariadb() -> tuple[Path, Path] | None:
    """`mariadbd` and `mariadb-install-db`, or None. Debian keeps the server off most people's PATH."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec"
    server, maker = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
    return (Path(server), Path(maker)) if server and maker else None


def find_redis() -> Path | None:
    """The server's binary, or None."""
    found = shutil.which("redis-server")
    return Path(found) if found else None


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """A fresh cluster on loopback → its URL. RuntimeError where it will not start.

    PostgreSQL refuses to run as root, so root hands it to Debian's user `postgres`.
    """
    bin_ = find_postgres()
    if bin_ is None:
        raise RuntimeError(NO_POSTGRES)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="surgectl-pg-") as place:
        user = _somebody(Path(place))
        data, log = f"{place}/data", Path(place) / "log"
        make = [str(bin_ / "initdb"), "-D", data, "-U", "surgectl", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=place, **user)
        # Nobody pulls this machine's plug in a test, so its disk need not be waited for.
        words = [
            "-D",
            data,
            "-p",
            str(port),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={place}",
        ]
        words += ["-c", "fsync=off", "-c", "max_connections=60"]
        with log.open("wb") as out:
            process = subprocess.Popen([str(bin_ / "postgres"), *words], stdout=out, stderr=out, cwd=place, **user)
        with _ended(process):
            ready = [
                str(bin_ / "pg_isready"),
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                str(port),
                "-U",
                "surgectl",
                "-d",
                "postgres",
            ]
            _await(lambda: subprocess.run(ready, check=False).returncode == 0, process, log)
            yield f"postgresql://surgectl@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def running_mariadb() -> Iterator[str]:
    """A fresh MariaDB on loopback with a database `shop` → its URL. RuntimeError where it will not start."""
    found = find_mariadb()
    if found is None:
        raise RuntimeError(NO_MARIADB)
    server, maker = found
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="surgectl-maria-") as place:
        user = _somebody(Path(place))
        data, log = f"{place}/data", Path(place) / "log"
        # Nothing of this machine's own configuration; as little to write as may be, nobody pulls the plug in a test.
        small = ["--no-defaults", f"--datadir={data}", "--innodb-log-file-size=4M", "--innodb-flush-method=nosync"]
        make = [str(maker), *small, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=place, **user)
        (Path(place) / "first.sql").write_text(
            "create database shop;\ncreate user surgectl@'127.0.0.1';\ngrant all on shop.* to surgectl@'127.0.0.1';\n"
        )
        words = [*small, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={place}/socket"]
        words += [f"--pid-file={place}/pid", f"--init-file={place}/first.sql", "--skip-name-resolve"]
        words += ["--innodb-buffer-pool-size=16M", "--skip-log-bin"]
        with log.open("wb") as out:
            process = subprocess.Popen([str(server), *words], stdout=out, stderr=out, cwd=place, **user)
        with _ended(process, signal.SIGTERM):
            _await(lambda: _greets(port), process, log)
            yield f"mariadb://surgectl@127.0.0.1:{port}/shop"


@contextlib.contextmanager
def running_redis() -> Iterator[str]:
    """A Redis that keeps nothing on disk → `redis://127.0.0.1:PORT/0`."""
    binary = find_redis()
    if binary is None:
        raise RuntimeError(NO_REDIS)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="surgectl-redis-") as place:
        log = Path(place) / "log"
        words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", place]
        with log.open("wb") as out:
            process = subprocess.Popen([str(binary), *words], stdout=out, stderr=out)
        with _ended(process):
            _await(lambda: _answers(port), process, log)
            yield f"redis://127.0.0.1:{port}/0"


def _somebody(place: Path) -> dict[str, object]:
    """Whom to run as, and their folder made theirs."""
    if os.geteuid() != 0:
        return {}
    them = pwd.getpwnam("postgres")
    os.chown(place, them.pw_uid, them.pw_gid)
    return {"user": them.pw_uid, "group": them.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGINT) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(by)  # PostgreSQL and Redis take SIGINT as: close what is open, and leave now
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as link:
            link.sendall(b"PING\r\n")
            return link.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _greets(port: int) -> bool:
    """MariaDB speaks first; it listens only once its first words have been obeyed."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as link:
            return b"mysql_native_password" in link.recv(256)
    except OSError:
        return False


def _await(up: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it did not come up: {log.read_text('utf-8', 'replace')[-800:]}")
        time.sleep(0.05)

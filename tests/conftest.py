"""What all tests share: the fast ones run first, the ones that start processes after."""

from __future__ import annotations

import compileall
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import surgectl
from tests.servers import (
    NO_MARIADB,
    NO_POSTGRES,
    NO_REDIS,
    find_mariadb,
    find_postgres,
    find_redis,
    running_mariadb,
    running_postgres,
    running_redis,
)
from tests.share import REHEARSALS, SALES, together


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """One PostgreSQL for all tests: each uses a schema of its own."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """One MariaDB for all tests: each uses tables of its own."""
    if find_mariadb() is None:
        pytest.skip(NO_MARIADB)
    with running_mariadb() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """One Redis for all tests: each uses a prefix of its own."""
    if find_redis() is None:
        pytest.skip(NO_REDIS)
    with running_redis() as url:
        yield url


def pytest_sessionstart(session: pytest.Session) -> None:
    """The tests start some thousand processes of ours. Where Python is told to write no bytecode
    (PYTHONDONTWRITEBYTECODE, as in many containers), each of them would compile all of it anew."""
    if sys.dont_write_bytecode and not hasattr(session.config, "workerinput"):
        compileall.compile_dir(Path(surgectl.__file__).parent, quiet=1)


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit and property tests first (a minute), then whatever is marked `real`. Rehearsals are `quiet`, all of them."""
    for item in items:
        if item.get_closest_marker("real") and together(item.nodeid) in (REHEARSALS, SALES):
            item.add_marker(pytest.mark.quiet)
    items.sort(key=lambda item: item.get_closest_marker("real") is not None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """`--dist loadgroup`: what belongs together (tests/share.py) goes to one process, the largest groups first."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid) or nodeid

    return Together(config, log)

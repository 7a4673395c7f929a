"""All visits that the collected tests need, four at a time: a rehearsal mostly waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.strangers.street import Ended, Visit, rehearse

AT_ONCE = 4


def visits_of(item: pytest.Item) -> list[Visit]:
    params = getattr(getattr(item, "callspec", None), "params", {})
    return [value for value in params.values() if isinstance(value, Visit)]


@pytest.fixture(scope="session")
def street(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Visit], Ended]]:
    """Begins every visit of the session, and awaits the one that is asked for."""
    place = tmp_path_factory.mktemp("street")
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="visit")
    begun: dict[str, Future[Ended]] = {}

    def begin(visit: Visit) -> Future[Ended]:
        if visit.name not in begun:
            folder = place / visit.name
            folder.mkdir()
            begun[visit.name] = pool.submit(rehearse, visit, folder)
        return begun[visit.name]

    for item in request.session.items:
        for visit in visits_of(item):
            begin(visit)
    yield lambda visit: begin(visit).result()
    pool.shutdown(wait=True, cancel_futures=True)


@pytest.fixture
def ended(request: pytest.FixtureRequest, street: Callable[[Visit], Ended]) -> Ended:
    """`@pytest.mark.parametrize("ended", [visit], indirect=True)`"""
    return street(request.param)

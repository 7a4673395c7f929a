"""One programme for all tests of the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rehearsal.acting import Ended
from tests.rehearsal.programme import Play, Programme, plays_of


@pytest.fixture(scope="session")
def programme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programme]:
    """Nothing is played before a test asks for a play."""
    programme = Programme(tmp_path_factory.mktemp("plays"))
    yield programme
    programme.close()


@pytest.fixture
def played(request: pytest.FixtureRequest, programme: Programme) -> Ended:
    """The play that a test names: `@pytest.mark.parametrize("played", [play], indirect=True)`."""
    play: Play = request.param
    programme.start(plays_of(request.session.items))  # the first test starts what the later ones will need
    return programme.awaited(play)

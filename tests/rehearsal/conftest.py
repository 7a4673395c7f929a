"""One programme for all tests of the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rehearsal.acting import Ended
from tests.rehearsal.programme import Play, Programme, plays_of


@pytest.fixture(scope="session")
def programme(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programme]:
    """Started by the first test that needs it, with everything that the later ones will need."""
    programme = Programme(tmp_path_factory.mktemp("plays"))
    programme.start(plays_of(request.session.items))
    yield programme
    programme.close()


@pytest.fixture
def played(request: pytest.FixtureRequest, programme: Programme) -> Ended:
    """The play that a test names: `@pytest.mark.parametrize("played", [play], indirect=True)`."""
    play: Play = request.param
    return programme.awaited(play)

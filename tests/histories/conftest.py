"""The nights of one checker stay open while its histories and its mutants are played, and no longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.histories.playing import Evenings


@pytest.fixture(scope="session")
def evenings(request: pytest.FixtureRequest) -> Iterator[Evenings]:
    """Its parameter is the checker's id: pytest plays all tests of one before those of the next."""
    found = Evenings()
    yield found
    found.close()

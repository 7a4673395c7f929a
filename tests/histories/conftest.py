"""The nights of one checker stay open while its histories are played, and no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.histories.playing import Evenings, Module


@pytest.fixture(scope="session")
def evenings() -> Iterator[Callable[[Module], Evenings]]:
    """The nights of a checker's module: asked for another's, those before are closed."""
    now: list[tuple[str, Evenings]] = []

    def of(module: Module) -> Evenings:
        if not now or now[0][0] != module.name:
            leave()
            now.append((module.name, Evenings(history.night for _, history in module.histories())))
        return now[0][1]

    def leave() -> None:
        for _, found in now:
            found.close()
        now.clear()

    yield of
    leave()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is asked of one checker stands together: its nights are made once."""
    places, asked = [], []
    for place, item in enumerate(items):
        module = getattr(item, "callspec", None) and item.callspec.params.get("module")  # type: ignore[attr-defined]
        if isinstance(module, Module):
            places.append(place)
            asked.append((module.name, item))
    for place, (_, item) in zip(places, sorted(asked, key=lambda found: found[0]), strict=True):
        items[place] = item

"""What all tests share: the fast ones run first, the ones that start processes after."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit and property tests first (a minute), then whatever is marked `real`."""
    items.sort(key=lambda item: item.get_closest_marker("real") is not None)

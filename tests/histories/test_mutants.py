"""Whoever breaks a checker is caught by its histories: `python -m tests.histories.mutants` breaks them all.

That takes minutes of a core for each checker, so it is a command; survivors.txt lists what it found unseen. Here a few
of each checker are broken that bend what it convicts by.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from surgectl.audit.checkers.registry import CHECKERS
from tests.histories.breakages import sql_mutations
from tests.histories.mutants import known_survivors, score, trial
from tests.histories.playing import Evenings, Module, modules

CONVICTING = [
    pytest.param(module, id=module.checker)
    for module in modules()
    if module.checker in CHECKERS and not module.never_guilty
]


@pytest.mark.parametrize("module", CONVICTING)
def test_a_broken_checker_is_found_out(evenings: Callable[[Module], Evenings], module: Module) -> None:
    """Two of the conditions by which it convicts are broken in turn: its histories object each time."""
    found = score(module, trial(module, evenings(module), draw=2))
    assert found.made and found.survivors == []


@pytest.mark.parametrize("module", CONVICTING)
def test_no_breakage_of_what_convicts_is_known_to_pass_unseen(module: Module) -> None:
    """survivors.txt, which the whole trial writes, lists nothing that bends a conviction."""
    assert {survivor for survivor in known_survivors(module.checker) if survivor.startswith("!")} == set()


def test_a_query_is_broken_in_every_way() -> None:
    """Each comparison, connective, bound and conjunct of a query is broken, and nothing in quotes or comments."""
    query = "SELECT 'a > b' FROM t -- x = 1\nWHERE a > 1 AND (b IS NULL OR NOT c = 'x AND y')"
    broken = [text for _, _, text in sql_mutations(query)]
    assert all("'a > b'" in text and "-- x = 1" in text and "'x AND y'" in text for text in broken)
    for expected in (
        "a >= 1 AND (", "a <= 1", "a > 0", "a > 1 OR (", "b IS NOT NULL", "b IS NULL AND NOT", "OR  c = ", "c <> 'x",
        "WHERE (TRUE OR (a > 1)) AND", "(TRUE OR ((b IS NULL OR NOT c = 'x AND y')))",
    ):  # fmt: skip
        assert any(expected in text for text in broken), expected
    assert len(set(broken)) == len(broken)

"""Whoever breaks a checker is caught by its histories: a few breakages of each, drawn by a seed.

All of them: `python -m tests.histories.mutants`, whose table stands in docs/selftest.md.
"""

from __future__ import annotations

import inspect

import pytest

from surgectl.audit.checkers.registry import CHECKERS
from tests.histories.mutants import known_survivors, mutants_of, score, sql_mutations, trial
from tests.histories.playing import Evenings, Module, modules

DRAWN = 5
SEED = 20_301_122
FLOOR, FLOOR_OF_ONE = 0.85, 0.70
TRIED = [pytest.param(module.checker, module, id=module.checker) for module in modules() if module.checker in CHECKERS]


@pytest.mark.parametrize("evenings, module", TRIED, indirect=["evenings"])
def test_a_broken_checker_is_noticed(evenings: Evenings, module: Module) -> None:
    """A checker with one comparison turned, one condition dropped or one number changed judges a history wrongly; what
    it convicts by first of all."""
    found = score(module, trial(module, evenings, DRAWN, SEED))
    assert found.made + found.equivalent + found.stillborn > 0
    assert set(found.survivors) <= known_survivors(module.checker)


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


def test_few_survive() -> None:
    """Of what a checker convicts by, nothing can be broken unseen; of the rest, little."""
    made, alive = {}, {}
    for param in TRIED:
        module = param.values[1]
        assert isinstance(module, Module)
        source = inspect.getmodule(CHECKERS[module.checker])
        assert source is not None
        made[module.checker] = len(mutants_of(source)) - len(module.equivalent)
        alive[module.checker] = known_survivors(module.checker)
    rates = {checker: 1 - len(alive[checker]) / made[checker] for checker in made}
    assert {checker: rate for checker, rate in rates.items() if rate < FLOOR_OF_ONE} == {}
    assert 1 - sum(map(len, alive.values())) / sum(made.values()) >= FLOOR
    assert {checker: names for checker, names in alive.items() if any(name.startswith("!") for name in names)} == {}

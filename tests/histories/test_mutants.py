"""Whoever breaks a checker is caught by its histories: `python -m tests.histories.mutants` breaks them all.

That takes minutes of a core for each checker, so it is a command; survivors.txt lists what it found unseen. Here stands
only that the breakages themselves are what they say.
"""

from __future__ import annotations

from tests.histories.mutants import sql_mutations


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

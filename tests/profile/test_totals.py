"""Totals that an authority keeps: what a target may say of them."""

from __future__ import annotations

import pytest

from surgectl.profile.check_target import _totals
from surgectl.profile.source import Http, Totals
from surgectl.profile.step import Step
from surgectl.profile.target import Target

TARGET = Target(
    surgectl_target=1, name="t", base_url="http://shop.test", journey=[Step(step="s")], origins={"pay": "x"}
)


@pytest.mark.parametrize(
    "totals,path,what",
    [
        (Totals(http=Http(get="/t"), row={}), "c", "counts nothing"),
        (Totals(http=Http(get="/t"), row={"sould": "x"}), "c.row.sould", "nobody counts that"),
        (Totals(http=Http(), row={"sold": "x"}), "c.http", "asked for by a get"),
        (Totals(http=Http(get="/t", origin="pey"), row={"sold": "x"}), "c.http.origin", "no such origin"),
        (Totals(http=Http(get="/t", origin="pay"), row={"sold": "x"}), "", ""),
    ],
)
def test_what_cannot_be_counted_is_refused(totals: Totals, path: str, what: str) -> None:
    """A word that the dashboard does not know, a place that nobody named, and a question that asks nothing."""
    found: list[tuple[str, str]] = []
    _totals("c", totals, TARGET, lambda at, said, hint=None: found.append((at, said)))
    assert [(at, what in said) for at, said in found] == ([(path, True)] if path else [])

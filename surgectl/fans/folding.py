"""Folds up the variables of a tab that waits: a dict of them is five times as large as what is in it.

A fold is the values alone, behind the list of their names. All tabs that know the same names share that list, and with
it the values that everybody has.
"""

from __future__ import annotations

from typing import Any

Folded = tuple[Any, ...]
"""(names, value, value, …)"""

_COMMON = ("run", "sale", "setup")
"""The same for every fan of a run."""
_KEPT_ELSEWHERE = frozenset({"intent", "fan", "tab", "attempt", *_COMMON})
"""The tab knows them anyway; and an attempt's id is of no use to somebody who waits."""


class Names:
    """The variables that some tabs know."""

    __slots__ = ("common", "own")

    def __init__(self, variables: dict[str, Any]) -> None:
        self.common = {name: variables[name] for name in _COMMON if name in variables}
        self.own = tuple(name for name in variables if name not in _KEPT_ELSEWHERE)

    def fit(self, variables: dict[str, Any]) -> bool:
        """Are these the same run's?"""
        return all(variables[name] is value for name, value in self.common.items())


_KNOWN: dict[tuple[str, ...], Names] = {}
_KNOWN_AT_MOST = 1000


def fold(variables: dict[str, Any]) -> Folded:
    """The variables, small."""
    key = tuple(variables)
    names = _KNOWN.get(key)
    if names is None or not names.fit(variables):
        if len(_KNOWN) >= _KNOWN_AT_MOST:
            _KNOWN.clear()  # those who are folded keep their own
        names = _KNOWN[key] = Names(variables)
    return (names, *map(variables.__getitem__, names.own))


def unfold(folded: Folded) -> dict[str, Any]:
    """The variables again, save those that the tab keeps elsewhere."""
    names: Names = folded[0]
    return {**names.common, **dict(zip(names.own, folded[1:], strict=True))}

"""Folds up the variables of a tab that waits: a dict of them is five times as large as what is in it.

A fold is the values alone. All tabs that know the same names share one list of them, and with it the values that
everybody has.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from surgectl.journey.model import Mint
from surgectl.profile.accounts import ACCOUNT

Folded = tuple[Any, ...]
"""The values of a tab's own, in the order of its names."""

ACCOUNTS = ":accounts"
"""The table that a fan's row comes from: no request can name it."""
_COMMON = ("run", "sale", "setup", ACCOUNTS)
"""The same for every fan of a run."""
_KEPT = ("intent", "fan", "tab")
"""The tab knows them anyway."""


class Names:
    """The variables that some tabs of a run know. An attempt's id is of no use to somebody who waits."""

    __slots__ = ("_accounts", "_all", "_common", "_pick", "_shared", "_size", "made_again")

    def __init__(self, variables: dict[str, Any], made_again: tuple[Mint, ...]) -> None:
        self.made_again = made_again
        """Mints that are not in the fold: whoever unfolds it makes them again."""
        self._accounts = variables.get(ACCOUNTS)
        account = () if self._accounts is None else (ACCOUNT,)
        left_out = (*_COMMON, *_KEPT, *account, "attempt", *(mint.name for mint in made_again))
        self._common = tuple((name, variables[name]) for name in _COMMON if name in variables)
        own = tuple(name for name in variables if name not in left_out)
        self._all = (*own, *(name for name, _ in self._common), *_KEPT)
        self._shared = tuple(value for _, value in self._common)
        self._size = len(self._all) + len(account) + len(made_again)
        self._pick = itemgetter(*own) if len(own) > 1 else lambda known: tuple(known[name] for name in own)

    def fit(self, variables: dict[str, Any]) -> bool:
        """Of variables that were these: have none come since? A tab forgets none but its attempt's id."""
        return len(variables) - ("attempt" in variables) == self._size

    def common_with(self, variables: dict[str, Any]) -> bool:
        """Are they the same run's?"""
        return all(variables.get(name) is value for name, value in self._common)

    def fold(self, variables: dict[str, Any]) -> Folded:
        """Their values, small."""
        folded: Folded = self._pick(variables)
        return folded

    def unfold(self, folded: Folded, intent: str, fan: int, tab: int) -> dict[str, Any]:
        """The variables again."""
        variables = dict(zip(self._all, (*folded, *self._shared, intent, fan, tab), strict=True))
        if self._accounts is not None:
            variables[ACCOUNT] = self._accounts.of(fan)
        return variables


_KNOWN: dict[tuple[object, ...], Names] = {}
_KNOWN_AT_MOST = 1000


def names_of(variables: dict[str, Any], made_again: tuple[Mint, ...] = ()) -> Names:
    """The names of these, shared with every tab that knows the same ones."""
    key = (len(made_again), *variables)
    names = _KNOWN.get(key)
    if names is None or names.made_again is not made_again or not names.common_with(variables):
        if len(_KNOWN) >= _KNOWN_AT_MOST:
            _KNOWN.clear()  # those who are folded keep their own
        names = _KNOWN[key] = Names(variables, made_again)
    return names

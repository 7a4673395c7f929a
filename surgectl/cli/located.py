"""Says in which file and line a target's mistake stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from surgectl.errors import UsageError
from surgectl.journey.problem import TargetError
from surgectl.profile.load import OpenTarget
from surgectl.profile.node import place_of
from surgectl.profile.target import Target

T = TypeVar("T")


def located(target: OpenTarget, use: Callable[[Target], T]) -> T:
    """`use(target)`; a mistake in the target becomes a UsageError that names file, line and path."""
    try:
        return use(target.target)
    except TargetError as error:
        where = f"{place_of(target.tree, error.path)}: {error.path}"
        raise UsageError(error.what, where=where, hint=error.hint) from error

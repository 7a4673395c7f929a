"""Says in which file and line a target's mistake stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from surgectl.errors import UsageError
from surgectl.journey.problem import TargetError
from surgectl.profile.load import OpenTarget
from surgectl.profile.node import find, place_of
from surgectl.profile.target import Target
from surgectl.stage.settings import Settings, settings_of

T = TypeVar("T")


def located(target: OpenTarget, use: Callable[[Target], T]) -> T:
    """`use(target)`; a mistake in the target becomes a UsageError that names file, line and path."""
    try:
        return use(target.target)
    except TargetError as error:
        where = f"{place_of(target.tree, error.path)}: {error.path}"
        raise UsageError(error.what, where=where, hint=error.hint) from error


@contextmanager
def pointing_at(target: OpenTarget) -> Iterator[None]:
    """What is found wrong inside with a part of the target by its path alone gets file and line of that part."""
    try:
        yield
    except UsageError as error:
        if error.where and find(target.tree, error.where) is not None:
            where = f"{place_of(target.tree, error.where)}: {error.where}"
            raise UsageError(error.what, where=where, hint=error.hint) from error
        raise


def stage_of(target: OpenTarget) -> Settings | None:
    """The embedded stage that a target asks for, with what the profile laid over it. UsageError with file and line."""
    if target.target.stage is None:
        return None
    return settings_of(target.target.stage, lambda path: f"{place_of(target.tree, path)}: {path}")

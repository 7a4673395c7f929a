"""Extensions by others: a name, and one callable behind it. Loaded only when a profile names it.

Groups are the entry points (PyPA "Entry points specification") surgectl.fans, .checkers, .evidence,
.reporters and .steps.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

from surgectl.errors import UsageError, did_you_mean


def names(group: str) -> list[str]:
    """The names installed in a group, sorted. Nothing is imported."""
    return sorted({point.name for point in metadata.entry_points(group=group)})


def load(group: str, name: str) -> Callable[..., Any] | None:
    """The callable of that name, or None where no package offers it.

    Raises UsageError where two packages offer the name (a clash must not be decided by install order), where it cannot
    be imported, or where it is not callable.
    """
    points = {(point.value, _package(point)): point for point in metadata.entry_points(group=group, name=name)}
    if not points:
        return None
    if len({value for value, _ in points}) > 1:
        who = ", ".join(sorted(package for _, package in points))
        raise UsageError(f'{group}: "{name}" is offered by {who}', hint="uninstall one of them")
    point = next(iter(points.values()))
    try:
        loaded = point.load()
    except Exception as error:
        raise UsageError(
            f'{group}: "{name}" of {_package(point)} cannot be loaded: {type(error).__name__}: {error}'
        ) from error
    if not callable(loaded):
        raise UsageError(f'{group}: "{name}" of {_package(point)} is not callable')
    return loaded  # type: ignore[no-any-return]  # an entry point can be anything; callable is all we ask


def require(group: str, name: str) -> Callable[..., Any]:
    """As `load`, but a name that nobody offers is a UsageError with the nearest one."""
    loaded = load(group, name)
    if loaded is None:
        known = offers(group)
        each = [f"{known_name} ({package})" for known_name, package in known.items()]
        installed = f"installed: {', '.join(each)}" if each else "no package that offers any is installed here"
        near = did_you_mean(name, known)
        hint = next((f"{near[:-1]} of {known[word]}?" for word in known if near and f'"{word}"' in near), installed)
        raise UsageError(f'{group}: there is no "{name}"', hint=hint)
    return loaded


def offers(group: str) -> dict[str, str]:
    """Name → the package that offers it. Nothing is imported."""
    points = sorted(metadata.entry_points(group=group), key=lambda point: point.name)
    return {point.name: _package(point) for point in points}


def _package(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else point.value

"""What can go wrong, said in one line: what, where, and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class SurgectlError(Exception):
    """An error a user may see: one line, no traceback. `exit_code` is a code of surgectl/gate.py."""

    exit_code = 70

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text} ({hint})" if hint else text)


class UsageError(SurgectlError):
    """The command line, a profile or a target says something that cannot be meant (exit 2)."""

    exit_code = 2


class RefusedError(SurgectlError):
    """A safety guard said no before anything was sent (exit 13)."""

    exit_code = 13


class InconclusiveError(SurgectlError):
    """The rehearsal could not be carried out, so nothing can be said of the shop (exit 12)."""

    exit_code = 12


@contextmanager
def ungrouped() -> Iterator[None]:
    """The only error of a task group comes out as itself, so that who catches and who reads learns what went wrong."""
    try:
        yield
    except BaseExceptionGroup as group:
        inner: BaseException = group
        while isinstance(inner, BaseExceptionGroup) and len(inner.exceptions) == 1:
            inner = inner.exceptions[0]
        if inner is group:
            raise
        raise inner from group


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """The hint for a misspelt word: the nearest valid one, or None where nothing is near."""
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else None

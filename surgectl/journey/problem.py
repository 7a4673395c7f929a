"""What is wrong in a target file, and where in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from surgectl.errors import UsageError, did_you_mean


class TargetError(UsageError):
    """The target says something that cannot be meant.

    `path` is where in the file (`journey[3].outcomes[1].when.status`); whoever read the file adds its name and line.
    """

    def __init__(self, what: str, path: str, *, hint: str | None = None) -> None:
        self.path = path
        super().__init__(what, where=path, hint=hint)


def unknown_word(kind: str, word: str, choices: Iterable[str], path: str) -> TargetError:
    """`no such step "hodl" (did you mean "hold"?)`, with the whole list where nothing is near."""
    known = sorted(set(choices))
    hint = did_you_mean(word, known) or (f"known: {', '.join(known)}" if known else "there is none")
    return TargetError(f'no such {kind} "{word}"', path, hint=hint)


def compile_regex(pattern: str, path: str) -> re.Pattern[str]:
    """A pattern of Python's `re`; a bad one is an error of the target."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise TargetError(f"{pattern!r} is not a regular expression: {error}", path) from error

"""Find a value in a row that somebody else wrote: by its column's name, or by a path into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jmespath
import jmespath.exceptions

from surgectl.errors import UsageError
from surgectl.evidence.reading import Raw, ReadError

Look = Callable[[Any], Any]
"""A document → the value there, or None."""


def compile_path(path: str, where: str) -> Look:
    """A JMESPath (jmespath.org) as a closure. UsageError where it is none; ReadError where a row defeats it."""
    try:
        expression = jmespath.compile(path)
    except jmespath.exceptions.JMESPathError as error:
        raise UsageError(f'"{path}" is not a JMESPath: {_first_line(error)}', where=where) from error

    def look(document: Any) -> Any:
        try:
            return expression.search(document)
        except jmespath.exceptions.JMESPathError as error:
            raise ReadError(f"{path}: {_first_line(error)}") from error

    return look


def compile_column(path: str, where: str) -> Look:
    """A column by its exact name (`Order ID`), else by JMESPath (`payments[].id`)."""
    try:
        inside = compile_path(path, where)
    except UsageError:
        # Headings of a CSV file are rarely paths; a row that lacks the column says so where it is needed.
        return lambda row: row.get(path)

    def look(row: Raw) -> Any:
        return row[path] if path in row else inside(row)

    return look


def _first_line(error: Exception) -> str:
    """A parser's complaint without the picture that it draws below."""
    return str(error).splitlines()[0].removesuffix(", for expression:") if str(error) else type(error).__name__

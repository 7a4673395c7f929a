"""Reads the people a target's fans are, and sees whether the target asks them for what they have."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.journey.paths import split_path
from surgectl.journey.problem import TargetError
from surgectl.journey.template import blanks
from surgectl.profile.accounts import ACCOUNT, Accounts, check_enough, read_accounts
from surgectl.profile.load import OpenTarget
from surgectl.profile.node import place_of

_KEY = "fans_from"
_VAR = re.compile(r"\.var(\.|$)")


def accounts_of(target: OpenTarget, fans: int | None = None) -> Accounts | None:
    """The rows for so many fans (None: all of them); None where the target's fans come from no table.

    UsageError where the file is not there or not right, has too few rows, or lacks what a request asks of it. Its
    secrets join the target's.
    """
    data = target.target.fans_from
    if data is None:
        return None
    try:
        accounts = read_accounts(data, target.folder, _KEY)
    except UsageError as error:
        path = error.where or _KEY
        raise UsageError(error.what, where=f"{place_of(target.tree, path)}: {path}", hint=error.hint) from error
    _check_blanks(target, accounts)
    if fans is not None:
        check_enough(accounts, fans, f"{place_of(target.tree, _KEY)}: {_KEY}")
        accounts = accounts.first_rows(fans)
    target.secrets.add_all(accounts.secrets())
    return accounts


def _check_blanks(target: OpenTarget, accounts: Accounts) -> None:
    """Every `{account.x}` must be a column; a secret must stand in nothing that is recorded."""
    columns = accounts.columns
    for path, text in _texts(msgspec.to_builtins(target.target, enc_hook=str, str_keys=True), ""):
        for blank in (*blanks(text), *_named(path, text)):
            try:
                parts = split_path(blank, path)
            except TargetError:
                continue  # its compiler says so
            if parts[0] != ACCOUNT:
                continue
            where = f"{place_of(target.tree, path)}: {path}"
            if len(parts) != 2 or parts[1] not in columns:
                name = str(parts[1]) if len(parts) > 1 else ""
                hint = did_you_mean(name, columns) or f"there are {', '.join(columns)}"
                raise UsageError(f"{{{blank}}}: the file of fan data has no such column", where=where, hint=hint)
            if path.startswith(("mint.", "facts.")) and parts[1] in accounts.secret:
                raise UsageError(f"{{{blank}}} is a secret, and this is recorded", where=where)


def _named(path: str, text: str) -> tuple[str, ...]:
    """A variable that a condition or a claim names without braces."""
    return (text,) if _VAR.search(path) and text.startswith(f"{ACCOUNT}.") else ()


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every text of a target with its path; names of keys are texts, too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            at = f"{path}.{key}" if path else str(key)
            yield at, str(key)
            yield from _texts(item, at)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")

"""Are there accounts enough for the crowd, and does each row hold what the requests ask of it?"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from surgectl.doctor.checkup import Checkup, Part, Verdict, unseen
from surgectl.doctor.patient import Patient
from surgectl.errors import UsageError
from surgectl.journey.paths import split_path
from surgectl.journey.problem import TargetError
from surgectl.journey.template import blanks
from surgectl.profile.accounts import ACCOUNT, Accounts
from surgectl.profile.target import Target

_PART: Part = "accounts"
_WHERE = "fans_from"


def look_at_accounts(patient: Patient) -> list[Checkup]:
    """The table of people that the fans are, read as a run would read it. Sends nothing."""
    data = patient.target.fans_from
    if data is None:
        return []
    if patient.people is None or "${" in data.csv:
        return [unseen(_PART, "table", "not looked at: first every ${…} must have a value", f"{_WHERE}.csv")]
    try:
        accounts = patient.people()
    except UsageError as error:
        where = error.where or _WHERE
        return [_told("table", "fail", error.what, error.hint or "correct the file, or the key that names it", where)]
    fans = patient.plan.fans_total if patient.plan is not None else None
    return of_accounts(accounts, used(patient.target), fans) if accounts is not None else []


def of_accounts(accounts: Accounts, asked: list[str], fans: int | None) -> list[Checkup]:
    """What its rows mean for so many fans (None: no profile says how many). `asked`: columns that requests name."""
    names = ", ".join(asked) if asked else "none"
    found = [_told("table", "pass", f"{_rows(len(accounts))}; columns that the requests name: {names}")]
    if not asked:
        fix = "name a column in a request or a login: {account.…}; without one the shop never learns who comes"
        found = [_told("table", "note", f"{_rows(len(accounts))}, and no request names a column of it", fix)]
    found.append(_enough(accounts, fans))
    come = accounts if fans is None else accounts.first_rows(fans)
    found += _empty(come, asked)
    found += _twice(come, asked)
    return found


def _enough(accounts: Accounts, fans: int | None) -> Checkup:
    rows = len(accounts)
    if fans is None:
        most = "rows go round: any number of fans" if accounts.reuse else f"enough for {rows:,} fans at most"
        return _told("crowd", "pass", f"{most}; how many come is in the profile")
    if fans <= rows:
        return _told("crowd", "pass", f"{fans:,} fans, {_rows(rows)}")
    if accounts.reuse:
        what = f"{fans:,} fans, {_rows(rows)}: each account is up to {-(-fans // rows):,} fans' at the same time"
        return _told("crowd", "note", what, "", f"{_WHERE}.reuse")
    fix = "fewer fans, more rows, or reuse: true, where it does no harm that several fans are one customer"
    return _told("crowd", "fail", f"{fans:,} fans come, and the file has {_rows(rows)}", fix)


def _empty(accounts: Accounts, asked: list[str]) -> list[Checkup]:
    """Cells that a request would send as nothing."""
    found = []
    for name in asked:
        rows = [row for row, cell in enumerate(accounts.cells(name)) if not cell.strip()]
        if rows:
            what = f"{_rows(len(rows))} without {name}; the first: row {rows[0] + 1} below the headings"
            fix = "an empty cell is sent as an empty text: fill it, or take the row out"
            found.append(_told(f"empty {name}", "note", what, fix, f"{_WHERE}.csv"))
    return found


def _twice(accounts: Accounts, asked: list[str]) -> list[Checkup]:
    """Rows that a shop cannot tell apart: two fans would be one customer, and nobody said so."""
    seen: dict[int, int] = {}
    doubles: list[tuple[int, int]] = []
    for row, cells in enumerate(zip(*(accounts.cells(name) for name in asked), strict=True)):
        # A hash, not the cells: a million rows of passwords are not held a second time.
        first = seen.setdefault(hash(cells), row)
        if first != row:
            doubles.append((row, first))
    if not doubles:
        return []
    row, first = doubles[0]
    again = "is" if len(doubles) == 1 else "are"
    what = f"{_rows(len(doubles))} {again} an earlier one again; the first: row {row + 1} is row {first + 1}"
    fix = "two fans would be one customer: a limit per customer, or an order too many, would be the file's doing"
    return [_told("the same twice", "note", what, fix, f"{_WHERE}.csv")]


def used(target: Target) -> list[str]:
    """The columns that anything of a target names, in alphabetical order."""
    return sorted(set(_columns(msgspec.json.encode(target, enc_hook=str).decode())))


def _columns(text: str) -> Iterator[str]:
    for blank in blanks(text):
        try:
            parts = split_path(blank, "")
        except TargetError:
            continue
        if len(parts) == 2 and parts[0] == ACCOUNT:
            yield str(parts[1])


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _told(name: str, verdict: Verdict, what: str, fix: str = "", where: str = _WHERE) -> Checkup:
    return Checkup(part=_PART, name=name, verdict=verdict, what=what, where=where, fix=fix)

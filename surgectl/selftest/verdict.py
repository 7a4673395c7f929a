"""Was the wrong shop found out, and the right one left alone? One word for each rehearsal of the matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from surgectl.selftest.offence import Offence
from surgectl.selftest.seen import CONVICTED, PASSED, Played, meets

Word = Literal["caught", "missed", "not-exercised", "innocent", "accused", "hiding", "inconclusive"]
WRONG: tuple[Word, ...] = ("missed", "accused", "hiding")
"""The audit is wrong, not the machine."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The word, who said it, and why."""

    word: Word
    caught_by: tuple[str, ...] = ()
    """Invariants that were to fail and did."""
    also: tuple[str, ...] = ()
    """Whatever else failed."""
    why: str = ""


def of_offence(offence: Offence, played: Played) -> Verdict:
    """What a rehearsal with a wrong shop shows of the audit.

    Conviction counts only with the exit code that a build server would see: a finding that stops no deployment caught
    nobody.
    """
    if trouble := played.broken or played.starved:
        return Verdict(word="inconclusive", also=played.failed, why=trouble)
    by = tuple(name for name in offence.caught_by if name in played.failed)
    also = tuple(name for name in played.failed if name not in by)
    unmet = _unmet(offence.coverage, played)
    if by and played.exit_code in CONVICTED:
        return Verdict(word="caught", caught_by=by, also=also)
    if by:
        return Verdict(word="missed", also=played.failed, why=f"{', '.join(by)} failed, and the exit code hid it")
    if also:
        return Verdict(word="missed", also=also, why=f"it is none of {', '.join(offence.caught_by)} that failed")
    if played.exit_code == PASSED:
        # What the defect needs was required of the run: that it passed all the same is the one thing that must not be.
        return Verdict(word="missed", why=f"a quiet pass: {'; '.join(unmet) or _said(offence, played)}")
    if unmet:
        return Verdict(word="not-exercised", why="; ".join(unmet))
    if played.toothless:
        return Verdict(word="inconclusive", why=played.toothless)
    return Verdict(word="missed", why=_said(offence, played))


def of_innocent(required: Sequence[str], played: Played, coverage: Mapping[str, int | str] | None = None) -> Verdict:
    """What a rehearsal with a correct shop shows of the audit.

    `required` are the invariants that its scene requires, `coverage` is what the shop must have been put through.

    A ledger violation is a false alarm however busy the machine was (rule R12). And an audit that says `unknown` of
    what matters most accuses nobody, but proves nothing either: it hides.
    """
    if played.broken:
        return Verdict(word="inconclusive", also=played.failed, why=played.broken)
    if played.violated or (played.failed and not played.starved):
        return Verdict(word="accused", also=played.failed, why=f"{', '.join(played.failed)} failed")
    if trouble := played.starved or played.toothless:
        return Verdict(word="inconclusive", why=trouble)
    hidden = [name for name in required if name in played.critical and name not in played.passed]
    if hidden:
        said = "; ".join(f"{name} is unknown: {played.unknown.get(name, 'no reason given')}" for name in hidden)
        return Verdict(word="hiding", why=said)
    if unmet := _unmet(coverage or {}, played):
        return Verdict(word="not-exercised", why="; ".join(unmet))
    return Verdict(word="innocent")


def _said(offence: Offence, played: Played) -> str:
    said = {name: played.unknown.get(name, "pass" if name in played.passed else "") for name in offence.caught_by}
    return "; ".join(f"{name}: {why or 'not checked'}" for name, why in said.items())


def _unmet(coverage: Mapping[str, int | str], played: Played) -> list[str]:
    return [
        f"{name} was {played.coverage.get(name, 'not counted')}, {least} is needed"
        for name, least in coverage.items()
        if not meets(played.coverage.get(name), least)
    ]

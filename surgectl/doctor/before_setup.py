"""Books that are read with what the setup hook says: what can be asked of them before it has run.

A database is asked the same question with nothing in place of each such value: it gives no rows, but says whether it
knows the tables and columns. Of a list over HTTP the login is made. What neither can show stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from surgectl.clock import Clock
from surgectl.doctor.checkup import Checkup, unseen
from surgectl.doctor.patient import Patient
from surgectl.evidence.ask import session, trust
from surgectl.evidence.asking import homes_of
from surgectl.evidence.books import sources
from surgectl.evidence.reading import Found, Patience, ReadError
from surgectl.evidence.visit import Visit, compile_steps
from surgectl.profile.source import Source
from surgectl.profile.target import Target

_BLANK = "{setup."
_BUY = "doctor --buy runs the setup, and reads it"


def waiting(target: Target, variables: Mapping[str, Any]) -> frozenset[str]:
    """The kinds that cannot be read before the setup hook has run."""
    if target.setup is None or "setup" in variables:
        return frozenset()
    kinds = sources(target)
    return frozenset(kind for kind in kinds if _waits(kind, kinds))


def _waits(kind: str, kinds: Mapping[str, Source]) -> bool:
    source = kinds[kind]
    if source.same is not None and source.same in kinds:
        return _waits(source.same, kinds)
    return _names_it(source)


def _names_it(part: object) -> bool:
    return _BLANK.encode() in msgspec.json.encode(part, enc_hook=str)


def with_nothing(target: Target, kinds: frozenset[str]) -> Target:
    """The same target, whose queries are asked with nothing in place of what the setup would say."""
    evidence = {
        kind: _with_nothing(source) if kind in kinds and source.sql is not None else source
        for kind, source in target.evidence.items()
    }
    return msgspec.structs.replace(target, evidence=evidence)


def _with_nothing(source: Source) -> Source:
    assert source.sql is not None
    params = {name: None if _names_it(value) else value for name, value in source.sql.params.items()}
    return msgspec.structs.replace(source, sql=msgspec.structs.replace(source.sql, params=params))


def of_waiting(found: Found, let_in: Mapping[str, str]) -> Checkup:
    """What is said of such a book. `let_in`: kinds whose login was made → what came of it."""
    where = f"evidence.{found.kind}"
    if not found.problem:
        what = "the database knows what the query asks for; it was asked with nothing for what the setup hook says"
        return Checkup(part="evidence", name=found.kind, verdict="note", what=what, where=where, fix=_BUY)
    if found.kind in let_in:
        why = let_in[found.kind]
        if why:
            fix = "correct its login: a run would end with this book unknown"
            return Checkup(part="evidence", name=found.kind, verdict="fail", what=why, where=where, fix=fix)
        what = "its login lets us in; the list itself is read with what the setup hook says"
        return Checkup(part="evidence", name=found.kind, verdict="note", what=what, where=where, fix=_BUY)
    why = f"read with what the setup hook says, which only a run and --buy run: {found.problem}"
    return unseen("evidence", found.kind, why, where)


async def logged_in(patient: Patient, kinds: frozenset[str], clock: Clock, patience: Patience) -> dict[str, str]:
    """The kinds among these whose login asks nothing of the setup → why nobody is let in; empty where somebody is."""
    target = patient.target
    homes, found = homes_of(target), dict[str, str]()
    async with session() as http:
        for kind in sorted(kinds):
            source = sources(target)[kind]
            login = source.http.login if source.http is not None else None
            if not isinstance(login, list) or _names_it(login):
                continue
            steps = compile_steps(login, homes, f"evidence.{kind}.http.login")
            visit = Visit(steps, patient.variables, homes, http, clock, trust(target.tls, patient.folder))
            try:
                await visit.enter(patience)
                found[kind] = ""
            except ReadError as error:
                found[kind] = str(error)
            for value in visit.taken.values():
                if isinstance(value, str):
                    patient.learn(value)
    return found

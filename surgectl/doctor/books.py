"""Can every book be read whole, does each row fit, and is there time to read them twice while all settles?"""

from __future__ import annotations

from datetime import datetime

import msgspec

from surgectl.clock import Clock
from surgectl.doctor.before_setup import logged_in, of_waiting, waiting, with_nothing
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.clocks import of_rows
from surgectl.doctor.patient import Patient
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found, Patience
from surgectl.evidence.tally import Tally
from surgectl.plan.settling import settling
from surgectl.units import show_duration

LOOKS_BACK_S = 86_400.0
"""`{since}` while a doctor reads: rows of the last day show whether the mapping fits."""
PATIENCE = Patience(timeout_ns=10_000_000_000, tries=2, whole_ns=60_000_000_000)
_TIMES_READ = 2
"""An audit believes nothing that two readings do not say alike."""


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """All books, read once."""

    found: dict[str, Found]
    tallies: list[Tally]
    took_ns: int
    waiting: frozenset[str] = frozenset()
    """Kinds that the setup hook has to say something for."""
    let_in: dict[str, str] = {}
    """Of these, whose login was made → why nobody was let in; empty where somebody was."""


async def look_at_books(patient: Patient, clock: Clock, patience: Patience = PATIENCE) -> list[Checkup]:
    """Reads every source once, as the audit would, and changes nothing."""
    return of_readings(patient, await read_books(patient, clock, patience), clock.wall())


async def read_books(patient: Patient, clock: Clock, patience: Patience = PATIENCE) -> Readings:
    """Every source and counter. What goes wrong is said in it, never raised."""
    waits = waiting(patient.target, patient.variables)
    target = with_nothing(patient.target, waits)
    began_ns, since_s = clock.now_ns(), clock.wall().timestamp() - LOOKS_BACK_S
    books = Books(
        target,
        patient.variables,
        since_s,
        clock,
        patience=patience,
        root=patient.folder,
        redact=patient.redact,
        # Without a profile, and for a fan who only tries, the price is a stand-in: no sum is held against it.
        price_known=patient.plan is not None and patient.buy is None,
    )
    async with books:
        found, tallies = await books.read_and_compare()
    took_ns = clock.now_ns() - began_ns
    let_in = await logged_in(patient, waits, clock, patience) if waits else {}
    tallies = [tally for tally in tallies if tally.kind not in waits]  # there is nothing yet to be counted
    return Readings(found=found, tallies=tallies, took_ns=took_ns, waiting=waits, let_in=let_in)


def of_readings(patient: Patient, readings: Readings, now: datetime, *, bought: bool = False) -> list[Checkup]:
    """What they mean for the audit. Pure."""
    target, found, tallies = patient.target, readings.found, readings.tallies
    if not found:
        return []
    said: list[Checkup] = []
    for kind, reading in found.items():
        if kind in readings.waiting:
            said.append(of_waiting(reading, readings.let_in))
        elif reading.rows or reading.problem:
            said.append(_of_reading(reading))
        instants = [at for row in reading.rows if (at := row.at_s) is not None]
        said += of_rows(kind, instants, now)
    here = {kind: reading for kind, reading in found.items() if kind not in readings.waiting}
    said += _of_empty([kind for kind, reading in here.items() if not reading.rows and not reading.problem], bought)
    said += [_of_tally(tally) for tally in tallies]
    if all(reading.problem for reading in here.values()):
        return said
    at_most_ns = patient.plan.settling.at_most_ns if patient.plan is not None else None
    window_ns = settling(target.promises, 0).window_ns if at_most_ns is None else at_most_ns
    return [*said, of_time(readings.took_ns, window_ns)]


def _of_reading(found: Found) -> Checkup:
    where = f"evidence.{found.kind}"
    if found.problem:
        read = f" ({len(found.rows):,} rows all the same)" if found.rows else ""
        fix = "a run would end with this book unknown: correct the source, or leave the kind out"
        what = f"{found.problem}{read}"
        return Checkup(part="evidence", name=found.kind, verdict="fail", what=what, where=where, fix=fix)
    declared = f" of {found.declared:,} declared" if found.declared is not None else ""
    rows = "1 row" if len(found.rows) == 1 else f"{len(found.rows):,} rows"
    what = f"{found.source}: {rows}{declared}, all mapped"
    return Checkup(part="evidence", name=found.kind, verdict="pass", what=what, where=where)


def _of_empty(kinds: list[str], bought: bool) -> list[Checkup]:
    """Nothing to see is no proof that a mapping fits."""
    if not kinds:
        return []
    what = f"{', '.join(kinds)}: readable, no rows yet; whether the mapping fits is seen with the first"
    fix = "" if bought else "doctor --buy plays one fan and looks again"
    return [Checkup(part="evidence", name="still empty", verdict="note", what=what, where="evidence", fix=fix)]


def _of_tally(tally: Tally) -> Checkup:
    where = f"evidence.{tally.kind}.counters.{tally.name}"
    says = "nothing" if tally.says is None else f"{tally.says:,}"
    if tally.problem:
        fix = "let both begin alike: empty the shop, or count in the counter what the rows show; else leave it out"
        if tally.says is None:
            fix = "correct its value: (where the number stands in what is read), or leave the counter out"
        return Checkup(part="evidence", name=tally.called, verdict="fail", what=tally.problem, where=where, fix=fix)
    what = f"says {says}, and {tally.counted:,} were counted"
    return Checkup(part="evidence", name=tally.called, verdict="pass", what=what, where=where)


def of_time(took_ns: int, window_ns: int) -> Checkup:
    """How long all books took, against the window in which they must be read twice."""
    what = f"the books took {show_duration(took_ns)}; they are read {_TIMES_READ} times or more within "
    what += show_duration(window_ns)
    if took_ns * _TIMES_READ > window_ns:
        fix = "larger pages, an index, {since} in the query, or settle: {at_most: …} in the profile"
        return Checkup(part="evidence", name="time", verdict="fail", what=what, where="settle.at_most", fix=fix)
    return Checkup(part="evidence", name="time", verdict="pass", what=what, where="settle.at_most")

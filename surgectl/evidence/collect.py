"""When the last fan has left and things have calmed down: read all the books, twice, and keep what they say.

Ledgers are compared only at rest (R2 of docs/invariants.md): two readings a quiet while apart must agree. Those that do
not are kept and marked as not stable; those that could not be read whole, or that the shop's own counters speak
against, are kept and marked as not complete. An audit
may then doubt, but it never mistakes half a list for a list.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from surgectl.clock import Clock
from surgectl.evidence.books import Books
from surgectl.evidence.reading import PATIENT, Found, Patience, Redact, unredacted
from surgectl.evidence.tally import Tally, doubted
from surgectl.profile.target import Target
from surgectl.recording.evidence_rows import SourceRow, StockRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.recording.folder import Folder
from surgectl.recording.redaction import redacted
from surgectl.text import cut

LEAST_QUIET_NS = 1_000_000_000
_MOST_OF_A_PROBLEM = 2_000
_encoder = msgspec.json.Encoder()

# The provider's logs also hold what the reconciler goes on asking, and what is delivered once more: they grow, and are
# no less true for it.
_GROWS = frozenset({"requests", "webhooks"})


async def collect(
    target: Target,
    variables: Mapping[str, Any],
    since_epoch_s: float,
    clock: Clock,
    folder: Path,
    *,
    quiet_ns: int | None = None,
    at_most_ns: int | None = None,
    patience: Patience = PATIENT,
    root: Path | None = None,
    redact: Redact = unredacted,
) -> list[SourceRow]:
    """Read every source of the target into `folder/evidence/KIND.jsonl`; what came of it, one row a kind.

    `folder` is the run's. Readings are `quiet_ns` apart (None: twice the reconciler's period, a second at least) until
    two agree or `at_most_ns` have passed (None: ten quiet whiles, and two readings at least). The last one is saved; of
    stock, the last two.
    `evidence/sources.jsonl` holds the returned rows. Raises UsageError, before anything is asked, where a source
    cannot be meant; a source that fails is a row with its reason.
    """
    quiet = max(LEAST_QUIET_NS, 2 * target.promises.reconcile_every) if quiet_ns is None else quiet_ns
    deadline_ns = clock.now_ns() + (10 * quiet if at_most_ns is None else at_most_ns)
    async with Books(target, variables, since_epoch_s, clock, patience=patience, root=root, redact=redact) as books:
        before: dict[str, Found] = {}
        told: list[SourceRow] = []
        while True:
            read, tallies = await books.read_and_compare()
            found = doubted(read, tallies)
            rows = [_summary(reading, before.get(kind), clock) for kind, reading in found.items()]
            rows += [_compared(tally, told, clock) for tally in tallies]
            # Written after every reading: whoever stops us from here on leaves the last one.
            _save(Folder(folder), found, before, rows, redact)
            late = clock.now_ns() + quiet > deadline_ns
            # A book that takes long to read is read twice all the same: one reading agrees with nothing.
            if _at_rest(rows, told) or (late and (before or at_most_ns is not None)):
                return rows
            before, told = found, rows
            await clock.sleep_until_ns(clock.now_ns() + quiet)


def _summary(found: Found, before: Found | None, clock: Clock) -> SourceRow:
    return SourceRow(
        kind=found.kind,
        rows=len(found.rows),
        complete=not found.problem,
        stable=before is not None and _agree(before, found),
        declared=found.declared,
        cut_at=found.cut_at,
        error=cut(found.problem, _MOST_OF_A_PROBLEM),
        source=found.source,
        at_s=clock.wall().timestamp(),
    )


def _compared(tally: Tally, told: list[SourceRow], clock: Clock) -> SourceRow:
    """A counter stands among the sources, by the kind that it counts and its name: `orders.shown`."""
    earlier = next((row for row in told if row.kind == tally.called), None)
    return SourceRow(
        kind=tally.called,
        rows=tally.counted,
        complete=not tally.problem,
        stable=earlier is not None and (earlier.rows, earlier.declared) == (tally.counted, tally.says),
        declared=tally.says,
        error=tally.problem,
        source=tally.source,
        at_s=clock.wall().timestamp(),
    )


def _at_rest(rows: list[SourceRow], told: list[SourceRow]) -> bool:
    """Two readings agree, also in what is wrong with them: a list that moved under one reading is read once more."""
    return all(row.stable for row in rows) and [row.error for row in rows] == [row.error for row in told]


def _agree(before: Found, after: Found) -> bool:
    """The same rows, in whatever order the source lists them."""
    if after.kind in _GROWS:
        return True
    return sorted(map(_encoder.encode, before.rows)) == sorted(map(_encoder.encode, after.rows))


def _save(
    folder: Folder,
    found: Mapping[str, Found],
    before: Mapping[str, Found],
    sources: list[SourceRow],
    redact: Redact,
) -> None:
    folder.evidence.mkdir(parents=True, exist_ok=True)
    for kind, reading in found.items():
        rows = reading.rows
        if kind == "stock":
            earlier = _placed(before["stock"].rows, before["stock"]) if "stock" in before else []
            rows = [*_numbered(earlier, 0), *_numbered(_placed(rows, reading), 1 if earlier else 0)]
        else:
            rows = _placed(rows, reading)
        _write(folder.evidence_file(kind), [redacted(row, redact) for row in rows], reading.source)
    _write(folder.evidence_file("sources"), sources)


def _placed(rows: list[EvidenceRow], reading: Found) -> list[EvidenceRow]:
    """Each row with its place in the source; kept out of what is compared, for sources may list in any order."""
    if len(reading.places) != len(rows):
        return rows
    return [msgspec.structs.replace(row, place=place) for row, place in zip(rows, reading.places, strict=True)]


def _numbered(rows: list[EvidenceRow], snapshot: int) -> list[EvidenceRow]:
    return [msgspec.structs.replace(row, snapshot=snapshot) for row in rows if isinstance(row, StockRow)]


def _write(path: Path, rows: list[EvidenceRow] | list[SourceRow], source: str | None = None) -> None:
    """All lines or the file as it was: a reader never sees half a reading."""
    aside = path.with_suffix(".jsonl.new")
    with aside.open("wb") as file:
        for line, row in enumerate(rows, start=1):
            kept = msgspec.structs.replace(row, line=line, **({"source": source} if source is not None else {}))
            file.write(_encoder.encode(kept) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)

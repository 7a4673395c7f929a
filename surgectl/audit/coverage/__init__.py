"""Did what we wanted to survive really happen: a fault that met no payment proves nothing (rules R11, R11a).

Each count is a fact of the recording, and the same whether the shop was right or wrong. One file a group: what the
faults met (faults.py), what fans did and were told (fans.py), what stands in the books (books.py).
"""

from __future__ import annotations

import msgspec

from surgectl.audit.books import lay
from surgectl.audit.coverage import books, fans
from surgectl.audit.coverage import faults as of_faults
from surgectl.audit.coverage.count import Counting
from surgectl.audit.expectations import Expectations
from surgectl.audit.windows import faults_on
from surgectl.profile.words import COVERAGE
from surgectl.recording.relations import Relations
from surgectl.units import parse_share

_SHARES = ("payments_in_fault",)
_COUNTS: dict[str, Counting] = {**of_faults.COUNTS, **fans.COUNTS, **books.COUNTS}


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """One obligation. `required` is as the profile wrote it; `total` is what a share is taken of."""

    id: str
    required: str | None
    seen: int
    met: bool
    total: int | None = None
    note: str = ""

    @property
    def share(self) -> float | None:
        """`seen` as a share, where that means anything."""
        return self.seen / self.total if self.total else None

    @property
    def text(self) -> str:
        """`412 (37%)` or `12`: for reports."""
        return f"{self.seen:,} ({self.share:.0%})" if self.share is not None else f"{self.seen:,}"


def coverage(relations: Relations, expectations: Expectations) -> list[Coverage]:
    """Every obligation that we know, and any other that the profile demands (never met: nobody counts it)."""
    lay(relations)
    faults = faults_on(relations, expectations)
    found = []
    for name in [*COVERAGE, *sorted(set(expectations.coverage) - set(COVERAGE))]:
        required = expectations.coverage.get(name)
        if name not in _COUNTS:
            found.append(Coverage(id=name, required=str(required), seen=0, met=False, note="nobody counts this"))
            continue
        seen, total, note = _COUNTS[name](relations, expectations, faults)
        found.append(
            Coverage(
                id=name,
                required=None if required is None else str(required),
                seen=seen,
                total=total if name in _SHARES or isinstance(required, str) else None,
                met=_met(required, seen, total),
                note=note,
            )
        )
    return found


def _met(required: int | str | None, seen: int, total: int | None) -> bool:
    if required is None:
        return True
    if isinstance(required, int) or required.strip().isdigit():
        return seen >= int(required)
    # A share of nothing was not reached.
    return bool(total) and seen / (total or 1) >= parse_share(required)

"""Every end of a rehearsal has its exit code, and the worst one wins in a fixed order."""

from __future__ import annotations

import msgspec
import pytest

from surgectl import gate
from surgectl.gate import Status, exit_code
from surgectl.thresholds.weighing import Verdict


class Said(msgspec.Struct, frozen=True):
    ledger: Verdict = "pass"
    demands: Verdict = "pass"
    conclusive: bool = True


GOOD = Said()
GUILTY = Said(ledger="fail", demands="fail", conclusive=False)
SLOW = Said(demands="fail", conclusive=False)
VAGUE = Said(ledger="unknown", demands="unknown", conclusive=False)

TABLE: list[tuple[Said | None, Status, int]] = [
    (GOOD, "done", 0),
    (Said(ledger="unknown"), "done", 0),  # neither required nor violated: it weighs nothing
    (SLOW, "done", 10),
    (GUILTY, "done", 11),
    (VAGUE, "done", 12),
    (None, "done", 12),
    (GOOD, "running", 12),
    (GUILTY, "running", 11),
    (GOOD, "aborted", 14),
    (SLOW, "aborted", 14),
    (VAGUE, "aborted", 14),
    (GUILTY, "aborted", 11),
    (None, "aborted", 14),
    (GOOD, "sigint", 130),
    (SLOW, "sigint", 130),
    (GUILTY, "sigint", 11),
    (None, "sigint", 130),
    (VAGUE, "sigterm", 143),
    (GUILTY, "sigterm", 11),
    (GUILTY, "failed", 70),
    (GOOD, "failed", 70),
    (None, "failed", 70),
    (None, "refused", 13),
    (None, "usage", 2),
]


@pytest.mark.parametrize("audit, status, code", TABLE)
def test_precedence(audit: Said | None, status: Status, code: int) -> None:
    """70, then 11, 130 or 143, 14, 10, 12, and 0 only where nothing else applies; 2 and 13 come before all."""
    assert exit_code(audit, status) == code


def test_every_code_has_its_meaning() -> None:
    """No code is given out that the table of meanings lacks."""
    codes = {value for name, value in vars(gate).items() if name.isupper() and isinstance(value, int)}
    assert codes == set(gate.MEANING)

"""Is the target's evidence something that can be read? Said while the file is looked at, not after the storm."""

from __future__ import annotations

from pathlib import Path

from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.evidence.books import Books
from surgectl.journey.problem import TargetError
from surgectl.profile.target import Target


def check_evidence(target: Target, root: Path) -> None:
    """Compile every source without asking anybody. TargetError, with its path in the file, for what cannot be meant."""
    try:
        Books(target, {}, 0.0, SystemClock(), root=root)
    except TargetError:
        raise
    except UsageError as error:
        raise TargetError(error.what, error.where or "evidence", hint=error.hint) from error

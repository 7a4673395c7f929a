"""What the kernel says that this process holds."""

from __future__ import annotations

import gc
import resource
from pathlib import Path

_PAGE = resource.getpagesize()


def resident_bytes() -> int:
    """RSS now, garbage collected. Linux only."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def peak_bytes() -> int:
    """The most that it ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

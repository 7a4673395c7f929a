"""Who asked, and when."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """Copied into every ledger entry of the request. `at_ns` is monotonic."""

    at_ns: int
    at: datetime
    request: str
    key: str | None
    params: str | None

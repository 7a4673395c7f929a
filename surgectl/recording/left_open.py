"""What a shard leaves behind whose worker died: which of its intents have no end."""

from __future__ import annotations

from pathlib import Path

import msgspec

from surgectl.recording.folder import Folder
from surgectl.recording.manifest import LostWorker
from surgectl.recording.repair import read_rows
from surgectl.recording.rows import IntentRow, InvokeRow, LeftRow

_NAMED_AT_MOST = 20


def with_open_intents(lost: LostWorker, run: Path) -> LostWorker:
    """The same loss with what its recording tells; a torn end of that is skipped. Raises DamagedError."""
    path = Folder(run).ops_file(lost.shard)
    tabs: dict[str, int] = {}
    """Intent → the tabs that are open, a bit each."""
    rows = read_rows(path) if path.exists() else iter(())
    for _, row in rows:
        if isinstance(row, IntentRow):
            tabs[row.intent] = 1
        elif isinstance(row, InvokeRow) and row.role != "status" and row.intent in tabs:
            tabs[row.intent] |= 1 << row.tab
        elif isinstance(row, LeftRow) and row.intent in tabs:
            tabs[row.intent] &= ~(1 << row.tab)
    left_open = [intent for intent, open_tabs in tabs.items() if open_tabs]
    return msgspec.structs.replace(
        lost, intents=len(tabs), open_intents=len(left_open), open=sorted(left_open)[:_NAMED_AT_MOST]
    )

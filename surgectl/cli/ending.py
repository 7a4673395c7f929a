"""How a rehearsal ended, in the words of its first page."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from surgectl.errors import SurgectlError
from surgectl.recording import manifest as manifests
from surgectl.recording.left_open import with_open_intents
from surgectl.recording.manifest import LostWorker, Manifest, Tally


def ended(manifest: Manifest, tally: Tally, *, stage_broke: str, signalled: signal.Signals | None) -> Manifest:
    """The manifest with its last status: what went wrong first is why, and a signal only where nothing did."""
    if tally.script_errors:
        said = f"{tally.script_errors} fans failed: {tally.first_script_error}"
        manifest = manifests.replace(manifest, status="failed", why=said, our_fault=True)
    if manifest.status == "running" and stage_broke:
        manifest = manifests.replace(manifest, status="failed", why=stage_broke)
    if manifest.status == "running":
        manifest = manifests.replace(
            manifest,
            status="aborted" if signalled else "done",
            stopped_by=signalled.name if signalled else "",
            why=f"stopped by {signalled.name}" if signalled else "",
        )
    return manifests.replace(manifest, stage_broke=stage_broke, tally=tally)


def examined(losses: Sequence[LostWorker], folder: Path) -> list[LostWorker]:
    """The losses with what the recording tells of them; one that cannot be read tells nothing more."""
    found = []
    for lost in losses:
        try:
            found.append(with_open_intents(lost, folder))
        except (SurgectlError, OSError):
            found.append(lost)
    return found

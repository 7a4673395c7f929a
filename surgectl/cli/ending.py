"""How a rehearsal ended, in the words of its first page."""

from __future__ import annotations

from surgectl.cli.interrupts import Stop
from surgectl.recording import manifest as manifests
from surgectl.recording.manifest import Manifest, Tally


def ended(manifest: Manifest, tally: Tally, *, stage_broke: str, stop: Stop | None) -> Manifest:
    """The manifest with its last status: what went wrong first is why, and a stop only where nothing did."""
    if tally.script_errors:
        said = f"{tally.script_errors} fans failed: {tally.first_script_error}"
        manifest = manifests.replace(manifest, status="failed", why=said, our_fault=True)
    if manifest.status == "running" and stage_broke:
        manifest = manifests.replace(manifest, status="failed", why=stage_broke)
    if manifest.status == "running":
        manifest = aborted(manifest, stop) if stop is not None else manifests.replace(manifest, status="done")
    return manifests.replace(manifest, stage_broke=stage_broke, tally=tally)


def aborted(manifest: Manifest, stop: Stop, *, when: str = "") -> Manifest:
    """The manifest of a rehearsal that was stopped; `when` is added to why."""
    return manifests.replace(manifest, status="aborted", stopped_by=stop.by, why=stop.why + when)

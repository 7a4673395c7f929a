"""What happened, as the Chaos Toolkit writes it down: `journal.json`, which its reports can be made of.

https://chaostoolkit.org/reference/api/journal/. The verdict is the hypothesis after the method: a pass meets it, a
failure deviates from it. An inconclusive run does too, and its probe is `failed`: as with a probe that could not tell.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from surgectl.recording.manifest import Manifest, run_folder
from surgectl.report.experiment import Activity, Asked, Experiment, Provider, experiment_of, rehearsal_of, verdict_of
from surgectl.report.summary import ChaosLine, Summary, fate_of
from surgectl.text import one_line, tamed

NAME = "journal.json"
_STATUS = {"done": "completed", "aborted": "aborted", "failed": "failed", "running": "interrupted"}
_SIGNALS = frozenset({"SIGINT", "SIGTERM"})


class Ran(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An activity that was done."""

    activity: Activity
    output: Any
    start: str
    status: str
    """succeeded · failed"""
    end: str
    duration: float
    exception: tuple[str, ...] = ()
    tolerance_met: bool | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a hypothesis was met."""

    steady_state_met: bool
    probes: tuple[Ran, ...]


class States(msgspec.Struct, frozen=True, kw_only=True):
    before: State | None = None
    after: State | None = None
    during: tuple[State, ...] = ()


class Journal(msgspec.Struct, frozen=True, kw_only=True, rename={"chaoslib": "chaoslib-version"}):
    """The file, with chaoslib's own keys (chaoslib/run.py)."""

    chaoslib: str
    """Who wrote it: surgectl and its version."""
    platform: str = "unknown"
    node: str = "unknown"
    """A recording names nobody's machine."""
    experiment: Experiment
    start: str
    status: str
    """completed · failed · aborted · interrupted"""
    deviated: bool
    steady_states: States
    run: tuple[Ran, ...]
    rollbacks: tuple[Ran, ...]
    end: str
    duration: float


def render(summary: Summary, manifest: Manifest) -> bytes:
    """journal.json, whole."""
    journal = tamed(msgspec.to_builtins(journal_of(summary, manifest)), lambda text: one_line(text, 4000))
    return msgspec.json.format(msgspec.json.encode(journal), indent=2) + b"\n"


def journal_of(summary: Summary, manifest: Manifest) -> Journal:
    """The journal of a run: of what its recording says, and what the audit found."""
    clock = _Clock(manifest.started_epoch_s)
    asked = asked_of(manifest)
    ends_s = max(manifest.duration_s, *(fault.healed_at_s or 0.0 for fault in summary.chaos), 0.0)
    played = [fault for fault in summary.chaos if not fault.left_out]
    told = {"status": summary.exit_code, "stdout": summary.headline, "stderr": manifest.why}
    run = [clock.ran(rehearsal_of(asked), told, 0.0, ends_s, failed=manifest.status == "failed")]
    run += [_fault(clock, fault, asked, ends_s) for fault in played]
    passed, unknown = summary.exit_code == 0, summary.verdict == "unknown"
    verdict = clock.ran(verdict_of(asked), told, ends_s, ends_s, failed=unknown, tolerance_met=passed)
    status = "interrupted" if manifest.stopped_by in _SIGNALS else _STATUS[manifest.status]
    return Journal(
        chaoslib=f"surgectl {manifest.version}",
        experiment=experiment_of(asked),
        start=clock.at(0.0),
        status="failed" if status == "completed" and unknown else status,
        deviated=not passed,
        steady_states=States(after=State(steady_state_met=passed, probes=(verdict,))),
        run=tuple(run),
        rollbacks=tuple(_heal(clock, fault, asked, ends_s) for fault in played if fault.applied),
        end=clock.at(ends_s),
        duration=ends_s,
    )


def asked_of(manifest: Manifest) -> Asked:
    """Which rehearsal a recording holds, in the words of an experiment."""
    about = manifest.rehearsal.get("about")
    return Asked(
        profile=manifest.profile,
        about=about if isinstance(about, str) else "",
        named=manifest.asked or manifest.profile,
        flags=("--seed", str(manifest.seed), *manifest.flags),
        latest=latest_of("reports", manifest.profile),
        brownouts=[fault.brownout for fault in manifest.faults],
    )


def latest_of(reports: str, profile: str) -> str:
    """The link that points at the newest run of a profile."""
    return str(run_folder(Path(reports), profile, datetime.fromtimestamp(0, UTC), 0).with_name("latest"))


def _fault(clock: _Clock, fault: ChaosLine, asked: Asked, ends_s: float) -> Ran:
    begun = fault.planned_from_s if fault.applied_at_s is None else fault.applied_at_s
    over = fault.planned_to_s if fault.healed_at_s is None else fault.healed_at_s
    output = {
        "link": fault.link,
        "brownout": fault.brownout,
        "applied": fault.applied,
        "verified": fault.verified,
        "healed": fault.healed,
        "detail": fault.detail,
    }
    how = rehearsal_of(asked).provider
    activity = Activity(type="action", name=_name(fault), provider=how, background=True)
    bad = not (fault.applied and fault.healed)
    return clock.ran(activity, output, begun, max(begun, min(over, ends_s)), failed=bad, why=fate_of(fault))


def _heal(clock: _Clock, fault: ChaosLine, asked: Asked, ends_s: float) -> Ran:
    at = ends_s if fault.healed_at_s is None else fault.healed_at_s
    how = Provider(type="process", path="surgectl", arguments=("chaos", "heal", "--reports", asked.reports))
    activity = Activity(type="action", name=f"heal {_name(fault)}", provider=how)
    return clock.ran(activity, {"healed": fault.healed}, at, at, failed=not fault.healed, why=fate_of(fault))


def _name(fault: ChaosLine) -> str:
    return f"{fault.brownout} on {fault.link}" if fault.link else f"{fault.brownout} by a command"


class _Clock:
    """Seconds of a run as the world's time."""

    def __init__(self, started_epoch_s: float) -> None:
        self._started = started_epoch_s

    def at(self, seconds: float) -> str:
        return datetime.fromtimestamp(self._started + seconds, UTC).isoformat()

    def ran(
        self,
        activity: Activity,
        output: Any,
        begun: float,
        over: float,
        *,
        failed: bool,
        why: str = "",
        tolerance_met: bool | None = None,
    ) -> Ran:
        return Ran(
            activity=activity,
            output=output,
            start=self.at(begun),
            status="failed" if failed else "succeeded",
            end=self.at(over),
            duration=round(over - begun, 6),
            exception=(why,) if failed and why else (),
            tolerance_met=tolerance_met,
        )

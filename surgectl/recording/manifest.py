"""The first page of a recording: what was rehearsed, when, by whom, and whether it came to its end.

`run.json` is written when the run begins (status `running`) and once more when it ends. A manifest that still says
`running` while its process is gone tells of a kill.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from surgectl.errors import SurgectlError, UsageError
from surgectl.units import NS_PER_S, show_duration

SCHEMA = "surgectl.recording/1"

Status = Literal["running", "done", "aborted", "failed"]


class PhaseNote(msgspec.Struct, frozen=True, kw_only=True):
    """A phase of the plan, on the run's clock."""

    name: str
    start_ns: int
    end_ns: int
    first_fan: int = 0
    fans: int = 0
    peak_rate_per_s: float = 0.0


class FaultNote(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of the plan, on the run's clock."""

    fault: str
    from_ns: int
    to_ns: int
    link: str = ""
    brownout: str = ""
    toxicity: float = 1.0
    """Share of the connections that its weakest toxic acts on; 1 where it has none."""


class LinkNote(msgspec.Struct, frozen=True, kw_only=True):
    """A proxied connection between shop and dependency."""

    name: str
    proxy: str = ""
    """The proxy's name in Toxiproxy."""
    listen: str = ""
    upstream: str = ""


class SaleNote(msgspec.Struct, frozen=True, kw_only=True):
    """What was for sale, as the profile said (never as the shop says)."""

    tickets: int
    price_minor: int
    currency: str
    limit: int | None = None
    order: str = "fifo"
    wants: dict[str, float] = {}


class SettlingNote(msgspec.Struct, frozen=True, kw_only=True):
    """How long eventual conditions may stay open (invariants.md R3)."""

    window_ns: int
    at_most_ns: int
    parts: dict[str, int] = {}


class PromisesNote(msgspec.Struct, frozen=True, kw_only=True):
    """The shop's own constants, after the profile's overlay."""

    hold_ttl_ns: int = 0
    payment_timeout_ns: int = 0
    payment_tries: int = 0
    reconcile_every_ns: int = 0
    webhook_delay_ns: int = 0
    payment_deadline_ns: int = 0
    late_refunds_ns: int = 0
    staleness_ns: int = 5 * NS_PER_S
    one_order_per: str = "none"


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What the generator counted: to be compared with the rows, never instead of them."""

    arrived: int = 0
    """Arrivals let loose."""
    dropped: int = 0
    """Arrivals that we could not send in time."""
    late: int = 0
    """Arrivals let loose later than the profile's `generator.late_at_most`."""
    paused: int = 0
    """Arrivals that were due while somebody had paused them, and never came."""
    active: int = 0
    """Fans that had not left when this was counted."""
    left: int = 0
    """Fans that had."""
    sent: int = 0
    """Attempts handed to the driver."""
    cut_off: int = 0
    """Fans whose time ran out at the drain's deadline."""
    script_errors: int = 0
    """Fans whose script or judge failed: an internal error (exit 70)."""
    first_script_error: str = ""
    target_errors: int = 0
    """Tabs that could not go on because a request needed a variable that nothing had set: an error of the target."""
    first_target_error: str = ""
    calls: int = 0
    """Times that an extension's step was called, and how long everybody waited for it in all."""
    calls_ns: int = 0
    slow_calls: int = 0
    """Of them longer than 10 ms."""
    first_slow_call: str = ""
    status_reads: int = 0
    statuses_unread: int = 0
    """Accepted or unknown intents whose status could not be read before the deadline."""


def summed(tallies: Sequence[Tally]) -> Tally:
    """The tallies of several shards as one; of the errors in words the first is kept."""
    counts: dict[str, Any] = {}
    for name in Tally.__struct_fields__:
        values = [getattr(tally, name) for tally in tallies]
        counts[name] = next(filter(None, values), "") if name.startswith("first_") else sum(values)
    return Tally(**counts)


class LostWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker process that ended before its time. Its fans are those whose number % `of` is `shard`."""

    shard: int
    of: int
    at_ns: int
    """When it was missed."""
    why: str
    planned: int = 0
    """Fans of its shard."""
    arrived: int = 0
    """Of them let loose, as it said last."""
    left: int = 0
    """Of them gone home in peace, as it said last."""
    intents: int = 0
    """Of them in the recording."""
    open_intents: int = 0
    """Of those, without an end: what they hold or have paid for, nobody asked after."""
    open: list[str] = []
    """The first of their names."""

    def __str__(self) -> str:
        lost = f"worker {self.shard} of {self.of} was lost after {show_duration(self.at_ns)} ({self.why})"
        whose = f"its {self.planned:,} fans (number % {self.of} = {self.shard})"
        came = f"{self.planned - self.arrived:,} had not come, {self.arrived - self.left:,} were on site"
        ends = f", {self.open_intents:,} intents have no end" if self.open_intents else ""
        return f"{lost}: of {whose} {came}{ends}; none was tried again"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """run.json, whole. Values that came from the environment are redacted before they get here."""

    run: str
    """The run's id."""
    profile: str
    """The profile's name."""
    seed: int
    digest: str
    """The plan's digest."""
    version: str
    """Of surgectl."""
    started_at: str
    """ISO 8601, UTC: the wall time of row time zero."""
    started_epoch_s: float
    """The same instant in seconds since the epoch: joins foreign ledgers' clocks to ours."""
    started_monotonic_ns: int = 0
    """The same instant on CLOCK_MONOTONIC of the machine that ran it."""
    schema: str = SCHEMA
    status: Status = "running"
    ended_at: str = ""
    duration_s: float = 0.0
    """From row time zero to the end of the run; planned length while it runs."""
    target: str = ""
    """The target's name."""
    facts: dict[str, str] = {}
    """What the target says of the shop: version, database, workers."""
    rehearsal: dict[str, Any] = {}
    """The whole effective profile as plain data, redacted."""
    target_file: dict[str, Any] = {}
    """The whole effective target as plain data, redacted."""
    sale: SaleNote | None = None
    phases: list[PhaseNote] = []
    faults: list[FaultNote] = []
    left_out: list[FaultNote] = []
    """Optional faults whose link this target does not have: planned, never played."""
    by_hand: list[FaultNote] = []
    """Faults that somebody switched on during the run: on from `from_ns` to `to_ns` as it was asked for."""
    links: list[LinkNote] = []
    promises: PromisesNote = PromisesNote()
    settling: SettlingNote | None = None
    last_fan_ns: int | None = None
    """When the last fan had left: the settling window starts here."""
    settled_ns: int | None = None
    toxiproxy: str = ""
    """URL of the proxy's API; empty where no link was proxied."""
    proxy_kind: str = ""
    """given · found · embedded"""
    stage: str = ""
    """Where the stage that was put up for this run listens for kill and restart; it ends with the run."""
    stage_broke: str = ""
    """A part of that stage ended without being asked to: what was measured from then on says nothing of the shop."""
    own_stage: bool = False
    """The shop was put up for this run alone: whatever stands in its books, a fan of ours did."""
    pid: int = 0
    trace_sample: float | None = None
    """Of the fans, whose requests said that their trace is kept (recording/traces.py); None: none carried a trace."""
    workers: int = 1
    """Processes that sent, a shard each."""
    lost_workers: list[LostWorker] = []
    """Those of them that ended before their time: the run says nothing definite of the shop."""
    asked: str = ""
    """The profile as the command line named it: a path or a name."""
    flags: list[str] = []
    """Of the command line, redacted: what repeats this rehearsal beside profile and seed."""
    why: str = ""
    """Why it was aborted or failed."""
    stopped_by: str = ""
    """SIGINT or SIGTERM, where that is why."""
    our_fault: bool = False
    """It failed by an error of surgectl's own (exit 70)."""
    left_behind: str = ""
    """Why what was bought may still stand: the target's teardown failed, or never ran. Empty: it ended well."""
    tally: Tally = Tally()


_decoder = msgspec.json.Decoder(Manifest)


def stamp(at: datetime) -> str:
    """An instant in UTC as manifests write it: ISO 8601 with milliseconds and Z."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def manifest_path(folder: Path) -> Path:
    return folder / "run.json"


def save(manifest: Manifest, folder: Path) -> None:
    """Write run.json whole or not at all (a rename is atomic, POSIX rename(2)). SurgectlError (exit 70) where it cannot
    be written."""
    path = manifest_path(folder)
    fresh = path.with_name(f".run.json.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        what = f"cannot write the recording: {error.strerror}"
        raise SurgectlError(what, where=str(path), hint="is the disk full?") from error


def load(folder: Path) -> Manifest:
    """Read run.json of a recording. UsageError where there is none, or one that we cannot understand."""
    path = manifest_path(folder)
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "name the folder of a run, e.g. reports/smoke/latest"
        raise UsageError(f"not a recording: {error.strerror}", where=str(path), hint=hint) from error
    try:
        said = msgspec.json.decode(data)
        schema = said.get("schema") if isinstance(said, dict) else None
        if schema != SCHEMA:
            raise UsageError(f"a recording of format {schema!r}; this surgectl reads {SCHEMA!r}", where=str(path))
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not a manifest: {error}", where=str(path)) from error


def replace(manifest: Manifest, **changes: Any) -> Manifest:
    """The same manifest with some fields changed."""
    return msgspec.structs.replace(manifest, **changes)


def run_folder(reports: Path, profile: str, started: datetime, seed: int) -> Path:
    """`reports/PROFILE/20300101T120000Z-SEED`: sorted by name is sorted by time."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", profile).strip(".-") or "profile"
    return reports / safe / f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{seed}"


def create_run_folder(reports: Path, profile: str, started: datetime, seed: int) -> Path:
    """Make the run's folder, never one that exists: two runs in one second get `-2`, `-3` …"""
    wanted = run_folder(reports, profile, started, seed)
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise UsageError("a thousand runs of this seed in one second", where=str(wanted))


def point_latest(folder: Path) -> None:
    """Let `latest` beside the run's folder point at it, atomically. A `latest` that is no link is left alone."""
    latest = folder.parent / "latest"
    if latest.exists() and not latest.is_symlink():
        return
    fresh = latest.with_name(f".latest.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.name, target_is_directory=True)
    fresh.replace(latest)

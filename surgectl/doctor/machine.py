"""Has this machine room for the crowd: files, ports, cores, disk?"""

from __future__ import annotations

import importlib.util
import resource
import shutil
from pathlib import Path

import msgspec

from surgectl.doctor.checkup import Checkup, Verdict
from surgectl.engine.drivers.sources import check_sources, spelled_out
from surgectl.errors import UsageError
from surgectl.plan.build import Plan
from surgectl.profile.target import Target

WANTED_FILES = 65_536
"""What a run raises its own limit to, where it may (engine/guard.py)."""
SPARE_FILES = 200
"""Recording, tap, books, libraries: what a worker holds open besides connections."""
BYTES_A_FAN = 5_000
"""A hundred events of 50 bytes: a fan who joins a line, polls, holds, pays and polls again writes fewer."""
SPARE_BYTES = 500_000_000
"""For Parquet, evidence and the report."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine gives us. None: this system does not say."""

    most_files: int
    """Open files that one worker may have, once it has raised its limit."""
    ports: tuple[int, int] | None
    """The first and the last that the kernel takes for outgoing connections."""
    cores: int
    workers: int
    """As many as a run of this profile would start."""
    free_bytes: int | None
    backlog: int | None
    """Most connections that a listener here lets wait to be accepted."""
    uvloop: bool


def machine_here(reports: Path, *, cores: int, workers: int) -> Machine:
    """Asks the system; changes nothing."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Machine(
        most_files=WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard),
        ports=_pair(Path("/proc/sys/net/ipv4/ip_local_port_range")),
        cores=cores,
        workers=workers,
        free_bytes=_free(reports),
        backlog=_number(Path("/proc/sys/net/core/somaxconn")),
        uvloop=importlib.util.find_spec("uvloop") is not None,
    )


def look_at_machine(machine: Machine, target: Target, plan: Plan | None = None) -> list[Checkup]:
    """Each limit against the crowd of the profile; without a profile they are only named."""
    fans = plan.fans_total if plan is not None else None
    found = [_files(machine, fans), *_ports(machine, target, fans), _cores(machine, fans), _disk(machine, fans)]
    if not machine.uvloop:
        found.append(_told("uvloop", "note", "is not there: this machine sends fewer requests a second", "install it"))
    return found + _backlog(machine, plan)


async def look_at_sources(target: Target) -> list[Checkup]:
    """Whether fans can come from the addresses of `bind`, as a run asks before it begins. Sends nothing."""
    if not target.bind:
        return []
    try:
        await check_sources(target.bind, [target.base_url, *target.origins.values()])
    except UsageError as error:
        where = error.where or "bind"
        return [
            Checkup(part="machine", name="bind", verdict="fail", what=error.what, where=where, fix=error.hint or "")
        ]
    sources = len(spelled_out(target.bind))
    return [_told("bind", "pass", f"{sources} addresses to come from, and from each a way to the shop")]


def _files(machine: Machine, fans: int | None) -> Checkup:
    said = f"{machine.most_files:,} open files a worker"
    if fans is None:
        return _told("open files", "pass", said)
    needed = -(-fans // machine.workers) + SPARE_FILES
    said += f", {needed:,} needed at worst (a connection for each of {fans:,} fans, {_workers(machine)})"
    if needed > machine.most_files:
        fix = f"raise the hard limit (ulimit -Hn {needed}, LimitNOFILE={needed}), or more --workers"
        return _told("open files", "fail", said, fix)
    return _told("open files", "pass", said)


def _ports(machine: Machine, target: Target, fans: int | None) -> list[Checkup]:
    if machine.ports is None:
        return [_told("ports", "unknown", "this system does not say how many there are for outgoing connections")]
    first, last = machine.ports
    sources = len(spelled_out(target.bind))
    room = (last - first + 1) * max(1, sources)
    by = f" from {sources} source addresses" if sources > 1 else ""
    said = f"{room:,} connections to one address at once{by} (ports {first} to {last})"
    if fans is None or fans <= room:
        return [_told("ports", "pass", said + (f", {fans:,} fans" if fans is not None else ""))]
    fix = "bind: [address, …] in the target, several source addresses; or a wider net.ipv4.ip_local_port_range"
    return [_told("ports", "fail", f"{said}, {fans:,} fans", fix)]


def _cores(machine: Machine, fans: int | None) -> Checkup:
    said = f"{machine.cores} that we may use"
    return _told("cores", "pass", said if fans is None else f"{said}; {fans:,} fans play in {_workers(machine)}")


def _disk(machine: Machine, fans: int | None) -> Checkup:
    if machine.free_bytes is None:
        return _told("disk", "unknown", "how much is free where reports are written cannot be seen")
    said = f"{machine.free_bytes / 1e9:,.1f} GB free for the recording"
    if fans is None:
        return _told("disk", "pass", said)
    needed = fans * BYTES_A_FAN + SPARE_BYTES
    said += f", {needed / 1e9:,.1f} GB needed at most"
    if needed > machine.free_bytes:
        return _told("disk", "fail", said, "clear some, or --reports DIR on another disk")
    return _told("disk", "pass", said)


def _backlog(machine: Machine, plan: Plan | None) -> list[Checkup]:
    """Only where it is likely to matter: a shop on this machine, and more arrivals a second than may wait."""
    if machine.backlog is None or plan is None or plan.peak_rate_per_s <= machine.backlog:
        return []
    said = f"net.core.somaxconn is {machine.backlog:,}, and {plan.peak_rate_per_s:,.0f} fans come in the worst second"
    return [_told("backlog", "note", said, "where the shop runs on this machine, raise it there")]


def _workers(machine: Machine) -> str:
    return "one process" if machine.workers == 1 else f"{machine.workers} workers"


def _told(name: str, verdict: Verdict, what: str, fix: str = "") -> Checkup:
    return Checkup(part="machine", name=name, verdict=verdict, what=what, fix=fix)


def _pair(path: Path) -> tuple[int, int] | None:
    try:
        first, last = path.read_text("ascii").split()
        return int(first), int(last)
    except (OSError, ValueError):
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _free(folder: Path) -> int | None:
    """Of the disk that holds the folder, or the nearest one above it that exists."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return None

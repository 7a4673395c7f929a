"""The generator's own pulse: a load tester that is short of breath must not blame the shop."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from surgectl.engine.scene import Scene
from surgectl.recording.rows import VitalsRow

_TICK_NS = 50_000_000
_ROW_NS = 1_000_000_000
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Usage(msgspec.Struct, frozen=True):
    """Processor time used so far."""

    own_s: float
    """By this process, all threads."""
    busy_ticks: int
    """By the whole machine, in the kernel's ticks; both 0 where there is no /proc/stat."""
    all_ticks: int


def usage() -> Usage:
    """Processor time of this process (getrusage(2)) and of the machine (proc(5), /proc/stat)."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    busy, total = 0, 0
    try:
        with Path("/proc/stat").open(encoding="ascii") as file:
            # user nice system idle iowait irq softirq steal: guest time is already within user.
            ticks = [int(word) for word in file.readline().split()[1:9]]
        total = sum(ticks)
        busy = total - ticks[3] - ticks[4]
    except FileNotFoundError:
        pass  # not Linux: the machine's share is then reported as 0
    return Usage(own.ru_utime + own.ru_stime, busy, total)


def rss_bytes() -> int:
    """Resident memory now (proc(5)); its peak where there is no /proc."""
    try:
        with Path("/proc/self/statm").open(encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


async def watch(scene: Scene, write: Callable[[VitalsRow], None]) -> None:
    """Write a row a second, from the run's start until cancelled.

    The loop's lag is how late our own 50 ms timer wakes, at worst.
    """
    counts = scene.counts
    await scene.sleep_until_ns(0)
    before, before_ns = usage(), scene.now_ns()
    lag_ns = 0
    due_ns = before_ns
    while True:
        due_ns += _TICK_NS
        await scene.sleep_until_ns(due_ns)
        now_ns = scene.now_ns()
        lag_ns = max(lag_ns, now_ns - due_ns)
        due_ns = max(due_ns, now_ns - _TICK_NS)  # after a stall: one late tick is measured, not a hundred
        if now_ns - before_ns < _ROW_NS:
            continue
        after = usage()
        spent_ticks = after.all_ticks - before.all_ticks
        write(
            VitalsRow(
                at_ns=now_ns,
                lag_ns=lag_ns,
                cpu=round((after.own_s - before.own_s) / ((now_ns - before_ns) / 1e9), 4),
                machine_cpu=round((after.busy_ticks - before.busy_ticks) / spent_ticks, 4) if spent_ticks else 0.0,
                fans=counts.active,
                in_flight=counts.in_flight,
                sockets=scene.driver.open_sockets,
                rss_bytes=rss_bytes(),
                arrival_lag_ns=counts.worst_arrival_lag_ns,
            )
        )
        counts.worst_arrival_lag_ns = 0
        before, before_ns, lag_ns = after, now_ns, 0

"""CPU time of a process and of all that it started, as Linux counts it."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def parse_stat(line: str) -> tuple[int, int]:
    """/proc/PID/stat → (parent's pid, ticks of user and system time, its own and of children it has waited for)."""
    fields = line.rpartition(")")[2].split()
    return int(fields[1]), sum(int(ticks) for ticks in fields[11:15])


def machine_cpu_s() -> float:
    """Seconds of CPU that anybody has used since the machine began, all cores, with what a hypervisor took away."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICKS_PER_S  # without idle and waiting for a disk


def tree_cpu_s(pid: int) -> float:
    """Seconds of CPU that a process and its living and its reaped descendants have used. 0 where it is gone."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent, used = parse_stat((entry / "stat").read_text(encoding="utf-8", errors="replace"))
        except (OSError, IndexError):  # gone while we looked
            continue
        ticks[int(entry.name)] = used
        children[parent].append(int(entry.name))
    total, open_ = 0, [pid]
    while open_:
        one = open_.pop()
        total += ticks.get(one, 0)
        open_ += children[one]
    return total / _TICKS_PER_S

"""What a figure was measured on: without it, it says nothing."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import msgspec

from benchmarks.client.nginx import find_nginx
from benchmarks.client.peers.peer import said


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Processor, system, interpreter, server."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    nginx: str


def this_machine() -> Machine:
    """The one that we run on."""
    names = re.findall(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    server = find_nginx()
    release = re.search(r'^PRETTY_NAME="?([^"\n]+)', _text("/etc/os-release"), re.MULTILINE)
    return Machine(
        cpu=names[0] if names else platform.processor() or "unknown",
        cores=os.cpu_count() or 0,
        memory_gib=round(int(memory[1]) / 2**20, 1) if memory else 0.0,
        system=f"{release[1] if release else platform.system()}, Linux {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        nginx=said(server, "-v").strip().removeprefix("nginx version: ") if server else "",
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

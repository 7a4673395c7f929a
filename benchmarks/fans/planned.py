"""A fan who has not come yet: the plan of a crowd, and the time to make it."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from benchmarks.fans.crowd import crowd
from benchmarks.fans.resident import peak_bytes, resident_bytes


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A plan of so many fans."""

    fans: int
    bytes_per_fan: float
    """The most that the process grew by while it planned, walked and digested, over the fans."""
    plan_cpu_s: float
    """From the profile's text to the plan."""
    walk_cpu_s: float
    """Each fan's arrival, computed in due order."""
    digest_cpu_s: float
    """The plan's name: each fan once more."""


def planned(fans: int, folder: Path) -> Planned:
    """Plan them all, in this process: have it do nothing else before."""
    (folder / "small").mkdir()
    crowd(folder / "small", 10, 1.0).plan.digest()  # what is loaded once is no fan's
    before = max(resident_bytes(), peak_bytes())
    begun = time.process_time()
    (folder / "large").mkdir()
    plan = crowd(folder / "large", fans, 600.0).plan
    built = time.process_time()
    walked = sum(1 for _ in plan.arrivals())
    walk = time.process_time()
    plan.digest()
    done = time.process_time()
    if walked != fans:
        raise ValueError(f"{walked} arrivals of {fans} fans")
    return Planned(
        fans=fans,
        bytes_per_fan=round((max(resident_bytes(), peak_bytes()) - before) / fans, 1),
        plan_cpu_s=round(built - begun, 6),
        walk_cpu_s=round(walk - built, 6),
        digest_cpu_s=round(done - walk, 6),
    )

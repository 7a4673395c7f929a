"""Rehearsals with two worker processes, and what may happen to them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.rehearsal.acting import Ended, Underway, alive, gone_within, rehearse, underway
from tests.rehearsal.programme import Play

TWO = ("--embedded-proxy", "--workers", 2)


def whole() -> Play:
    """`smoke` to its end."""

    def perform(place: Path) -> Ended:
        return rehearse(place / "reports", *TWO, profile="smoke")

    return Play("two-workers", perform)


def a_worker_is_killed() -> Play:
    """SIGKILL for one of them in the middle of a brownout; notes when, on the run's clock."""

    def perform(place: Path) -> Ended:
        with underway(place, *TWO) as run:
            run.until_broken()
            victim = min(workers(run))
            os.kill(victim, signal.SIGKILL)
            killed_ns = time.monotonic_ns()
            ended = run.ended(children=run.children(), killed_ns=killed_ns)
            ended.extra["left"] = gone_within(ended.extra["children"])
            return ended

    return Play("a-worker-is-killed", perform)


def the_parent_is_killed() -> Play:
    """kill -9 of `surgectl run`; notes which workers are there two seconds later."""

    def perform(place: Path) -> Ended:
        with underway(place, *TWO) as run:
            run.until_broken()
            ours = workers(run)
            os.kill(run.process.pid, signal.SIGKILL)
            left = gone_within(ours, 2.0)
            return run.ended(workers=ours, left=left)

    return Play("their-parent-is-killed", perform)


def ctrl_c() -> Play:
    """SIGINT for the parent and its workers alike, as a terminal does it."""

    def perform(place: Path) -> Ended:
        with underway(place, *TWO) as run:
            run.until_broken()
            children = run.children()
            ours = workers(run)
            for pid in (run.process.pid, *ours):
                os.kill(pid, signal.SIGINT)
            time.sleep(0.2)
            return run.ended(obeyed=alive(ours) == ours, children=children, left=gone_within(children))

    return Play("ctrl-c-for-all", perform)


def workers(run: Underway) -> dict[int, str]:
    return {pid: line for pid, line in run.children().items() if "surgectl.cli.worker" in line}

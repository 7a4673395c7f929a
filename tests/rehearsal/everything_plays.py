"""Rehearsals of the whole stage: every dependency hurt, parts killed, by command and by accident."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from tests.rehearsal.acting import (
    HERE,
    Ended,
    command,
    descendants,
    environment,
    gone_within,
    ports_in_a_row,
    rehearse,
    run_folder,
    surgectl,
    underway,
    until_said,
)
from tests.rehearsal.programme import Play
from tests.servers import NO_POSTGRES, NO_REDIS, find_postgres, find_redis, running_postgres, running_redis

EVERYTHING = HERE / "everything.yaml"
PASSWORD = "hunter22"  # noqa: S105 (the server trusts everybody on loopback)


def by_url(name: str) -> Play:
    """On PostgreSQL and Redis, both by URL; notes what is left in them, and what the parts' command lines showed."""

    def perform(place: Path) -> Ended:
        if find_postgres() is None:
            pytest.skip(NO_POSTGRES)
        if find_redis() is None:
            pytest.skip(NO_REDIS)
        with running_postgres() as postgres, running_redis() as redis:
            url = postgres.replace("surgectl@", f"surgectl:{PASSWORD}@")
            env = environment(STAGE_DATABASE=url, STAGE_CACHE=redis)
            with underway(place, "--embedded-proxy", profile=EVERYTHING, env=env) as run:
                run.until_broken()
                shown = descendants(run.process.pid)
                ended = run.ended(within_s=120, shown=shown, postgres=postgres, redis=redis)
            with psycopg.connect(postgres) as database:
                query = "select nspname from pg_namespace where nspname like 'surgectl%'"
                ended.extra["left"] = database.execute(query).fetchall()
            return ended

    return Play(name, perform)


def on_sqlite(name: str) -> Play:
    """The same profile on a stage without database and cache."""
    return Play(name, lambda place: rehearse(place / "reports", "--embedded-proxy", profile=EVERYTHING))


def part_dies(name: str) -> Play:
    """The shop is killed by somebody who told nobody."""

    def perform(place: Path) -> Ended:
        with underway(place, "--embedded-proxy") as run:
            run.until_broken()
            (shop,) = [pid for pid, line in run.children().items() if " stage shop " in line]
            os.kill(shop, signal.SIGKILL)
            return run.ended(within_s=120)

    return Play(name, perform)


def killed_with_a_command_on(name: str) -> Play:
    """kill -9 while a fault by command is on; then `chaos heal`, twice."""

    def perform(place: Path) -> Ended:
        place.mkdir(exist_ok=True)
        gone, mended = place / "gone", place / "mended"
        profile = place / "drill.yaml"
        text = (HERE / "drill.yaml").read_text()
        fault = (
            f"  - {{at: on-sale, for: 60s, exec: {{run: [touch, '{gone}'], check: [test, -e, '{gone}'],"
            f" heal: [sh, -c, 'echo once >> {mended}; rm {gone}']}}}}\n"
        )
        profile.write_text(re.sub(r"^probe:", f"{fault}probe:", text, flags=re.MULTILINE))
        (place / "fans").symlink_to(HERE / "fans")
        with underway(place, "--embedded-proxy", profile=profile) as run:
            run.until("the command was run", gone.exists)
            run.until_broken()
            os.kill(run.process.pid, signal.SIGKILL)
            ended = run.ended(was_broken=gone.exists())
        folder = run_folder(run.reports)
        ended.extra["healing"] = [surgectl("chaos", "heal", folder) for _ in range(2)]
        ended.extra.update(gone=gone.exists(), mended=mended.read_text() if mended.exists() else "")
        return ended

    return Play(name, perform)


def signalled_twice_with_a_command_on(name: str) -> Play:
    """Two signals while a fault by command is on, whose mending takes longer than anybody waits for us."""

    def perform(place: Path) -> Ended:
        gone, mended = place / "gone", place / "mended"
        heal = f"[sh, -c, 'sleep 4; rm {gone}; touch {mended}']"
        fault = f"[{{at: on-sale, for: 60s, exec: {{run: [touch, '{gone}'], heal: {heal}}}}}]"
        with underway(place, "--embedded-proxy", "--set", f"chaos={fault}") as run:
            run.until("the command was run", gone.exists)
            os.kill(run.process.pid, signal.SIGTERM)
            time.sleep(0.1)
            os.kill(run.process.pid, signal.SIGTERM)
            ended = run.ended()
            deadline = time.monotonic() + 15
            while not mended.exists() and time.monotonic() < deadline:
                time.sleep(0.1)
        ended.extra.update(mended=mended.exists(), gone=gone.exists())
        return ended

    return Play(name, perform)


def against_a_stage_that_is_up(name: str) -> Play:
    """`surgectl stage up`, a part killed and restarted with the lines it prints, then its `run` line as printed."""

    def perform(place: Path) -> Ended:
        place.mkdir(exist_ok=True)
        ports = ports_in_a_row(8)
        words = ["stage", "up", HERE / "drill.yaml", "--port", ports, "--set", "stage.workers=1"]
        with (place / "said").open("wb") as out:
            up = subprocess.Popen(
                command(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=HERE.parents[1]
            )
        try:
            said = until_said(place / "said", "Ctrl-C ends it", up)
            lines = [shlex.split(line)[1:] for line in said.splitlines() if line.startswith("surgectl ")]
            doors = [surgectl(*line) for line in lines if line[1] in ("kill", "restart")]
            (run,) = [line for line in lines if line[0] == "run"]
            ended = rehearse(place / "reports", *run[2:], profile=run[1])
            children = descendants(up.pid)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)
        page = re.search(r"shop +(http://127\.0\.0\.1:\d+/)", said)
        ended.extra.update(doors=doors, said=said, page=page, left=gone_within(children))
        return ended

    return Play(name, perform)

"""Starts `surgectl` as a person would, and holds on to what it left behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import zstandard
from pyarrow import parquet

from tests.toxiproxy_binary import free_port

HERE = Path(__file__).parent
DRILL = HERE / "drill.yaml"
_AT_MOST_S = 300.0

# What the tests' own machine says must not change what surgectl does.
_PLAIN = {k: v for k, v in os.environ.items() if not k.startswith("SURGECTL_") and k not in ("NO_COLOR", "TERM")}


@dataclass(frozen=True)
class Ended:
    """A process of ours that came to its end, and the recording it made, if any."""

    code: int
    out: str
    err: str
    took_s: float = 0.0
    folder: Path | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """What a longer play noted on its way."""

    @property
    def said(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out[-6000:]}\n--- stderr\n{self.err[-3000:]}"

    @property
    def path(self) -> Path:
        assert self.folder is not None, f"no recording was made: {self.said}"
        return self.folder

    @cached_property
    def report(self) -> dict[str, Any]:
        return json.loads((self.path / "report.json").read_bytes())

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.path / "run.json").read_bytes())

    @cached_property
    def chaos(self) -> list[dict[str, Any]]:
        return lines(self.path / "chaos.jsonl")

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The recording's rows, in order."""
        return lines(self.path / "ops" / "0.jsonl.zst")

    def finding(self, name: str) -> dict[str, Any]:
        return next(f for f in self.report["invariants"] if f["id"] == name)

    def verdicts(self) -> dict[str, str]:
        return {f["id"]: f["verdict"] for f in self.report["invariants"]}


def texts(path: Path) -> list[str]:
    """The lines of a file of the recording, unpacked where it is packed."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    return data.decode().splitlines()


def readable(path: Path) -> str:
    """All that a file of a run's folder says, however it is packed: what is sought in packed bytes is never found."""
    if path.suffix == ".parquet":
        return "\n".join(str(row) for row in parquet.read_table(path).to_pylist())
    if path.suffix == ".zst":
        return "\n".join(texts(path))
    return path.read_bytes().decode(errors="replace")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in texts(path)]


def environment(**more: str | None) -> dict[str, str]:
    """This process' environment without what changes surgectl's mind, with `more`; None removes a name."""
    wanted = {**_PLAIN, **{k: v for k, v in more.items() if v is not None}}
    return {k: v for k, v in wanted.items() if not (k in more and more[k] is None)}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "surgectl", *(str(argument) for argument in arguments)]


def surgectl(*arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> Ended:
    """Run a verb to its end."""
    begun = time.monotonic()
    done = subprocess.run(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_AT_MOST_S,
        cwd=cwd or HERE.parent.parent,
        env=env or environment(),
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr, took_s=time.monotonic() - begun)


def rehearse(
    reports: Path,
    *arguments: object,
    profile: object = DRILL,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Ended:
    """`surgectl run` to its end, with the recording it made below `reports`."""
    ended = surgectl("run", profile, "--reports", reports, *arguments, env=env, cwd=cwd)
    return with_folder(ended, reports)


def with_folder(ended: Ended, reports: Path, **extra: Any) -> Ended:
    return Ended(
        code=ended.code, out=ended.out, err=ended.err, took_s=ended.took_s, folder=run_folder(reports), extra=extra
    )


def run_folder(reports: Path) -> Path | None:
    """The only recording below `reports`, or None."""
    found = [p.parent for p in reports.glob("*/*/run.json") if not p.parent.is_symlink()]
    assert len(found) < 2, found
    return found[0] if found else None


class Underway:
    """A rehearsal that is still going on."""

    def __init__(self, process: subprocess.Popen[bytes], reports: Path, out: Path, err: Path) -> None:
        self.process = process
        self.reports = reports
        self._out, self._err = out, err
        self._begun = time.monotonic()

    def until(self, what: str, seen: Callable[[], object], within_s: float = 150.0) -> None:
        """Wait until something is seen; fails when the process ends before."""
        deadline = time.monotonic() + within_s
        while not seen():
            assert self.process.poll() is None, f"it ended before {what}: {self.ended().said}"
            assert time.monotonic() < deadline, f"waited {within_s:g}s for {what}"
            time.sleep(0.02)

    def until_broken(self) -> None:
        """Wait until a fault is on."""
        self.until("the fault was applied", lambda: '"applied"' in self._chaos())

    def _chaos(self) -> str:
        folder = run_folder(self.reports)
        path = folder / "chaos.jsonl" if folder else None
        return path.read_text() if path and path.exists() else ""

    def said(self) -> bytes:
        """What it has written so far."""
        return self._out.read_bytes() + self._err.read_bytes()

    def children(self) -> dict[int, str]:
        """The processes that it started, with what they are."""
        return descendants(self.process.pid)

    def ended(self, within_s: float = 150.0, **extra: Any) -> Ended:
        begun = time.monotonic()
        self.process.wait(within_s)
        ended = Ended(
            code=self.process.returncode,
            out=self._out.read_text(errors="replace"),
            err=self._err.read_text(errors="replace"),
            took_s=time.monotonic() - begun,
        )
        return with_folder(ended, self.reports, **extra)


@contextmanager
def underway(
    place: Path,
    *arguments: object,
    profile: object = DRILL,
    env: dict[str, str] | None = None,
    own_group: bool = False,
) -> Iterator[Underway]:
    """`surgectl run`, started and left to itself; ended at the end of the block, whatever happens.

    `own_group`: as a terminal starts it, so that a Ctrl-C can be sent to it and all that it started.
    """
    place.mkdir(parents=True, exist_ok=True)
    reports, out, err = place / "reports", place / "out", place / "err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            command("run", profile, "--reports", reports, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            cwd=HERE.parent.parent,
            env=env or environment(),
            process_group=0 if own_group else None,
        )
    try:
        yield Underway(process, reports, out, err)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def descendants(pid: int) -> dict[int, str]:
    """Every living process below `pid` → its command line (Linux: /proc)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(int(entry.name))) is not None:
            parents[int(entry.name)] = parent
    found: dict[int, str] = {}
    frontier = {pid}
    while frontier := {child for child, parent in parents.items() if parent in frontier and child not in found}:
        found |= {child: _command_line(child) for child in frontier}
    return found


def _parent(pid: int) -> int | None:
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state == "Z" else int(parent)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pids: dict[int, str]) -> dict[int, str]:
    """Which of these processes still run (a number that now belongs to another command does not count)."""
    return {pid: line for pid, line in pids.items() if _parent(pid) is not None and _command_line(pid) == line}


def gone_within(pids: dict[int, str], within_s: float = 10.0) -> dict[int, str]:
    """Wait until all of them have ended; what is left after that time."""
    deadline = time.monotonic() + within_s
    while (left := alive(pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def ports_in_a_row(wanted: int) -> int:
    """The first of so many free ports in a row, below those that the kernel gives to connections."""
    for _ in range(50):
        first = 15_000 + free_port() % 15_000
        try:
            for port in range(first, first + wanted):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports in a row")


def until_said(path: Path, words: str, process: subprocess.Popen[bytes]) -> str:
    """Wait until a process has written these words into a file → all that it wrote; fails when it ends before."""
    deadline = time.monotonic() + 60
    while words not in (said := path.read_text()):
        assert process.poll() is None and time.monotonic() < deadline, said
        time.sleep(0.05)
    return said

"""`surgectl run readiness`: a list of rehearsals, one after the other, one go/no-go page and one exit code.

The exit code is the worst of them, by surgectl/gate.py: the first of 11, 70, 130/143, 14, 10, 13, 12 that any ended
with; 0 where all did. A rehearsal that fails does not stop the list; a signal does.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import msgspec
import uvloop
from rich.console import Console
from rich.rule import Rule

import surgectl
from surgectl import gate
from surgectl.cli.farewell import farewell
from surgectl.cli.judge import judge, show, status_of
from surgectl.cli.outlets import Asked, Outlets
from surgectl.cli.plan_view import console_for_results
from surgectl.cli.prepare import Wishes, prepare
from surgectl.cli.rehearse import Rehearsing
from surgectl.clock import SystemClock
from surgectl.errors import SurgectlError, UsageError
from surgectl.profile.readiness import OpenReadiness, Part, open_readiness
from surgectl.recording import manifest as manifests
from surgectl.report import json
from surgectl.report.readiness import page, terminal
from surgectl.report.readiness.model import ReadinessReport, Rehearsed, rehearsed_of, told
from surgectl.text import storable, tamed

HTML, JSON = "readiness.html", "readiness.json"
_SIGNALS = {"sigint": gate.SIGINT, "sigterm": gate.SIGTERM}


class _Stopped(BaseException):
    """A signal between two rehearsals, where nothing has to be healed."""

    def __init__(self, code: int) -> None:
        self.code = code


def rehearse_all(wishes: Wishes, outlets: Asked, *, as_json: bool) -> int:
    """Play a list to its end, or to a signal; the exit code. UsageError before anything is sent.

    `outlets`: where each of them is told too, while it is played.
    """
    opened = open_readiness(wishes.profile)
    asked = [_wishes_of(wishes, opened, n) for n in range(len(opened.files))]
    for one in asked:
        prepare(one)  # whatever cannot be meant is said before the first of them begins
    now = SystemClock().wall()
    folder = _folder(wishes.reports, opened.readiness.name, now)
    return _Evening(opened, folder, now, outlets, as_json=as_json).play(asked)


class _Evening:
    """A list while it is played; what is known so far stands on the page at every moment."""

    def __init__(self, opened: OpenReadiness, folder: Path, now: datetime, outlets: Asked, *, as_json: bool) -> None:
        self._opened = opened
        self._folder = folder
        self._now = now
        self._outlets = outlets
        self._as_json = as_json
        self._progress = Console(stderr=True) if as_json or not sys.stdout.isatty() else Console()
        parts = zip(opened.readiness.rehearsals, opened.files, strict=True)
        self._rehearsed = [
            Rehearsed(number=n + 1, profile=file.stem, why=part.why, sets=part.sets)
            for n, (part, file) in enumerate(parts)
        ]
        self._signalled: int | None = None

    def play(self, asked: list[Wishes]) -> int:
        report = self._write(ended=False)
        for number, wishes in enumerate(asked):
            self._progress.print(
                Rule(f"{number + 1} of {len(asked)}: {self._rehearsed[number].profile}"), highlight=False
            )
            self._rehearsed[number] = self._played(self._rehearsed[number], wishes)
            report = self._write(ended=self._signalled is None and number + 1 == len(asked))
            if self._signalled is not None:
                break
        if self._as_json:
            sys.stdout.buffer.write(rendered(report))
            sys.stdout.flush()
        else:
            console_for_results().print(terminal.render(report, str(self._folder / HTML)))
        return report.exit_code

    def _played(self, part: Rehearsed, wishes: Wishes) -> Rehearsed:
        """One of them, whatever becomes of it."""
        try:
            with _stoppable():
                prepared = prepare(wishes)
                with Outlets(self._outlets) as outlets:
                    folder = uvloop.run(Rehearsing(wishes, prepared, self._progress, outlets).run())
                    with _stoppable():  # the rehearsal's own handling of signals ended with it
                        summary = judge(folder)
                        farewell(outlets, summary, folder, self._complain)
        except _Stopped as stopped:
            self._signalled = stopped.code
            why = f"stopped by {signal.Signals(stopped.code - 128).name} before its verdict"
            return msgspec.structs.replace(part, exit_code=stopped.code, headline=why)
        except SurgectlError as error:
            self._complain(str(error))
            return msgspec.structs.replace(part, exit_code=error.exit_code, headline=f"not played: {error}")
        except Exception as error:
            if os.environ.get("SURGECTL_DEBUG"):
                raise
            said = f"internal error: {type(error).__name__}: {error}"
            self._complain(f"{said} (SURGECTL_DEBUG=1 shows where; please report it)")
            return msgspec.structs.replace(part, exit_code=gate.INTERNAL, headline=said)
        self._signalled = _SIGNALS.get(status_of(manifests.load(folder)))
        if not self._as_json:
            show(summary, folder, as_json=False)
        report = os.path.relpath(folder / "report.html", self._folder).replace(os.sep, "/")
        return rehearsed_of(part, summary, report=report)

    def _write(self, *, ended: bool) -> ReadinessReport:
        report = told(
            self._opened.readiness.name,
            self._opened.readiness.about,
            self._rehearsed,
            version=surgectl.__version__,
            started_at=manifests.stamp(self._now),
            ended=ended,
            signalled=self._signalled,
        )
        try:
            (self._folder / JSON).write_bytes(rendered(report))
            (self._folder / HTML).write_text(page.render(report), "utf-8")
        except OSError as error:
            self._complain(f"the page could not be written: {error}")
        return report

    def _complain(self, text: str) -> None:
        self._progress.print(text, highlight=False, markup=False, soft_wrap=True)


def rendered(report: ReadinessReport) -> bytes:
    """readiness.json."""
    held = tamed(report, lambda text: storable(text, json.MOST))
    return msgspec.json.format(msgspec.json.encode(held), indent=2) + b"\n"


def _wishes_of(wishes: Wishes, opened: OpenReadiness, number: int) -> Wishes:
    """What the command line asks of one of them: its own `set:` lies below --set."""
    part: Part = opened.readiness.rehearsals[number]
    own = tuple(f"{key}={value}" for key, value in part.sets.items())
    return msgspec.structs.replace(
        wishes,
        profile=str(opened.files[number]),
        sets=(*own, *wishes.sets),
        start_at=wishes.start_at if number == 0 else None,
    )


def _folder(reports: Path, name: str, now: datetime) -> Path:
    """`reports/readiness/20300101T120000Z`, never one that exists; `latest` beside it points at it."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "readiness"
    home = reports / safe
    try:
        home.mkdir(parents=True, exist_ok=True)
        for turn in range(1, 1000):
            folder = home / (f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}" + (f"-{turn}" if turn > 1 else ""))
            if not folder.exists():
                folder.mkdir()
                manifests.point_latest(folder)
                return folder
    except OSError as error:
        raise UsageError(f"no folder can be made: {error.strerror}", where="--reports", hint="name another") from error
    raise UsageError("a thousand lists in one second", where=str(home))


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGINT and SIGTERM outside a rehearsal end the list; inside it they are the rehearsal's own."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Stopped(128 + number)

    kinds = (signal.SIGINT, signal.SIGTERM)
    before: list[tuple[int, Callable[[int, FrameType | None], object] | int | None]] = [
        (kind, signal.signal(kind, stop)) for kind in kinds
    ]
    try:
        yield
    finally:
        for kind, handler in before:
            signal.signal(kind, signal.SIG_DFL if handler is None else handler)

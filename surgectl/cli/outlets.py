"""Whom a rehearsal tells its numbers to beside the screen: asked for by flags or by the environment, opened before the
storm, told once a second or two, and told the verdict when all is over.

What is sent here are numbers, to addresses that the user named: no load, so no allow-list. The run waits for nobody.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import unquote, urlsplit

import msgspec

from surgectl import __version__
from surgectl.cli.logbook import Logbook
from surgectl.cli.servers import servers_of
from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.live.following import catch_up
from surgectl.live.snapshot import Snapshot
from surgectl.live.tap import Tap
from surgectl.live.view import LiveView
from surgectl.outlets.measured import Judged, Measured, StepSeen, Which, measured
from surgectl.outlets.otel_metrics import OtelMetrics
from surgectl.outlets.otlp import Server, unwanted_by, wanted_by
from surgectl.outlets.postman import Box, Postman
from surgectl.outlets.prometheus import Scraped
from surgectl.outlets.remote_write import RemoteWrite
from surgectl.outlets.steps import Steps
from surgectl.profile.substitute import Secrets
from surgectl.recording.manifest import Manifest
from surgectl.report.summary import Summary

EVERY_S = 2.0
"""How often something is pushed; a page to be scraped is made anew each second."""
LAST_S = 2.0
"""How long the last push may take, the one before it included."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    prometheus: str | None = None
    """Where Prometheus may come and read."""
    remote_write: str | None = None
    otlp: str | None = None
    """The base of a collector's addresses."""


_NOBODY = Asked()


class Outlets:
    """Those of one rehearsal. `open` before anything is sent, `during` the storm, `judged` after the audit, `close`."""

    def __init__(self, asked: Asked = _NOBODY, environ: Mapping[str, str] = os.environ) -> None:
        self.asked = asked
        self._secrets = secrets = Secrets()
        self._environ = environ
        self._scraped: Scraped | None = None
        self._postmen: list[Postman] = []
        self._which: Which | None = None
        self._newest: tuple[Which, Snapshot, tuple[StepSeen, ...]] | None = None
        self._everything: tuple[Measured, ...] = ()
        self._steps = Steps()
        self._complain: Callable[[str], None] = lambda text: None
        self._wall_s: Callable[[], float] = lambda: 0.0
        for url in (asked.remote_write, asked.otlp):
            _hide(url, secrets)
        for name in _HEADERS:
            for part in environ.get(name, "").split(","):
                value = part.partition("=")[2].strip()
                secrets.add(value)
                secrets.add(unquote(value))

    def __repr__(self) -> str:
        return f"<Outlets {self._scraped} {self._postmen}>"

    @property
    def any(self) -> bool:
        """Does anybody listen?"""
        return bool(self.asked.prometheus or self.asked.remote_write or self.metrics_by_otlp)

    @property
    def metrics_by_otlp(self) -> bool:
        if unwanted_by(self._environ, "metrics"):
            return False
        return self.asked.otlp is not None or wanted_by(self._environ, "metrics")

    @property
    def spans_by_otlp(self) -> bool:
        if unwanted_by(self._environ, "traces"):
            return False
        return self.asked.otlp is not None or wanted_by(self._environ, "traces")

    def shown(self, text: str) -> str:
        """The text without the secrets of addresses and headers."""
        return self._secrets.redact(text)

    def open(self) -> None:
        """Listen where we are to be read. UsageError where that is impossible, an address is none, or an extra is not
        installed: nothing has been sent then."""
        nobody = Which(run="", profile="", target="", seed=0, version=__version__, started_epoch_s=0.0)
        for box in self._boxes(nobody, {}):
            box.close()
        if self.asked.prometheus is not None:
            self._scraped = Scraped(self.asked.prometheus)

    @property
    def says(self) -> str:
        """Where we can be read, for the log of events; empty where nowhere."""
        return f"Prometheus may read {self._scraped.url}" if self._scraped is not None else ""

    @asynccontextmanager
    async def during(
        self, view: LiveView, tap: Tap, manifest: Manifest, clock: Clock, logbook: Logbook
    ) -> AsyncIterator[None]:
        """Tell everybody at a fixed rate, for the length of the block. Failures are said once, and harm nothing."""
        if not self.any:
            yield
            return
        loop, now_ns = asyncio.get_running_loop(), logbook.now_ns

        def say_here(text: str) -> None:
            with suppress(RuntimeError):  # the loop is gone: so is whoever would have read it
                loop.call_soon_threadsafe(say, self.shown(f"{text} (the rehearsal goes on)"))

        def say(text: str) -> None:
            logbook.event(text)

        if self.says:
            logbook.event(self.says)
        self._wall_s = lambda: clock.wall().timestamp()
        self._which = which = which_of(manifest)
        self._complain = say_here
        self._postmen = [
            Postman(box, lambda text: self._complain(text))
            for box in self._boxes(which, servers_of(manifest.target_file))
        ]
        telling = asyncio.create_task(self._tell(view, which, now_ns))
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await catch_up(tap, view)
            self._look(view, which, now_ns)
            self._complain = lambda text: None

    async def _tell(self, view: LiveView, which: Which, now_ns: Callable[[], int]) -> None:
        pushes = round(EVERY_S)
        while True:
            for _ in range(pushes):
                self._look(view, which, now_ns)
                await asyncio.sleep(1)
            at = self._wall_s()
            for postman in self._postmen:
                postman.offer(postman.box.letter(self._everything, at, last=False))

    def _look(self, view: LiveView, which: Which, now_ns: Callable[[], int]) -> None:
        self._newest = (which, view.snapshot(now_ns()), self._steps.seen(view.reading()))
        self._everything = measured(*self._newest)
        if self._scraped is not None:
            self._scraped.show(self._everything)

    def judged(self, summary: Summary) -> str:
        """Tell everybody the verdict: the last push, `LAST_S` long at most → what went wrong, or nothing."""
        if self._newest is None:
            return ""
        everything = measured(*self._newest, judged_of(summary))
        if self._scraped is not None:
            self._scraped.show(everything)
        at, missed = self._wall_s(), []
        for postman in self._postmen:
            if not postman.last(postman.box.letter(everything, at, last=True), LAST_S):
                missed.append(postman.box.name)
        return f"{' and '.join(missed)}: the verdict could not be delivered" if missed else ""

    def __enter__(self) -> Outlets:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Nobody is told anything more."""
        for postman in self._postmen:
            postman.close()
        if self._scraped is not None:
            self._scraped.close()
            self._scraped = None

    def _boxes(self, which: Which, servers: Mapping[str, Server]) -> list[Box]:
        boxes: list[Box] = []
        if self.asked.remote_write is not None:
            headers = headers_of(self._environ.get(_WRITE_HEADERS, ""), _WRITE_HEADERS)
            boxes.append(RemoteWrite(address(self.asked.remote_write, "--remote-write"), which, headers))
        if self.metrics_by_otlp:
            base = None if self.asked.otlp is None else address(self.asked.otlp, "--otlp")
            try:
                boxes.append(OtelMetrics(base, which, servers))
            except UsageError:
                if base is not None:
                    raise  # asked for by the environment alone, perhaps for other programs: no reason not to rehearse
        return boxes


_WRITE_HEADERS = "SURGECTL_REMOTE_WRITE_HEADERS"
_HEADERS = (_WRITE_HEADERS, *(f"OTEL_EXPORTER_OTLP_{signal}HEADERS" for signal in ("", "METRICS_", "TRACES_")))


def which_of(manifest: Manifest) -> Which:
    """Which run it is, as outlets say it."""
    return Which(
        run=manifest.run,
        profile=manifest.profile,
        target=manifest.target,
        seed=manifest.seed,
        version=manifest.version,
        started_epoch_s=manifest.started_epoch_s,
    )


def judged_of(summary: Summary) -> Judged:
    """The verdict in numbers. An invariant that nobody configured weighs nothing, and is not counted."""
    return Judged(
        exit_code=summary.exit_code,
        findings=Counter((f.verdict, f.kind) for f in summary.invariants if f.configured),
        thresholds=Counter(line.verdict for line in summary.thresholds),
    )


def headers_of(text: str, where: str) -> dict[str, str]:
    """`name=value,name=value`, percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS has it (W3C Baggage). UsageError."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise UsageError("it is not name=value,name=value", where=where)
        found[name.strip()] = unquote(value.strip())
    return found


def address(url: str, where: str) -> str:
    """The URL, if it can be one. UsageError."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound:
        raise UsageError("that is no http:// or https:// address", where=where)
    return url


def _hide(url: str | None, secrets: Secrets) -> None:
    """What stands before the @ of an address is a secret, and so is a token in its query."""
    if url is None:
        return
    with suppress(ValueError):
        parts = urlsplit(url)
        for value in (parts.password, parts.query):
            if value:
                secrets.add(value)
                secrets.add(unquote(value))

"""Puts the embedded stage up for one rehearsal: first the payment provider, then, once the links are open, the shop.

Each part is a process of its own that watches its standard input: whatever becomes of us, it ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import msgspec

from surgectl.errors import InconclusiveError, UsageError, did_you_mean
from surgectl.stage.boxoffice.defects import DEFECTS

PAY_KEY = "sk_test_stage"
_READY_WITHIN_S = 30.0


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target's and a profile's `stage:` may say. Text carries its unit."""

    use: str = "boxoffice"
    provider_rate: float = 0.0
    """Operations a second that the provider takes before it queues, then errors; 0 = no limit."""
    provider_concurrency: int = 0
    provider_latency: str = "20ms"
    admission_per_s: float = 100.0
    inside: int = 0
    payment_workers: int = 24
    payment_queue: int = 400
    defect: str | None = None
    provider_defect: str | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop is told to sell and to promise: from the profile's sale and the target's promises."""

    capacity: int
    price: str
    limit: int
    hold_ttl: str
    payment_timeout: str
    payment_tries: int
    reconcile_every: str
    payment_deadline: str
    late_refunds: str
    seed: int


def settings_of(said: dict[str, object], where: Callable[[str], str]) -> Settings:
    """Read a `stage:` section. UsageError names the key that cannot be meant and `where` (path → place) it stands."""
    for key in said:
        if key not in Settings.__struct_fields__:
            hint = did_you_mean(key, Settings.__struct_fields__)
            raise UsageError("no such setting of the stage", where=where(f"stage.{key}"), hint=hint)
    try:
        settings = msgspec.convert(said, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(str(error), where=where("stage")) from error
    if settings.use != "boxoffice":
        raise UsageError(f"{settings.use}: no such stage", where=where("stage.use"), hint="there is: boxoffice")
    if settings.defect is not None and settings.defect not in DEFECTS:
        hint = did_you_mean(settings.defect, DEFECTS) or f"there are {', '.join(DEFECTS)}"
        raise UsageError(f"{settings.defect}: no such defect of the box office", where=where("stage.defect"), hint=hint)
    return settings


class Troupe:
    """The stage's processes. `async with` it; `open_payments`, then `open_shop`."""

    def __init__(
        self, settings: Settings, terms: Terms, folder: Path, *, shop_port: int, pay_port: int, control_port: int
    ) -> None:
        self._settings = settings
        self._terms = terms
        self._folder = folder
        self._shop_port, self._pay_port, self._control_port = shop_port, pay_port, control_port
        self._children: list[asyncio.subprocess.Process] = []

    @staticmethod
    def variables(shop_port: int, pay_port: int, control_port: int) -> dict[str, str]:
        """What the target file may name as `${…}` when it plays on this stage."""
        return {
            "SHOP_URL": f"http://127.0.0.1:{shop_port}",
            "PAY_URL": f"http://127.0.0.1:{pay_port}",
            "PAY_ADDR": f"127.0.0.1:{pay_port}",
            "PAY_CONTROL": f"http://127.0.0.1:{control_port}",
            "PAY_KEY": PAY_KEY,
        }

    async def __aenter__(self) -> Troupe:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self._children):
            await _end(child)

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    async def open_payments(self) -> None:
        """Start the provider."""
        settings = self._settings
        await self._start(
            "payments",
            {
                "listen": f"127.0.0.1:{self._pay_port}",
                "control": f"127.0.0.1:{self._control_port}",
                "rate": settings.provider_rate,
                "concurrency": settings.provider_concurrency,
                "latency": settings.provider_latency,
                "seed": self._terms.seed,
                "data": self._folder / "payments",
                "defect": settings.provider_defect,
            },
        )

    async def open_shop(self, payments_url: str) -> None:
        """Start the shop; it reaches the provider at `payments_url`, usually a link's listener."""
        settings, terms = self._settings, self._terms
        await self._start(
            "shop",
            {
                "listen": f"127.0.0.1:{self._shop_port}",
                "payments-url": payments_url,
                "secret": PAY_KEY,
                "data": self._folder / "shop",
                "admission-per-s": settings.admission_per_s,
                "inside": settings.inside,
                "payment-workers": settings.payment_workers,
                "payment-queue": settings.payment_queue,
                "defect": settings.defect,
                **{name.replace("_", "-"): getattr(terms, name) for name in Terms.__struct_fields__},
            },
        )

    async def _start(self, part: str, flags: dict[str, object]) -> None:
        said = [text for flag, value in flags.items() if value is not None for text in (f"--{flag}", str(value))]
        log = (self._folder / f"{part}.log").open("ab")
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "surgectl", "stage", part, "--until-stdin-closes", *said),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us: the shop must answer until the fans have left
        )
        log.close()
        self._children.append(child)
        assert child.stdout is not None
        try:
            line = await asyncio.wait_for(child.stdout.readline(), _READY_WITHIN_S)
            msgspec.json.decode(line, type=dict[str, str])["ready"]
        except (TimeoutError, msgspec.DecodeError, KeyError) as error:
            said_last = (self._folder / f"{part}.log").read_text("utf-8", "replace").strip().split("\n")[-1]
            raise InconclusiveError(
                f"the stage's {part} does not start: {said_last or 'no word from it'}", where=str(self._folder)
            ) from error


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
        try:
            await asyncio.wait_for(child.wait(), 5)
        except TimeoutError:
            child.kill()
            await child.wait()

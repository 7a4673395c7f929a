"""Puts the embedded stage up for one rehearsal: first the payment provider, then, once the links are open, the shop.

Each part is a process of its own that watches its standard input: whatever becomes of us, it ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from surgectl.errors import InconclusiveError, UsageError, did_you_mean
from surgectl.stage.boxoffice.defects import DEFECTS
from surgectl.stage.boxoffice.options import Options as ShopOptions
from surgectl.stage.flags import Said, checked, flags, words
from surgectl.stage.payments.options import Options as PaymentOptions

PAY_KEY = "sk_test_stage"
_READY_WITHIN_S = 30.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a target's and a profile's `stage:` may say, sorted by the part it is for: flags by name."""

    shop: dict[str, Said] = {}
    provider: dict[str, Said] = {}


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


_OURS = {"listen", "control", "data", "secret", "payments_url", "seed"}
"""Flags of the parts that the troupe sets, as they follow from where the parts stand."""


def settings_of(said: Mapping[str, object], where: Callable[[str], str]) -> Settings:
    """Read a `stage:` section: any flag of the shop, any of the provider's as `provider_FLAG`, and `use`.

    UsageError names the key that cannot be meant and `where` (path → place) it stands.
    """
    shop = {name: name for name in flags(ShopOptions) if name not in {*_OURS, *Terms.__struct_fields__}}
    provider = {f"provider_{name}": name for name in flags(PaymentOptions) if name not in _OURS}
    found: dict[str, dict[str, Said]] = {"shop": {}, "provider": {}}
    for key, value in said.items():
        if key == "use":
            if value != "boxoffice":
                raise UsageError(f"{value}: no such stage", where=where("stage.use"), hint="there is: boxoffice")
            continue
        part, options, name = (
            ("provider", PaymentOptions, provider.get(key)) if key in provider else ("shop", ShopOptions, shop.get(key))
        )
        if name is None:
            hint = did_you_mean(key, ["use", *shop, *provider])
            raise UsageError("no such setting of the stage", where=where(f"stage.{key}"), hint=hint)
        try:
            if value is not None and value != "":
                found[part][name] = checked(options, name, value)
        except (ValueError, msgspec.ValidationError) as error:
            raise UsageError(str(error), where=where(f"stage.{key}")) from error
    defect = found["shop"].get("defect")
    if defect is not None and defect not in DEFECTS:
        hint = did_you_mean(str(defect), DEFECTS) or f"there are {', '.join(DEFECTS)}"
        raise UsageError(f"{defect}: no such defect of the box office", where=where("stage.defect"), hint=hint)
    return Settings(shop=found["shop"], provider={"latency": "20ms", **found["provider"]})


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
        await self._start(
            "payments",
            PaymentOptions,
            {
                **self._settings.provider,
                "listen": f"127.0.0.1:{self._pay_port}",
                "control": f"127.0.0.1:{self._control_port}",
                "seed": self._terms.seed,
                "data": str(self._folder / "payments"),
            },
        )

    async def open_shop(self, payments_url: str) -> None:
        """Start the shop; it reaches the provider at `payments_url`, usually a link's listener."""
        await self._start(
            "shop",
            ShopOptions,
            {
                **self._settings.shop,
                **msgspec.structs.asdict(self._terms),
                "listen": f"127.0.0.1:{self._shop_port}",
                "payments_url": payments_url,
                "secret": PAY_KEY,
                "data": str(self._folder / "shop"),
            },
        )

    async def _start(self, part: str, options: type[msgspec.Struct], said: Mapping[str, Said]) -> None:
        log = (self._folder / f"{part}.log").open("ab")
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "surgectl", "stage", part, "--until-stdin-closes", *words(options, said)),
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

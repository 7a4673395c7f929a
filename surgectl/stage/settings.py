"""What a target's and a profile's `stage:` may say: which parts there are, and the constants of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.stage.boxoffice.defects import DEFECTS as OF_THE_SHOP
from surgectl.stage.boxoffice.options import Options as ShopOptions
from surgectl.stage.flags import Said, checked, flags, options_from
from surgectl.stage.identity.options import Options as IdentityOptions
from surgectl.stage.payments.defects import DEFECTS as OF_THE_PROVIDER
from surgectl.stage.payments.options import Options as PaymentOptions

T = TypeVar("T", str, bool, int)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A `stage:` section, sorted by the part it is for: flags by name."""

    shop: dict[str, Said] = {}
    provider: dict[str, Said] = {}
    identity: dict[str, Said] = {}
    database: str = ""
    """URL of a PostgreSQL; empty: an SQLite file."""
    cache: str = ""
    """URL of a Redis; empty: none."""
    with_identity: bool = False
    """An identity check stands before the payment."""
    workers: int = 0
    """Processes beside the shop that pay its orders; 0: the shop does it itself."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop is told to sell and to promise: from the profile's sale and the target's promises."""

    capacity: int
    price: str
    limit: int
    order: str
    hold_ttl: str
    payment_timeout: str
    payment_tries: int
    reconcile_every: str
    payment_deadline: str
    late_refunds: str
    seed: int


def check_shop(settings: Settings, terms: Terms) -> None:
    """UsageError for what the shop would refuse at its start, before anything is started."""
    said = {**settings.shop, **msgspec.structs.asdict(terms)}
    options_from(ShopOptions, said, payments_url="http://127.0.0.1:1", data=".")


_OURS = {
    *("listen", "control", "data", "secret", "payments_url", "seed", "identity_url"),
    *("worker", "database", "database_schema", "forget_books", "cache", "cache_prefix"),
}
"""Flags of the parts that the troupe sets, as they follow from where the parts stand."""
_PARTS = ("use", "database", "cache", "identity", "workers")


def settings_of(said: Mapping[str, object], where: Callable[[str], str]) -> Settings:
    """Read a `stage:` section: `database`, `cache`, `identity`, `workers`, any flag of the shop, any of the provider's
    as `provider_FLAG`, of the identity check's as `identity_FLAG`, and `use`.

    UsageError names the key that cannot be meant and `where` (path → place) it stands.
    """
    parts: dict[str, tuple[str, type[msgspec.Struct], str]] = {}
    kinds: list[tuple[str, type[msgspec.Struct], str]] = [
        ("identity", IdentityOptions, "identity_"),
        ("provider", PaymentOptions, "provider_"),
        ("shop", ShopOptions, ""),
    ]
    for part, options, prefix in kinds:
        ours = {*_OURS, *(Terms.__struct_fields__ if part == "shop" else ())}
        parts |= {f"{prefix}{name}": (part, options, name) for name in flags(options) if name not in ours}
    found: dict[str, dict[str, Said]] = {"shop": {}, "provider": {}, "identity": {}}
    for key, value in said.items():
        if key in _PARTS:
            continue
        if key not in parts:
            hint = did_you_mean(key, [*_PARTS, *parts])
            raise UsageError("no such setting of the stage", where=where(f"stage.{key}"), hint=hint)
        part, options, name = parts[key]
        try:
            if value is not None and value != "":
                found[part][name] = checked(options, name, value)
        except (ValueError, msgspec.ValidationError) as error:
            raise UsageError(str(error), where=where(f"stage.{key}")) from error
    for part, key, known, whose in (
        ("shop", "defect", OF_THE_SHOP, "the box office"),
        ("provider", "provider_defect", OF_THE_PROVIDER, "the payment provider"),
    ):
        defect = found[part].get("defect")
        if defect is not None and defect not in known:
            hint = did_you_mean(str(defect), known) or f"there are {', '.join(known)}"
            raise UsageError(f"{defect}: no such defect of {whose}", where=where(f"stage.{key}"), hint=hint)
    if said.get("use") not in (None, "", "boxoffice"):
        raise UsageError(f"{said['use']}: no such stage", where=where("stage.use"), hint="there is: boxoffice")
    return Settings(
        shop=found["shop"],
        provider={"latency": "20ms", **found["provider"]},
        identity={"latency": "20ms", **found["identity"]},
        database=_plain(said, "database", str, where),
        cache=_plain(said, "cache", str, where),
        with_identity=_plain(said, "identity", bool, where),
        workers=_workers(said, where),
    )


def _workers(said: Mapping[str, object], where: Callable[[str], str]) -> int:
    workers = _plain(said, "workers", int, where)
    if not 0 <= workers <= 64:
        raise UsageError(f"{workers} workers", where=where("stage.workers"), hint="0 (the shop itself) to 64")
    return workers


def _plain(said: Mapping[str, object], key: str, kind: type[T], where: Callable[[str], str]) -> T:
    value = said.get(key)
    if value is None or value == "":
        return kind()
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(str(error), where=where(f"stage.{key}")) from error

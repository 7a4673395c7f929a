"""What was asked for, checked and planned, before anything is started."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from surgectl.chaos.commands import Commands
from surgectl.chaos.ports import Port
from surgectl.cli.accounts import accounts_of
from surgectl.cli.driving import DriverName
from surgectl.cli.located import stage_of
from surgectl.errors import UsageError
from surgectl.plan.build import DEFAULT_SEED, Plan, build
from surgectl.plan.effective import settings
from surgectl.profile.accounts import Accounts
from surgectl.profile.check_thresholds import understood
from surgectl.profile.load import OpenRehearsal, OpenTarget, open_rehearsal, open_target
from surgectl.profile.overlay import split_sets
from surgectl.stage.defects import setting_of
from surgectl.stage.part import without_passwords
from surgectl.stage.places import Places
from surgectl.stage.settings import Settings, Terms, check_shop, settings_of
from surgectl.stage.stage_door import new_address


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    profile: str
    seed: int | None = None
    target: str | None = None
    toxiproxy: str | None = None
    embedded_proxy: bool = False
    defect: str | None = None
    stage: bool = True
    sets: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    """Demands besides the profile's."""
    reports: Path = Path("reports")
    start_at: datetime | None = None
    tui: bool = False
    driver: DriverName = DriverName.WIRE
    trace_sample: float | None = None
    """Of the fans, whose traces are kept; None: no request carries one."""
    workers: int | None = None
    """None: as many as this machine has cores for (cli/shards.py)."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be known before anything is started."""

    rehearsal: OpenRehearsal
    target: OpenTarget
    plan: Plan
    stage: Settings | None
    places: Places
    """Where the stage's parts are to stand."""
    variables: dict[str, str]
    """What --set and the stage say for `${…}`."""
    accounts: Accounts | None = None
    """Who the fans are, where the target has them from a table."""

    def commands(self) -> Commands:
        """What the `${…}` of commands mean."""
        return Commands(self.variables, secrets=self.rehearsal.secrets)


def new_places() -> Places:
    """Ports of our own and a new stage door."""
    held = shop, payments, control, identity = Port(), Port(), Port(), Port()
    return Places(
        shop=shop.number,
        payments=payments.number,
        control=control.number,
        identity=identity.number,
        stage=new_address(),
        held=held,
    )


def prepare(wishes: Wishes, places: Places | None = None) -> Prepared:
    """Load and check everything the profile names. UsageError (exit 2) for whatever cannot be meant; sends nothing."""
    over, variables = split_sets(list(wishes.sets))
    rehearsal = open_rehearsal(wishes.profile, seed=wishes.seed, target=wishes.target, sets=over)
    rehearsal = _with_thresholds(rehearsal, wishes.thresholds)
    if rehearsal.target_file is None:
        raise UsageError("no target", where=str(rehearsal.file), hint="name one in the profile, or --target FILE")
    places = places or new_places()
    peeked = open_target(
        rehearsal.target_file, variables, over=rehearsal, secrets=rehearsal.secrets, keep_unset=True, peek=True
    )
    stage = stage_of(peeked) if wishes.stage else None
    if wishes.defect is not None:
        if stage is None:
            raise UsageError(
                "there is no stage to be wrong", where="--defect", hint="only the built-in shop has defects"
            )
        stage = settings_of({**(peeked.target.stage or {}), **setting_of(wishes.defect)}, lambda _: "--defect")
    if stage is not None:
        variables = {**places.variables(stage), **variables}
        for url in (stage.database, stage.cache):
            if without_passwords(url) != url:
                rehearsal.secrets.add(url)
    target = open_target(rehearsal.target_file, variables, over=rehearsal, secrets=rehearsal.secrets)
    seed = rehearsal.rehearsal.seed if rehearsal.rehearsal.seed is not None else DEFAULT_SEED
    plan = build(
        rehearsal.rehearsal,
        target.target,
        seed,
        retries=rehearsal.retries,
        curves=rehearsal.curves,
        settings=settings(rehearsal, target, seed),
    )
    prepared = Prepared(
        rehearsal=rehearsal,
        target=target,
        plan=plan,
        stage=stage,
        places=places,
        variables=variables,
        accounts=accounts_of(target, plan.fans_total),
    )
    if stage is not None:
        check_shop(stage, terms_of(prepared))
    for fault in plan.faults:
        for words in (fault.run, fault.heal, fault.check):
            prepared.commands().filled(words, where=f"chaos: exec {' '.join(fault.run)}")
    return prepared


def terms_of(prepared: Prepared) -> Terms:
    """What the stage's shop is to sell and to promise: the profile's sale, the target's promises."""
    sale, promises = prepared.plan.rehearsal.sale, prepared.target.target.promises
    return Terms(
        capacity=sale.tickets,
        price=str(sale.price),
        limit=sale.limit or 1_000_000,
        order=sale.order,
        hold_ttl=f"{int(promises.hold_ttl) // 1000}us",
        payment_timeout=f"{int(promises.payment_timeout) // 1000}us",
        payment_tries=promises.payment_tries,
        reconcile_every=f"{int(promises.reconcile_every) // 1000}us",
        payment_deadline=f"{int(promises.payment_deadline) // 1000}us",
        late_refunds=f"{int(promises.late_refunds) // 1000}us",
        seed=prepared.plan.seed,
    )


def _with_thresholds(opened: OpenRehearsal, texts: tuple[str, ...]) -> OpenRehearsal:
    """The profile with the command line's demands added."""
    for text in texts:
        understood(text, opened.rehearsal)
    expect = opened.rehearsal.expect
    expect = msgspec.structs.replace(expect, thresholds=[*expect.thresholds, *texts])
    return msgspec.structs.replace(opened, rehearsal=msgspec.structs.replace(opened.rehearsal, expect=expect))


def flags_of(wishes: Wishes) -> list[str]:
    """What of the command line changes a rehearsal, to be typed again."""
    said = [("--target", wishes.target), ("--defect", wishes.defect), ("--toxiproxy", wishes.toxiproxy)]
    flags = [word for flag, value in said if value is not None for word in (flag, value)]
    flags += ["--embedded-proxy"] if wishes.embedded_proxy else []
    flags += [] if wishes.driver is DriverName.WIRE else ["--driver", wishes.driver.value]
    flags += [] if wishes.workers is None else ["--workers", str(wishes.workers)]
    flags += [] if wishes.trace_sample is None else ["--trace-sample", f"{wishes.trace_sample * 100:g}%"]
    flags += [] if wishes.stage else ["--no-stage"]
    flags += [word for text in wishes.thresholds for word in ("--threshold", text)]
    return flags + [word for text in wishes.sets for word in ("--set", text)]

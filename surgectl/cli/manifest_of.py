"""The first page of a recording, written from what was planned."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

import surgectl
from surgectl.chaos.brownouts import brownout_of
from surgectl.plan.build import Plan
from surgectl.plan.model import PlannedFault
from surgectl.profile.load import OpenRehearsal, OpenTarget
from surgectl.profile.substitute import Secrets
from surgectl.profile.target import Promises
from surgectl.profile.values import Duration, Money, Rate, Share
from surgectl.recording.manifest import (
    FaultNote,
    Manifest,
    PhaseNote,
    PromisesNote,
    SaleNote,
    SettlingNote,
    stamp,
)


def manifest_of(
    run: str,
    plan: Plan,
    opened: OpenRehearsal,
    target: OpenTarget,
    secrets: Secrets,
    *,
    now: datetime,
    pid: int,
    own_stage: bool,
    asked: str,
    flags: list[str],
    workers: int,
) -> Manifest:
    """run.json as it stands before anything is sent. Values from the environment are redacted here, once."""
    sale = plan.rehearsal.sale
    return Manifest(
        run=run,
        profile=plan.rehearsal.name,
        target=target.target.name,
        seed=plan.seed,
        digest=plan.digest(),
        version=surgectl.__version__,
        started_at=stamp(now),
        started_epoch_s=now.timestamp(),
        duration_s=plan.duration_ns / 1e9,
        rehearsal=plain(opened.rehearsal, secrets),
        target_file=plain(target.target, secrets),
        sale=SaleNote(
            tickets=sale.tickets,
            price_minor=sale.price.minor,
            currency=sale.price.currency,
            limit=sale.limit,
            order=sale.order,
            wants={str(qty): float(share) for qty, share in sale.wants.items()},
        ),
        phases=[
            PhaseNote(
                name=p.name,
                start_ns=p.start_ns,
                end_ns=p.end_ns,
                first_fan=p.first_fan,
                fans=p.fans,
                peak_rate_per_s=p.peak_rate_per_s,
            )
            for p in plan.phases
        ],
        faults=[fault_note(fault) for fault in plan.faults],
        left_out=[fault_note(fault) for fault in plan.left_out],
        promises=promises_of(target.target.promises),
        settling=SettlingNote(
            window_ns=plan.settling.window_ns, at_most_ns=plan.settling.at_most_ns, parts=dict(plan.settling.parts)
        ),
        pid=pid,
        workers=workers,
        own_stage=own_stage,
        asked=secrets.redact(asked),
        flags=[secrets.redact(flag) for flag in flags],
    )


def fault_note(fault: PlannedFault) -> FaultNote:
    """A fault as the manifest keeps it."""
    return FaultNote(
        fault=fault.fault,
        from_ns=fault.from_ns,
        to_ns=fault.to_ns,
        link=fault.link,
        brownout=fault.brownout,
        toxicity=_toxicity(fault),
    )


def _toxicity(fault: PlannedFault) -> float:
    toxics = () if fault.run else brownout_of(fault).toxics
    return min((toxic.toxicity for toxic in toxics), default=1.0)


def promises_of(promises: Promises) -> PromisesNote:
    """The shop's constants as numbers."""
    return PromisesNote(
        hold_ttl_ns=int(promises.hold_ttl),
        payment_timeout_ns=int(promises.payment_timeout),
        payment_tries=promises.payment_tries,
        reconcile_every_ns=int(promises.reconcile_every),
        webhook_delay_ns=int(promises.webhook_delay),
        payment_deadline_ns=int(promises.payment_deadline),
        late_refunds_ns=int(promises.late_refunds),
        staleness_ns=int(promises.staleness),
        one_order_per=promises.one_order_per,
    )


def plain(value: msgspec.Struct, secrets: Secrets) -> dict[str, Any]:
    """A struct as plain data with its units as text, and every secret as ***."""
    data = msgspec.to_builtins(value, enc_hook=_as_text, str_keys=True)
    redacted = _redact(data, secrets)
    assert isinstance(redacted, dict)
    return redacted


def _as_text(value: object) -> object:
    if isinstance(value, Duration | Rate | Share | Money):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def _redact(value: object, secrets: Secrets) -> object:
    if isinstance(value, str):
        return secrets.redact(value)
    if isinstance(value, dict):
        return {key: _redact(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact(item, secrets) for item in value]
    return value

"""The limits of the statistical invariants: what a run is judged by unless its profile says otherwise.

A profile changes them under `expect: statistics:`, e.g. `BULKHEAD: {availability: 99.5%}`, or turns one `off`. Every
default is that of the catalogue (docs/invariants.md says what each number means).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from surgectl.profile.values import Duration, Money, Share


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one statistical invariant is judged by: frozen, and strict about its keys."""


class FairOrder(Limits, frozen=True, kw_only=True):
    """First come, first served: how much overtaking a line may show (FAIR_ORDER)."""

    inversions: Share = Share(0.001)
    """Of the pairs of fans of whom one joined for certain before the other."""
    overtaken: int | None = None
    """By how many one fan may be overtaken; None = twice the greatest batch that was admitted at once."""


class QueuePosition(Limits, frozen=True, kw_only=True):
    """A place in the line never gets worse, and is nobody else's (QUEUE_POS)."""


class TabAdvantage(Limits, frozen=True, kw_only=True):
    """More tabs are no more luck (TAB_ADV)."""

    factor: float = 1.1
    """Most that the chance to win may grow by, at the lower end of its 95 % interval."""


class ConfirmLatency(Limits, frozen=True, kw_only=True):
    """From the intended click to definite knowledge (CONFIRM_LAT). Without a limit it is told, and judged by nobody."""

    p50: Duration | None = None
    p95: Duration | None = None
    p99: Duration | None = None


class FanAmplification(Limits, frozen=True, kw_only=True):
    """Requests that fans sent for each thing they wanted (AMP_FAN): the crowd's doing, so told and not judged."""

    factor: float | None = None


class ProviderAmplification(Limits, frozen=True, kw_only=True):
    """Requests that the provider received for each payment that was wanted (AMP_PAY)."""

    calm: float = 1.1
    """The 10 % retry budget of the SRE book ("Handling Overload")."""
    fault: float = 2.0


class Shedding(Limits, frozen=True, kw_only=True):
    """Who is turned away is turned away fast and told when to come back (SHED)."""

    p99: Duration = Duration(250_000_000)
    parseable: Share = Share(0.99)
    """Of the refusals, those with a Retry-After that can be read."""
    slow_failures: Share = Share(0.5)
    """Time-outs among everything that was turned away: a shop that lets people wait for nothing sheds in silence."""


class Goodput(Limits, frozen=True, kw_only=True):
    """What got done while a fault was on, of what was wanted (GOODPUT). Without a limit it is told."""

    in_fault: Share | None = None


class Recovery(Limits, frozen=True, kw_only=True):
    """How soon after a fault the shop is itself again (RECOVERY)."""

    within: Duration = Duration(30_000_000_000)


class Drain(Limits, frozen=True, kw_only=True):
    """The backlog of a fault goes away, and makes no second spike (DRAIN)."""

    within: Duration | None = None
    """Until nothing is open any more; None = as long as it shrinks."""


class Metastable(Limits, frozen=True, kw_only=True):
    """A fault that is over is over (METASTABLE)."""

    grace: Duration = Duration(30_000_000_000)
    """Before this nobody calls a slow recovery stuck."""


class Bulkhead(Limits, frozen=True, kw_only=True):
    """The sale does not take the other pages down with it (BULKHEAD)."""

    availability: Share = Share(0.999)
    slowdown: float = 2.0
    """p99 while a fault was on, against p99 before it."""


class Cost(Limits, frozen=True, kw_only=True):
    """What one valid ticket costs in calls (COST). Without a budget it is told."""

    call: Money | None = None
    """The fee of one request at the provider."""
    budget: Money | None = None
    """Most that one valid ticket may cost."""


class Statistics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits by invariant: left out = the defaults, `off` = not looked at."""

    fair_order: FairOrder | Literal["off"] | None = msgspec.field(name="FAIR_ORDER", default=None)
    queue_pos: QueuePosition | Literal["off"] | None = msgspec.field(name="QUEUE_POS", default=None)
    tab_adv: TabAdvantage | Literal["off"] | None = msgspec.field(name="TAB_ADV", default=None)
    confirm_lat: ConfirmLatency | Literal["off"] | None = msgspec.field(name="CONFIRM_LAT", default=None)
    amp_fan: FanAmplification | Literal["off"] | None = msgspec.field(name="AMP_FAN", default=None)
    amp_pay: ProviderAmplification | Literal["off"] | None = msgspec.field(name="AMP_PAY", default=None)
    shed: Shedding | Literal["off"] | None = msgspec.field(name="SHED", default=None)
    goodput: Goodput | Literal["off"] | None = msgspec.field(name="GOODPUT", default=None)
    recovery: Recovery | Literal["off"] | None = msgspec.field(name="RECOVERY", default=None)
    drain: Drain | Literal["off"] | None = msgspec.field(name="DRAIN", default=None)
    metastable: Metastable | Literal["off"] | None = msgspec.field(name="METASTABLE", default=None)
    bulkhead: Bulkhead | Literal["off"] | None = msgspec.field(name="BULKHEAD", default=None)
    cost: Cost | Literal["off"] | None = msgspec.field(name="COST", default=None)


STATISTICAL: dict[str, str] = {field.encode_name: field.name for field in msgspec.structs.fields(Statistics)}
"""Statistical invariant → the field of Statistics that holds its limits."""

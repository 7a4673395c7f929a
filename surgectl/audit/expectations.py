"""What the books are measured against: the scenario's own numbers, never the shop's.

An audit sees a recording and these expectations, nothing else: no file, no socket, no clock.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from surgectl.profile.rehearsal import Expect, Generator
from surgectl.profile.statistics import STATISTICAL, Limits, Statistics
from surgectl.profile.words import invariants_of
from surgectl.recording.manifest import FaultNote, Manifest, PhaseNote, Tally
from surgectl.units import NS_PER_S

L = TypeVar("L", bound=Limits)


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the load our own machine may spoil before nobody should believe the numbers."""

    dropped_at_most: float = 0.001
    """Share of the arrivals that may be later than `late_at_most_ns`."""
    lag_p99_at_most_ns: int = 250_000_000
    late_at_most_ns: int = 1_000_000_000
    behind: Literal["drop", "late"] = "drop"
    """What became of an arrival that was later."""


class Expectations(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an audit of one run needs to know beside the recording."""

    capacity: int | None = None
    """Tickets that exist, as the profile says."""
    price_minor: int | None = None
    currency: str = ""
    limit: int | None = None
    """Most tickets one identity may hold; None = no limit was promised."""
    one_order_per: Literal["intent", "none"] = "none"
    require: tuple[str, ...] = ()
    """Invariant ids and groups that must end definite."""
    coverage: dict[str, int | str] = {}
    """Coverage id → least count, or least share as text (`30%`)."""
    thresholds: tuple[str, ...] = ()
    statistics: Statistics = Statistics()
    """Limits of the statistical invariants."""
    order: Literal["fifo", "lottery"] = "fifo"
    """Who is let in first, as the sale promises."""
    settled: bool = False
    """The settling window has passed in full since the last fan left. Before that, an eventual condition that is still
    open is pending, never a violation: whoever stops settling early must see that nothing is pending."""
    unsettled_because: str = ""
    """Why the window never began, where it was not a matter of time."""
    settle_window_ns: int = 0
    settle_elapsed_ns: int = 0
    settle_parts: tuple[tuple[str, int], ...] = ()
    """What the window is made of: (a promise of the target's, nanoseconds)."""
    payment_timeout_ns: int = 0
    """How long the shop waits for its provider before it tries again, as the target says; 0 = it does not."""
    payment_deadline_ns: int = 0
    """How long the shop takes to decide a payment at most: its own deadline, or time-out × tries; 0 = not known."""
    staleness_ns: int = 5 * NS_PER_S
    """How long what the shop shows may lag behind its books: a status page behind a confirmation."""
    faults: tuple[FaultNote, ...] = ()
    by_hand: tuple[FaultNote, ...] = ()
    """Faults that somebody switched on during the run: windows like any other, asked for by nobody."""
    partial_faults: tuple[str, ...] = ()
    """Numbers of the faults that hit only a part of the connections."""
    phases: tuple[PhaseNote, ...] = ()
    budget: Budget = Budget()
    status: str = "done"
    """The run's status in its manifest."""
    stage_broke: str = ""
    """Why nothing that was measured is the shop's doing: surgectl's own stage lost a part. Ledger facts stay facts."""
    started_epoch_s: float = 0.0
    """Wall time of the run's zero: puts foreign clocks on our axis, for show and for windows, never to convict."""
    duration_ns: int = 0
    exclusive: bool = False
    """Nobody but us used this shop and this provider: only then may an unexplained order be called a phantom."""
    refunds_known: bool | None = None
    """Whether the books tell of refunds; None = judged by what is in them."""
    links_at_least: float = 0.99
    """Where a smaller share of the money or the orders finds its intent, what remains might hide anything."""
    lost_workers: tuple[str, ...] = ()
    """Processes of ours that ended before their time, each in a sentence: what was measured lacks their fans."""
    stuck: str = ""
    """The first error of the target that let a fan go no further: a variable that was not set, a step in Python."""
    slow_calls: str = ""
    """How many steps in Python were so slow that everybody waited for them, in words."""
    lost_rows: int = 0
    """Rows that the recording is known to have lost."""
    examples_at_most: int = 10

    def limits(self, invariant: str, default: L) -> L | None:
        """The limits of a statistical invariant; None where the profile turned it off."""
        given = getattr(self.statistics, STATISTICAL[invariant])
        if given == "off":
            return None
        return given if isinstance(given, type(default)) else default

    def asked(self, invariant: str) -> bool:
        """The profile speaks of this statistical invariant, so its not being known weighs."""
        given = getattr(self.statistics, STATISTICAL[invariant]) if invariant in STATISTICAL else None
        return self.named(invariant) or isinstance(given, Limits)

    def named(self, invariant: str) -> bool:
        """Required by its own id."""
        return invariant in self.require

    def required(self, invariant: str) -> bool:
        """Required by its id or by its group."""
        return any(invariant in invariants_of(word) for word in self.require) or self.named(invariant)


def expectations_of(
    manifest: Manifest,
    expect: Expect,
    generator: Generator,
    *,
    exclusive: bool = False,
    refunds_known: bool | None = None,
    lost_rows: int = 0,
) -> Expectations:
    """What a recorded run is to be measured against, from its manifest and the profile's `expect` and `generator`.

    `settled` holds once the window that the shop's constants ask for has gone by between the last fan's leaving and
    the reading of the books.
    """
    sale, promises, settling = manifest.sale, manifest.promises, manifest.settling
    window_ns = settling.window_ns if settling else 0
    known = manifest.settled_ns is not None and manifest.last_fan_ns is not None
    elapsed_ns = (manifest.settled_ns or 0) - (manifest.last_fan_ns or 0) if known else 0
    return Expectations(
        capacity=sale.tickets if sale else None,
        price_minor=sale.price_minor if sale else None,
        currency=sale.currency if sale else "",
        limit=sale.limit if sale else None,
        one_order_per="intent" if promises.one_order_per == "intent" else "none",
        require=tuple(expect.invariants.require),
        coverage=dict(expect.coverage),
        thresholds=tuple(expect.thresholds),
        statistics=expect.statistics,
        order="lottery" if sale and sale.order == "lottery" else "fifo",
        settled=known and elapsed_ns >= window_ns,
        settle_window_ns=window_ns,
        settle_elapsed_ns=elapsed_ns,
        settle_parts=tuple(settling.parts.items()) if settling else (),
        payment_timeout_ns=promises.payment_timeout_ns,
        payment_deadline_ns=max(promises.payment_deadline_ns, promises.payment_timeout_ns * promises.payment_tries),
        staleness_ns=promises.staleness_ns,
        faults=tuple(manifest.faults),
        by_hand=tuple(manifest.by_hand),
        partial_faults=tuple(fault.fault for fault in (*manifest.faults, *manifest.by_hand) if fault.toxicity < 1),
        phases=tuple(manifest.phases),
        budget=Budget(
            dropped_at_most=float(generator.dropped_at_most),
            lag_p99_at_most_ns=int(generator.lag_p99_at_most),
            late_at_most_ns=int(generator.late_at_most),
            behind=generator.behind,
        ),
        status=manifest.status,
        stage_broke=manifest.stage_broke,
        lost_workers=tuple(str(lost) for lost in manifest.lost_workers),
        stuck=manifest.tally.first_target_error,
        slow_calls=_slow_calls(manifest.tally),
        started_epoch_s=manifest.started_epoch_s,
        duration_ns=round(manifest.duration_s * NS_PER_S),
        exclusive=exclusive,
        refunds_known=refunds_known,
        lost_rows=lost_rows,
    )


def _slow_calls(tally: Tally) -> str:
    if not tally.slow_calls:
        return ""
    slow, calls = tally.slow_calls, tally.calls
    return f"{slow:,} of {calls:,} calls of steps in Python took longer than 10 ms (first: {tally.first_slow_call})"

"""The profile: what to rehearse. One YAML file, these frozen structs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.profile.statistics import Statistics
from surgectl.profile.values import Duration, Money, Rate, Share


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a profile: frozen, and strict about its keys."""


class Sale(_Part, frozen=True, kw_only=True):
    """What is sold: the audit's capacity and price come from here, never from the shop."""

    tickets: int
    price: Money
    limit: int | None = None
    """Most tickets one identity may buy; None = the shop promises no limit."""
    order: Literal["fifo", "lottery"] = "fifo"
    wants: dict[int, Share] = msgspec.field(default_factory=lambda: {1: Share(1.0)})
    """How many tickets an intent wants → share of the fans."""


class Phase(_Part, frozen=True, kw_only=True):
    """A stretch of arrivals. `rate` alone is constant; `shape` says otherwise.

    constant: rate, for · ramp: from, to, for · step: from, to, steps, for · spike: fans, half_life, for ·
    poisson: rate, for · curve: file (CSV of t seconds, rate per second), optional scale.
    """

    phase: str
    shape: Literal["constant", "ramp", "step", "spike", "poisson", "curve"] = "constant"
    rate: Rate | None = None
    fans: int | None = None
    """Arrivals in all, instead of a rate (any shape but curve and poisson)."""
    for_: Duration | None = msgspec.field(name="for", default=None)
    from_: Rate | None = msgspec.field(name="from", default=None)
    to: Rate | None = None
    steps: int | None = None
    half_life: Duration | None = None
    file: str | None = None
    scale: float = 1.0


class Toxic(_Part, frozen=True, kw_only=True):
    """A raw Toxiproxy toxic."""

    type: str
    stream: Literal["upstream", "downstream"] = "downstream"
    toxicity: Share = Share(1.0)
    attributes: dict[str, int] = {}


class Exec(_Part, frozen=True, kw_only=True):
    """A command that breaks something, the command that mends it, and one that sees which of the two is the case.

    A first word `surgectl` is this surgectl. `${NAME}` is put in only when the rehearsal begins: from the stage, --set
    or the environment.
    """

    run: list[str]
    heal: list[str]
    check: list[str] = []
    """Exit 0 means: it is broken. Without it nobody sees the fault bite, so the run can only end inconclusive."""
    timeout: Duration = Duration(30 * 10**9)
    """Of each of them."""


class Fault(_Part, frozen=True, kw_only=True):
    """A brownout on a link for a while: by name, by raw toxics, or by command."""

    at: str
    """`on-sale + 4s` (from the start of a phase) or `12s` (from the start of the run)."""
    for_: Duration = msgspec.field(name="for")
    link: str | None = None
    brownout: str | None = None
    toxicity: Share | None = None
    toxics: list[Toxic] = []
    exec: Exec | None = None
    optional: bool = False
    """Left out, and said so, where the target has no such link."""


class Probe(_Part, frozen=True, kw_only=True):
    """An independent constant-rate client of one page, on its own connections."""

    step: str
    rate: Rate


class Settle(_Part, frozen=True, kw_only=True):
    """The longest that the audit waits for eventual conditions."""

    at_most: Duration = Duration(60 * 10**9)


class InvariantsExpected(_Part, frozen=True, kw_only=True):
    """Groups (stock, money, promises) or ids that must end definite."""

    require: list[str] = []


class Expect(_Part, frozen=True, kw_only=True):
    """What the user demands of the run."""

    invariants: InvariantsExpected = InvariantsExpected()
    coverage: dict[str, int | str] = {}
    """Coverage id → least count or share, e.g. payments_in_fault: 30%, lost_replies: 1."""
    thresholds: list[str] = []
    statistics: Statistics = Statistics()
    """Limits of the statistical invariants where the defaults do not fit, or `off`."""


class Generator(_Part, frozen=True, kw_only=True):
    """When our own machine was too slow to be believed."""

    dropped_at_most: Share = Share(0.001)
    """Arrivals that may come later than `late_at_most` (dropped, or let loose late) before the run is inconclusive."""
    lag_p99_at_most: Duration = Duration(250_000_000)
    """How late 99 % of the arrivals that were let loose, and of our own timers, may be."""
    late_at_most: Duration = Duration(1_000_000_000)
    """An arrival that is later than this is behind."""
    behind: Literal["drop", "late"] = "drop"
    """What becomes of it: `drop`, it never comes and is counted; `late`, it comes all the same and is counted."""


class Rehearsal(_Part, frozen=True, kw_only=True):
    """One profile, whole."""

    surgectl: int
    name: str
    sale: Sale
    load: list[Phase]
    fans: dict[str, Share]
    about: str = ""
    target: str | None = None
    chaos: list[Fault] = []
    probe: Probe | None = None
    settle: Settle = Settle()
    expect: Expect = Expect()
    generator: Generator = Generator()
    seed: int | None = None
    promises: dict[str, Any] = {}
    """Laid over the target's `promises` (same keys, same units)."""
    stage: dict[str, Any] = {}
    """Laid over the target's `stage`: settings of the embedded stage, ignored by any other shop."""
    reporters: list[str] = []
    """Further reports that other packages write (entry points `surgectl.reporters`): docs/ci.md."""

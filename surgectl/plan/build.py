"""From a profile and a seed to everything that will happen. Pure: no clock, no file, no network.

A million fans are planned, not materialised: the plan keeps curves, and each fan's row is computed when asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from surgectl.errors import UsageError
from surgectl.plan.arrivals import Curve, Indices, curve, due_blocks
from surgectl.plan.crowd import Crowd, crowd
from surgectl.plan.mixing import Whole, mixed
from surgectl.plan.model import Arrival, PlannedFault, PlannedPhase, Setting, Settling
from surgectl.plan.settling import settling
from surgectl.plan.timeline import playable, timeline
from surgectl.profile.curve import RecordedCurve
from surgectl.profile.rehearsal import Rehearsal
from surgectl.profile.retry import RetryProfile
from surgectl.profile.target import Promises, Target
from surgectl.profile.values import Duration, Money, Rate, Share

DEFAULT_SEED = 1
"""Where nobody names a seed, so that the same profile gives the same plan."""

_BASE, _LOW, _HALF = np.uint64(65_537), np.uint64((1 << 32) - 1), np.uint64(32)


class _Block(NamedTuple):
    """Some fans of one phase, in due order."""

    phase: int
    fan: Whole
    due_us: Indices
    profile: Whole
    """Index among the crowd's."""
    want: Whole
    """Index among the crowd's."""
    draw: Whole
    """The fan's own random number."""


class RatePoint(msgspec.Struct, frozen=True):
    """Expected arrivals per second over one bucket of the run."""

    from_s: float
    to_s: float
    rate_per_s: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What will happen."""

    seed: int
    rehearsal: Rehearsal
    phases: tuple[PlannedPhase, ...]
    curves: tuple[Curve, ...]
    """One for each phase."""
    crowd: Crowd
    faults: tuple[PlannedFault, ...]
    left_out: tuple[PlannedFault, ...]
    """Optional ones whose link this target does not have."""
    fans_total: int
    duration_ns: int
    """When the load ends."""
    settling: Settling
    settings: tuple[Setting, ...] = ()
    retries: dict[str, RetryProfile] = {}

    def arrivals(self, shard: int = 0, of: int = 1) -> Iterator[Arrival]:
        """The fans of shard `shard` of `of` (fan % of == shard), in due order, one at a time."""
        profiles, wants = self.crowd.profiles, self.crowd.wants
        for block in self._blocks(shard, of):
            name = self.phases[block.phase].name
            columns = (block.fan, block.due_us * 1000, block.profile, block.want)
            for fan, due_ns, profile, want in zip(*(column.tolist() for column in columns), strict=True):
                yield Arrival(fan, due_ns, name, profiles[profile], wants[want])

    def _blocks(self, shard: int, of: int) -> Iterator[_Block]:
        """The fans of a shard, in due order, a few thousand at a time: none is computed before it is asked for."""
        if not 0 <= shard < of:
            raise ValueError(f"shard {shard} of {of}")
        for number, (phase, shape) in enumerate(zip(self.phases, self.curves, strict=True)):
            for index, due_us in due_blocks(shape, (shard - phase.first_fan) % of, of):
                fan = (phase.first_fan + index).astype(np.uint64)
                yield _Block(number, fan, phase.start_ns // 1000 + due_us, *self.crowd.draw(fan))

    def shard_sum(self, shard: int = 0, of: int = 1) -> int:
        """The shard's fans as one number; the sums of all shards add up to that of the whole (mod 2¹²⁸)."""
        total = 0
        for block in self._blocks(shard, of):
            # draw differs for every fan (the mixer is a bijection), so equal rows of two fans never cancel.
            row = (block.due_us.astype(np.uint64) * _BASE + np.uint64(block.phase)) * _BASE + block.profile
            marks = mixed(block.draw + (row * _BASE + block.want))
            # In halves, so that no sum overflows; a fan's number stands above its mark's 64 bits.
            total += int((marks & _LOW).sum()) + (int((marks >> _HALF).sum()) << 32) + (int(block.fan.sum()) << 64)
        return total & ((1 << 128) - 1)

    def digest(self, shards: int = 1) -> str:
        """32 hex digits that name this plan: profile, seed, phases, faults, behaviour and every fan.

        The same on any machine, for any number of shards, and whichever optional faults a target leaves out. Paths and
        the target stay out of it.
        """
        total = sum(self.shard_sum(shard, shards) for shard in range(shards)) & ((1 << 128) - 1)
        told = {
            "format": 1,
            "seed": self.seed,
            "profile": _essence(self.rehearsal),
            "phases": self.phases,
            "faults": sorted((*self.faults, *self.left_out), key=lambda fault: int(fault.fault)),
            "fans": self.fans_total,
            "retries": self.retries,
        }
        plain = msgspec.to_builtins(told, enc_hook=_exact, str_keys=True)
        for fault in (*plain["faults"], *plain["profile"]["chaos"]):
            _without_unsaid(fault)
        _without_unset(plain)
        text = msgspec.json.encode(plain, order="deterministic")
        return hashlib.blake2b(text + total.to_bytes(16, "big"), digest_size=16).hexdigest()

    def rate_curve(self, buckets: int) -> list[RatePoint]:
        """The expected arrivals per second in equal buckets of the run: what is drawn."""
        lasts_s = self.duration_ns / 1e9
        edges = [lasts_s * n / buckets for n in range(buckets + 1)]
        come = [self.expected(edge) for edge in edges]
        return [
            RatePoint(edges[n], edges[n + 1], (come[n + 1] - come[n]) / (edges[n + 1] - edges[n]))
            for n in range(buckets)
        ]

    def expected(self, at_s: float) -> float:
        """How many fans are expected by then."""
        return sum(
            shape.cumulative(at_s - phase.start_ns / 1e9)
            for phase, shape in zip(self.phases, self.curves, strict=True)
            if at_s * 1e9 >= phase.start_ns
        )

    @property
    def peak_rate_per_s(self) -> float:
        return max(phase.peak_rate_per_s for phase in self.phases)

    def __repr__(self) -> str:
        return f"<Plan {self.rehearsal.name}: seed {self.seed}, {self.fans_total} fans, {len(self.faults)} faults>"


def build(
    rehearsal: Rehearsal,
    target: Target | None = None,
    seed: int | None = None,
    *,
    retries: Mapping[str, RetryProfile] | None = None,
    curves: Mapping[str, RecordedCurve] | None = None,
    settings: Sequence[Setting] = (),
) -> Plan:
    """The plan of a checked rehearsal. Raises UsageError for what only the whole can tell (nobody comes, a link that
    the target lacks).

    `seed` wins over the profile's own. `curves` are the recorded ones by phase; `retries` the fans' behaviour by name.
    """
    chosen = seed if seed is not None else rehearsal.seed if rehearsal.seed is not None else DEFAULT_SEED
    drawn: list[Curve] = []
    phases: list[PlannedPhase] = []
    start_ns = first_fan = 0
    for number, phase in enumerate(rehearsal.load):
        shape = curve(phase, seed=chosen, number=number, recorded=(curves or {}).get(phase.phase))
        # Whole microseconds: a later phase's fans must not depend on how a CSV's last time was rounded.
        end_ns = start_ns + int(shape.duration_s * 1e6 + 0.5) * 1000
        phases.append(
            PlannedPhase(
                name=phase.phase,
                start_ns=start_ns,
                end_ns=end_ns,
                first_fan=first_fan,
                fans=shape.fans,
                peak_rate_per_s=shape.peak_per_s if shape.fans else 0.0,
            )
        )
        drawn.append(shape)
        start_ns, first_fan = end_ns, first_fan + shape.fans
    if first_fan == 0:
        raise UsageError("nobody comes: all phases together bring no fan", where=f"{rehearsal.name}: load")
    faults = timeline(rehearsal.chaos, phases)
    faults, left_out = playable(faults, target.links) if target is not None else (faults, ())
    return Plan(
        seed=chosen,
        rehearsal=rehearsal,
        phases=tuple(phases),
        curves=tuple(drawn),
        crowd=crowd(rehearsal.fans, rehearsal.sale.wants, chosen),
        faults=faults,
        left_out=left_out,
        fans_total=first_fan,
        duration_ns=start_ns,
        settling=settling(target.promises if target else Promises(), int(rehearsal.settle.at_most)),
        settings=tuple(settings),
        retries=dict(retries or {}),
    )


def _without_unsaid(fault: dict[str, Any]) -> None:
    """Words that the language learnt later count only where they are said: a plan keeps the name it has."""
    for words in (fault, fault.get("exec") or {}):
        for word in ("optional", "check"):
            if not words.get(word, True):
                del words[word]


def _without_unset(plain: dict[str, Any]) -> None:
    """The same for words that stand at what was always done until they are said: limits of statistics, what becomes of
    an arrival that is behind, and where a reaction goes back to."""
    del plain["profile"]["reporters"]  # who is told of it afterwards is no part of what will happen
    if plain["profile"]["generator"]["behind"] == "drop":
        del plain["profile"]["generator"]["behind"]
    if not any(plain["profile"]["expect"]["statistics"].values()):
        del plain["profile"]["expect"]["statistics"]
    for retry in plain["retries"].values():
        for by_cause in retry["react"].values():
            for reaction in by_cause.values():
                if isinstance(reaction, dict) and reaction.get("back", "") is None:
                    del reaction["back"]


def _essence(rehearsal: Rehearsal) -> Rehearsal:
    """The profile without what names a machine or a shop: those are not part of what will happen."""
    load = [msgspec.structs.replace(phase, file=None) for phase in rehearsal.load]
    return msgspec.structs.replace(rehearsal, target=None, about="", seed=None, load=load, stage={}, promises={})


def _exact(value: object) -> object:
    """Values with a unit, exactly (their text is rounded for people)."""
    if isinstance(value, Duration):
        return int(value)
    if isinstance(value, Rate | Share):
        return float(value)
    if isinstance(value, Money):
        return [value.minor, value.currency]
    raise NotImplementedError(type(value).__name__)

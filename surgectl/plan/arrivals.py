"""When people come: one pure curve per shape of rush.

A curve knows how many fans it brings and when the i-th one is due: the instant at which its cumulative number passes
i + ½ (half, so that every window holds its share and nobody stands on a boundary). That is the inverse of the
cumulative, so any fan's due time is computed alone (vegeta's pacers work the same way forwards). Poisson is the
exception: its times are sums of seeded gaps and are walked.

Due times are computed for a block of fans at once, by NumPy: a million in a tenth of a second, and never all of them
in memory. Only +, −, ×, ÷ and √ touch one: IEEE 754 rounds those alike everywhere, alone or in an array, so a plan is
the same on any machine.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any, Protocol

import msgspec
import numpy as np

from surgectl import chance
from surgectl.plan.mixing import drawn, top
from surgectl.profile.curve import RecordedCurve
from surgectl.profile.rehearsal import Phase

_LN2 = 0.6931471805599453
_SQRT_HALF = 0.7071067811865476

BLOCK = 2_048
"""Fans computed at once: below a millisecond, so that a run's event loop never feels it."""

Reals = np.ndarray[Any, np.dtype[np.floating[Any]]]
Indices = np.ndarray[Any, np.dtype[np.int64]]


class Curve(Protocol):
    """Arrivals over one phase; instants are seconds from its start."""

    @property
    def fans(self) -> int: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def peak_per_s(self) -> float: ...
    def due_s(self, index: Indices) -> Reals:
        """When the fans of these indices within the phase (from 0) are due."""
        ...

    def cumulative(self, at_s: float) -> float:
        """How many are expected by then."""
        ...


class _Curve(msgspec.Struct, frozen=True, kw_only=True):
    fans: int
    duration_s: float


class Constant(_Curve, frozen=True, kw_only=True):
    """The same rate throughout."""

    rate_per_s: float

    @property
    def peak_per_s(self) -> float:
        return self.rate_per_s

    def due_s(self, index: Indices) -> Reals:
        return (index + 0.5) / self.rate_per_s

    def cumulative(self, at_s: float) -> float:
        return self.rate_per_s * min(max(at_s, 0.0), self.duration_s)


class Ramp(_Curve, frozen=True, kw_only=True):
    """From one rate to another in a straight line."""

    from_per_s: float
    to_per_s: float

    @property
    def peak_per_s(self) -> float:
        return max(self.from_per_s, self.to_per_s)

    def due_s(self, index: Indices) -> Reals:
        slope = (self.to_per_s - self.from_per_s) / self.duration_s
        return np.minimum(_reach(index + 0.5, self.from_per_s, slope), self.duration_s)

    def cumulative(self, at_s: float) -> float:
        at_s = min(max(at_s, 0.0), self.duration_s)
        slope = (self.to_per_s - self.from_per_s) / self.duration_s
        return self.from_per_s * at_s + slope * at_s * at_s / 2


class Step(_Curve, frozen=True, kw_only=True):
    """Stairs: each rate for an equal part of the time."""

    rates_per_s: tuple[float, ...]
    reached: tuple[float, ...]
    """Expected arrivals by the beginning of each stair, and by the end."""

    @property
    def peak_per_s(self) -> float:
        return max(self.rates_per_s)

    def due_s(self, index: Indices) -> Reals:
        rates, reached = np.array(self.rates_per_s), np.array(self.reached)
        stair = np.minimum(np.searchsorted(reached, index + 0.5), len(rates)) - 1
        width_s = self.duration_s / len(rates)
        due_s: Reals = stair * width_s + (index + 0.5 - reached[stair]) / rates[stair]
        return due_s

    def cumulative(self, at_s: float) -> float:
        at_s = min(max(at_s, 0.0), self.duration_s)
        width_s = self.duration_s / len(self.rates_per_s)
        stair = min(int(at_s / width_s), len(self.rates_per_s) - 1)
        return self.reached[stair] + self.rates_per_s[stair] * (at_s - stair * width_s)


class Spike(_Curve, frozen=True, kw_only=True):
    """Everybody at once, then half as many after each half-life: density ∝ 2^(−t/half-life), cut at the phase's end."""

    half_life_s: float
    whole: float
    """1 − 2^(−duration/half-life): the part of the endless tail that lies within the phase."""

    @property
    def peak_per_s(self) -> float:
        return self.fans * _LN2 / (self.half_life_s * self.whole)

    def due_s(self, index: Indices) -> Reals:
        left = 1.0 - (index + 0.5) / self.fans * self.whole
        due_s: Reals = np.minimum(-self.half_life_s * _log(left) / _LN2, self.duration_s)
        return due_s

    def cumulative(self, at_s: float) -> float:
        at_s = min(max(at_s, 0.0), self.duration_s)
        return self.fans * -math.expm1(-_LN2 * at_s / self.half_life_s) / self.whole


class Poisson(_Curve, frozen=True, kw_only=True):
    """Independent arrivals: exponential gaps from the seed. `fans` is what this seed gave, not the mean."""

    rate_per_s: float
    stream: int
    """Where this phase's gaps begin (chance.bits of seed and phase)."""

    @property
    def peak_per_s(self) -> float:
        return self.rate_per_s

    def due_s(self, index: Indices) -> Reals:
        """O(the greatest index): gaps add up. `due_blocks` walks them once."""
        walked, count = [], 0
        for at_s in _poisson(self.rate_per_s, self.stream):
            walked.append(at_s)
            count += len(at_s)
            if count > index.max(initial=0):
                break
        return np.concatenate(walked)[index]

    def cumulative(self, at_s: float) -> float:
        return self.rate_per_s * min(max(at_s, 0.0), self.duration_s)


class Recorded(_Curve, frozen=True, kw_only=True):
    """A recorded rush, played again: straight lines between the points of a CSV."""

    times_s: tuple[float, ...]
    rates_per_s: tuple[float, ...]
    reached: tuple[float, ...]
    """Expected arrivals by each point."""

    @property
    def peak_per_s(self) -> float:
        return max(self.rates_per_s)

    def due_s(self, index: Indices) -> Reals:
        times_s, rates, reached = np.array(self.times_s), np.array(self.rates_per_s), np.array(self.reached)
        at = np.minimum(np.searchsorted(reached, index + 0.5), len(times_s) - 1) - 1
        width_s = times_s[at + 1] - times_s[at]
        slope = (rates[at + 1] - rates[at]) / width_s
        into_s = _reach(index + 0.5 - reached[at], rates[at], slope)
        due_s: Reals = times_s[at] + np.minimum(into_s, width_s)
        return due_s

    def cumulative(self, at_s: float) -> float:
        at_s = min(max(at_s, 0.0), self.duration_s)
        at = max(bisect_left(self.times_s, at_s) - 1, 0)
        into_s = at_s - self.times_s[at]
        slope = (self.rates_per_s[at + 1] - self.rates_per_s[at]) / (self.times_s[at + 1] - self.times_s[at])
        return self.reached[at] + self.rates_per_s[at] * into_s + slope * into_s * into_s / 2


def curve(phase: Phase, *, seed: int, number: int, recorded: RecordedCurve | None = None) -> Curve:
    """The curve of a checked phase; `number` is its place in the profile (Poisson draws from it)."""
    if phase.shape == "curve":
        assert recorded is not None, "the loader reads the file of a curve"
        return _recorded(recorded, phase.scale, None if phase.for_ is None else phase.for_ / 1e9)
    assert phase.for_ is not None, "the loader asks for `for`"
    lasts_s = phase.for_ / 1e9
    if phase.shape == "spike":
        assert phase.fans is not None and phase.half_life is not None
        return Spike(
            fans=phase.fans,
            duration_s=lasts_s,
            half_life_s=phase.half_life / 1e9,
            whole=_within(phase.for_, phase.half_life),
        )
    if phase.shape == "ramp":
        low, high = _ends(phase, lasts_s)
        return Ramp(fans=_count(phase, (low + high) / 2 * lasts_s), duration_s=lasts_s, from_per_s=low, to_per_s=high)
    if phase.shape == "step":
        return _step(phase, lasts_s)
    if phase.shape == "poisson":
        assert phase.rate is not None
        return _poisson_curve(float(phase.rate), lasts_s, chance.bits(seed, "arrival", number))
    rate = float(phase.rate) if phase.rate is not None else (phase.fans or 0) / lasts_s
    return Constant(fans=_count(phase, rate * lasts_s), duration_s=lasts_s, rate_per_s=rate)


def due_blocks(curve: Curve, first: int = 0, step: int = 1) -> Iterator[tuple[Indices, Indices]]:
    """For every `step`-th fan, in order, beginning with the `first`: its index, and when it is due.

    In whole microseconds from the phase's start, so that the last bit of a float can never change a digest. At most
    `BLOCK` fans at a time.
    """
    if isinstance(curve, Poisson) and curve.fans:
        begin = 0
        for at_s in _poisson(curve.rate_per_s, curve.stream):
            index = np.arange(begin, min(begin + len(at_s), curve.fans))
            index = index[(index >= first) & ((index - first) % step == 0)]
            if len(index):
                yield index, _whole_us(at_s[index - begin])
            begin += len(at_s)
            if begin >= curve.fans:
                return
    for begin in range(first, curve.fans, BLOCK * step):
        index = np.arange(begin, min(begin + BLOCK * step, curve.fans), step)
        yield index, _whole_us(curve.due_s(index))


def _whole_us(at_s: Reals) -> Indices:
    return (at_s * 1e6 + 0.5).astype(np.int64)


def _count(phase: Phase, expected: float) -> int:
    """Whole fans: the number said, or the expected number rounded half up (so that the last one is due in time)."""
    return phase.fans if phase.fans is not None else math.floor(expected + 0.5)


def _ends(phase: Phase, lasts_s: float) -> tuple[float, float]:
    """A ramp's two rates; a number of fans alone rises evenly from nothing."""
    if phase.fans is not None:
        return 0.0, 2 * phase.fans / lasts_s
    assert phase.from_ is not None and phase.to is not None
    return float(phase.from_), float(phase.to)


def _step(phase: Phase, lasts_s: float) -> Step:
    assert phase.steps is not None
    if phase.fans is not None:  # 1, 2, 3 … parts
        unit = phase.fans / (lasts_s / phase.steps) / (phase.steps * (phase.steps + 1) / 2)
        rates = tuple(unit * (stair + 1) for stair in range(phase.steps))
    else:
        assert phase.from_ is not None and phase.to is not None
        rise = (phase.to - phase.from_) / max(phase.steps - 1, 1)
        rates = tuple(phase.from_ + rise * stair for stair in range(phase.steps))
    reached = [0.0]
    for rate in rates:
        reached.append(reached[-1] + rate * (lasts_s / phase.steps))
    return Step(fans=_count(phase, reached[-1]), duration_s=lasts_s, rates_per_s=rates, reached=tuple(reached))


def _recorded(recorded: RecordedCurve, scale: float, lasts_s: float | None) -> Recorded:
    points = [(at_s, rate * scale) for at_s, rate in recorded.points]
    if lasts_s is not None and lasts_s < points[-1][0]:
        after = bisect_left([at_s for at_s, _ in points], lasts_s)
        (t0, r0), (t1, r1) = points[after - 1], points[after]
        points = [*points[:after], (lasts_s, r0 + (r1 - r0) * (lasts_s - t0) / (t1 - t0))]
    reached = [0.0]
    for (t0, r0), (t1, r1) in zip(points, points[1:], strict=False):
        reached.append(reached[-1] + (r0 + r1) / 2 * (t1 - t0))
    return Recorded(
        fans=math.floor(reached[-1] + 0.5),
        duration_s=points[-1][0],
        times_s=tuple(at_s for at_s, _ in points),
        rates_per_s=tuple(rate for _, rate in points),
        reached=tuple(reached),
    )


def _poisson_curve(rate_per_s: float, lasts_s: float, stream: int) -> Poisson:
    fans = 0
    if rate_per_s > 0:
        for at_s in _poisson(rate_per_s, stream):
            within = int(np.searchsorted(at_s, lasts_s))
            fans += within
            if within < len(at_s):
                break
    return Poisson(fans=fans, duration_s=lasts_s, rate_per_s=rate_per_s, stream=stream)


def _poisson(rate_per_s: float, stream: int) -> Iterator[Reals]:
    """Endless arrival instants of a Poisson process, `BLOCK` at a time."""
    at_s, number, mean_s = 0.0, 0, 1.0 / rate_per_s if rate_per_s > 0 else math.inf
    while True:
        draws = top(drawn(stream, np.arange(number, number + BLOCK, dtype=np.uint64))) * (1.0 / (1 << 53))
        gaps = _log(1.0 - draws) * mean_s
        # One after the other, as the sum of a walk is rounded: never pairwise.
        block = np.subtract.accumulate(np.concatenate(([at_s], gaps)))[1:]
        yield block
        at_s = float(block[-1])
        number += BLOCK


def _reach(fans: Reals, from_per_s: float | Reals, slope: float | Reals) -> Reals:
    """When a line of rates has brought so many: the root of slope·t²/2 + from·t = fans that does not cancel."""
    root = np.sqrt(np.maximum(from_per_s * from_per_s + 2 * slope * fans, 0.0))
    below = from_per_s + root
    return np.divide(2 * fans, below, out=np.zeros_like(below), where=below > 0)


def _within(lasts_ns: int, half_life_ns: int) -> float:
    """1 − 2^(−lasts/half-life), by decimal arithmetic: the machine's own pow differs in its last bit."""
    with localcontext() as context:
        context.prec = 40
        return float(1 - Decimal(2) ** (-Decimal(int(lasts_ns)) / Decimal(int(half_life_ns))))


def _log(x: Reals) -> Reals:
    """Natural logarithm to about 1e-15, from operations that round alike on every machine.

    ln x = e·ln 2 + 2·artanh((m − 1)/(m + 1)) with m in [√½, √2).
    """
    m, e = np.frexp(x)
    small = m < _SQRT_HALF
    m, e = np.where(small, m * 2.0, m), np.where(small, e - 1, e)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = 1 / 15 + z * (1 / 17 + z * (1 / 19 + z / 21))
    series = 1 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11 + z * (1 / 13 + z * series))))))
    found: Reals = e * _LN2 + 2.0 * s * series
    return found

"""Every number of two runs (measured.py) with its interval and a word: same, better, worse, or can't tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from surgectl.report.compare.measured import Measured, Percentile, Quotient, Unit
from surgectl.report.compare.model import Row, Said
from surgectl.report.compare.seconds import OPEN, Counters, Seconds
from surgectl.stats.bootstrap import Floats, block_length, memory, seconds_a_piece, times_drawn, unseen
from surgectl.stats.difference import Spread, holm, spread
from surgectl.stats.histogram import highest_at

REPLICATES = 1_000
BAND = 0.05
LEAST_BEYOND = 10
"""Samples that must lie beyond a percentile before anybody speaks of it: p99 needs a thousand of them."""
LEAST_SECONDS_BEYOND = 8
"""Seconds that these samples must come from: ten slow replies in one slow second are one piece of bad luck."""
LEAST_SECONDS = 12
"""Seconds in which there was anything to look at: with fewer, nobody sees how they hang together."""
_LATE = 0.95
"""Of the seconds: how late we were ourselves in nearly all of them is what a difference has to exceed."""


Flags = np.ndarray[Any, np.dtype[np.bool_]]
Draws = Callable[[float], Floats]
"""Mean length of a block → how often each second was drawn, by replicate."""


def judged(
    wanted: Sequence[Measured],
    *,
    strata: Sequence[int],
    seed: int,
    band: float = BAND,
    replicates: int = REPLICATES,
    lateness_ms: float = 0.0,
    untold: str = "",
) -> list[Row]:
    """The rows. `strata`: each second's stretch. `lateness_ms`: a latency that differs by less may differ by our own
    fault. `untold`: why nothing of this may be judged at all."""
    drawn: dict[float, Floats] = {}

    def times(block: float) -> Floats:
        if block not in drawn:
            drawn[block] = times_drawn(seed, strata, block=block, replicates=replicates)
        return drawn[block]

    looked: list[Looked] = []
    for one in wanted:
        if isinstance(one, Quotient):
            looked.append(_quotient(one, strata, times, band))
        else:
            looked.append(_percentile(one, strata, times, band))
    if untold:
        return [_without(row, untold) if row.weighs else row for row, _ in looked]
    weighed = [n for n, (_, found) in enumerate(looked) if found is not None]
    stands = dict(zip(weighed, holm([looked[n][1].p for n in weighed]), strict=True))  # type: ignore[union-attr]
    return [
        row if found is None else _ours(_said(row, found, stands[n], len(weighed)), lateness_ms)
        for n, (row, found) in enumerate(looked)
    ]


def lateness_ms(*runs: Seconds) -> float:
    """How late we were ourselves, at worst in a second, in all but one of twenty seconds of the worse run."""
    found = [sorted(ms for ms in run.levels.get("lag", []) if ms is not None) for run in runs]
    return max((late[min(len(late) - 1, int(_LATE * len(late)))] for late in found if late), default=0.0)


def _ours(row: Row, late_ms: float) -> Row:
    """A latency runs from when it was due: what our own lateness can explain is no verdict on the shop."""
    if row.unit != "ms" or row.said not in ("better", "worse") or row.baseline is None or row.candidate is None:
        return row
    if not row.weighs or abs(row.candidate - row.baseline) > late_ms:
        return row
    why = f"may be ours (we were late by up to {late_ms:.3g} ms ourselves, and it differs by no more)"
    return msgspec.structs.replace(row, said="can't tell", why=why)


Looked = tuple[Row, Spread | None]


def _quotient(one: Quotient, strata: Sequence[int], times: Draws, band: float) -> Looked:
    tops = [float(side.sum()) for side in one.above]
    bottoms = [float(side.sum()) for side in one.below]
    values = [top / bottom if bottom else math.nan for top, bottom in zip(tops, bottoms, strict=True)]
    relative = one.unit != "share"
    row = _row(one, one.unit, values, (int(bottoms[0]), int(bottoms[1])), band, one.floor, relative)
    row = msgspec.structs.replace(row, less_is_better=one.less_is_better, weighs=one.weighs)
    if not all(bottoms):
        return _without(row, "nothing to look at in one of the runs"), None
    if relative and not all(tops):
        return _without(row, "nothing was counted in one of the runs"), None
    if all(tops) and all(np.array_equal(*pair) for pair in (one.above, one.below)):
        return msgspec.structs.replace(row, said="same", why="the same in every second", difference=0.0), None
    active = (one.below[0] > 0) | (one.below[1] > 0)
    # By how much each second pulls the number: what the blocks' length is read off.
    pulls = [
        (above - value * below) / (top if relative else bottom)
        for above, below, value, top, bottom in zip(one.above, one.below, values, tops, bottoms, strict=True)
    ]
    course = _course(pulls[1] - pulls[0], active, strata)
    weights: Floats = times(course.block)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = [(weights @ above) / (weights @ below) for above, below in zip(one.above, one.below, strict=True)]
        difference = np.log(shares[1] / shares[0]) if relative else shares[1] - shares[0]
    value = math.log(values[1] / values[0]) if relative else values[1] - values[0]
    # Seconds that seem to make up for each other may only seem so: the error is never below that of strangers.
    least = max(course.alone, 0.0 if relative else _least(tops, bottoms))
    return _looked(row, value, difference, course, relative, least)


def _percentile(one: Percentile, strata: Sequence[int], times: Draws, band: float) -> Looked:
    n = len(strata)
    sides = [_table(side, n) for side in one.took]
    samples = [int(table.sum()) for _, table in sides]
    share = one.percentile / 100
    found = [_at(keys, table.sum(axis=0)[None, :], share)[0] if len(keys) else math.nan for keys, table in sides]
    known = [math.nan if counter >= OPEN else _ms(counter) for counter in found]
    row = _row(one, "ms", known, (samples[0], samples[1]), band, one.floor, True)
    if not all(samples):
        return _without(row, "nothing to look at in one of the runs"), None
    needed = math.ceil(LEAST_BEYOND / (1 - share))
    if min(samples) < needed:
        return _without(row, f"too few samples ({min(samples):,} of {needed:,})"), None
    beyond = [int((table[:, keys >= at].sum(axis=1) > 0).sum()) for (keys, table), at in zip(sides, found, strict=True)]
    if min(beyond) < LEAST_SECONDS_BEYOND:
        return _without(row, f"too few samples (those beyond it lie in {min(beyond)} seconds)"), None
    if max(found) >= OPEN:
        return _without(row, "so many never came to a definite end"), None
    pulls = [
        (table[:, keys > counter].sum(axis=1) - (1 - share) * table.sum(axis=1)) / table.sum()
        for (keys, table), counter in zip(sides, found, strict=True)
    ]
    active = (sides[0][1].sum(axis=1) + sides[1][1].sum(axis=1)) > 0
    course = _course(pulls[1] - pulls[0], active, strata)
    weights: Floats = times(course.block)
    narrow = [_narrowed(keys, table, share) for keys, table in sides]
    ends = [_all_ms(_at(keys, weights @ table, share)) for keys, table in narrow]
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.log(ends[1] / ends[0])
    value = math.log(_ms(found[1]) / _ms(found[0]))
    return _looked(row, value, difference, course, True, 0.0)


def _looked(
    row: Row,
    value: float,
    difference: Floats,
    course: Course,
    relative: bool,
    least: float,
) -> Looked:
    band = math.log1p(row.band) if relative else row.band
    found = spread(
        value,
        difference,
        band=band,
        pieces=course.pieces,
        strata=course.stretches,
        unseen=unseen(course.block, course.memory),
        least=least,
    )
    told = (math.expm1(x) if relative and x < 700 else x for x in (found.value, found.low, found.high))
    shown, low, high = (x if math.isfinite(x) else None for x in told)
    certain = math.isfinite(found.low) and math.isfinite(found.high)
    row = msgspec.structs.replace(
        row,
        difference=shown,
        low=low if certain else None,
        high=high if certain else None,
        p=found.p,
        block_s=course.block,
        pieces=round(course.pieces, 1),
    )
    return row, found


def _said(row: Row, found: Spread, stands: bool, looked_at: int) -> Row:
    """The word for a row that could be judged."""
    if row.low is None or row.high is None:
        why = f"too short (its seconds are worth {row.pieces:.0f} independent ones)"
        return msgspec.structs.replace(row, said="can't tell", why=why)
    band = math.log1p(row.band) if row.scale == "relative" else row.band
    if -band <= found.low and found.high <= band:
        return msgspec.structs.replace(row, said="same")
    if found.low > band or found.high < -band:
        word: Said = "worse" if (found.value > 0) == row.less_is_better else "better"
        if stands:
            return msgspec.structs.replace(row, said=word)
        why = f"{word} if it were alone, but among so many rows chance does that (Holm, {looked_at} rows)"
        return msgspec.structs.replace(row, why=why)
    return msgspec.structs.replace(row, why="the interval reaches over the edge of the band")


def _without(row: Row, why: str) -> Row:
    return msgspec.structs.replace(row, said="can't tell", why=why, low=None, high=None, p=1.0)


def _row(
    one: Measured, unit: Unit, values: Sequence[float], samples: tuple[int, int], band: float, floor: float, rel: bool
) -> Row:
    first = values[0] if math.isfinite(values[0]) else 0.0
    edge = max(band, floor / first if first else 0.0) if rel else max(floor, band * first)
    both = [value if math.isfinite(value) else None for value in values]
    return Row(
        id=one.id,
        name=one.name,
        unit=unit,
        less_is_better=True,
        main=one.main,
        baseline=both[0],
        candidate=both[1],
        scale="relative" if rel else "points",
        band=round(edge, 6),
        samples=samples,
    )


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How a number's seconds hang together."""

    block: float
    memory: float
    pieces: float
    stretches: int
    alone: float
    """The standard error of the sum of the pulls, if no second knew of another."""


_BLOCKS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)
"""A little more or less changes nothing, and rows with the same length share their draws."""


def _course(pulls: Floats, active: Flags, strata: Sequence[int]) -> Course:
    """Read off what is left of each second's pull when each stretch has its own mean."""
    left = pulls.copy()
    labels = np.asarray(strata)
    stretches = 0
    for label in dict.fromkeys(strata):
        inside = (labels == label) & active
        if inside.any():
            left[inside] -= left[inside].mean()
            stretches += 1
    best = block_length(left[active])
    remembered = memory(left[active], stretches)
    return Course(
        block=next((length for length in _BLOCKS if length >= best), _BLOCKS[-1]),
        memory=remembered,
        pieces=float(active.sum()) / seconds_a_piece(remembered) if active.sum() >= LEAST_SECONDS else 0.0,
        stretches=stretches,
        alone=math.sqrt(float(left[active] @ left[active]) * float(active.sum()) / max(1.0, active.sum() - stretches)),
    )


def _least(tops: Sequence[float], bottoms: Sequence[float]) -> float:
    """Where nothing (or everything) was counted no draw differs: the error that counts so small leave open (Agresti &
    Caffo, Am. Stat. 2000)."""
    if all(0 < top < bottom for top, bottom in zip(tops, bottoms, strict=True)):
        return 0.0
    shares = [(top + 1) / (bottom + 2) for top, bottom in zip(tops, bottoms, strict=True)]
    return math.sqrt(sum(max(0.0, p * (1 - p)) / (n + 2) for p, n in zip(shares, bottoms, strict=True)))


def _table(side: Sequence[Counters], n: int) -> tuple[Floats, Floats]:
    """Counters that occur, ascending, and how often each does in each second."""
    keys = np.array(sorted({key for second in side for key in second}), dtype=np.float64)
    place = {int(key): column for column, key in enumerate(keys)}
    table = np.zeros((n, len(keys)))
    for row, second in enumerate(side):
        for key, count in second.items():
            table[row, place[key]] = count
    return keys, table


def _narrowed(keys: Floats, table: Floats, share: float) -> tuple[Floats, Floats]:
    """The same counters with neighbours put together: a hundred steps from the percentile to the top, ten times as far
    down, one for all that lies below. Millions of samples are drawn as quickly as thousands."""
    totals = table.sum(axis=0)
    before = np.cumsum(totals) - totals
    everything, tail = float(totals.sum()), 1 - share
    steps = np.floor(np.maximum(before - everything * (1 - 10 * tail), 0) / (everything * tail / 100))
    begins = np.flatnonzero(np.diff(steps, prepend=-1))
    ends = np.append(begins[1:], len(keys)) - 1
    return keys[ends], np.add.reduceat(table, begins, axis=1)


def _at(keys: Floats, tables: Floats, share: float) -> Floats:
    """The counter of a percentile (nearest rank), by row of counts; NaN where nothing was counted."""
    totals = tables.sum(axis=1)
    rank = np.maximum(1.0, np.ceil(np.round(totals * share, 9)))
    reached = np.cumsum(tables, axis=1) >= rank[:, None] - 1e-9
    return np.where(totals > 0, keys[np.argmax(reached, axis=1)], np.nan)


def _ms(counter: float) -> float:
    """What a counter stands for."""
    return math.nan if math.isnan(counter) else highest_at(int(counter)) / 1e6


_all_ms = np.vectorize(_ms, otypes=[float])

"""Samples folded small enough to lie in a report, and unfolded again.

What travels is text: MessagePack, zlib, base64, in lines that no reader of JSON cuts short. A long or crowded run gets
coarser steps of time until it fits; durations keep their two digits.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from surgectl.stats.rough import Counts, add
from surgectl.thresholds.samples import Cell, Fact, Samples, Stretch, Ticks, Track, cuts_of
from surgectl.units import NS_PER_S

FORMAT = "surgectl.samples/1"
MOST_CHARS = 450_000
"""So much of a report may be samples."""
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_LINE = 30_000
_MOST_BYTES = 64 << 20
"""What a packed text may unfold to: a report from a stranger must not fill the memory."""


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """Samples in a report.json: `data` is base64 of zlib of MessagePack (thresholds/samples.py)."""

    format: str = FORMAT
    step_s: int
    """Length of a step of time: a window is judged in these."""
    until_s: float
    data: list[str]


class _Whole(msgspec.Struct, array_like=True):
    step_ns: int
    end_ns: int
    phases: tuple[Stretch, ...]
    faults: tuple[Stretch, ...]
    arrivals: int
    tracks: tuple[tuple[str, str, bool, list[list[int]]], ...]
    ticks: tuple[tuple[str, str, bool, list[int]], ...]
    facts: tuple[Fact, ...]


class UnpackError(ValueError):
    """The text is no samples of ours."""


def pack(samples: Samples, most: int = MOST_CHARS) -> Packed:
    """Fold. The steps of time become longer until the text is at most `most` characters, or a step an hour long."""
    for step_s in STEPS_S:
        if step_s * NS_PER_S < samples.step_ns:
            continue
        samples = coarser(samples, step_s * NS_PER_S)
        text = base64.b64encode(zlib.compress(msgspec.msgpack.encode(_flat(samples)), 6)).decode("ascii")
        if len(text) <= most:
            break
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return Packed(step_s=samples.step_ns // NS_PER_S, until_s=round(samples.end_ns / NS_PER_S, 3), data=lines)


def unpack(packed: Packed) -> Samples:
    """Unfold. UnpackError where the text is not what `pack` makes."""
    if packed.format != FORMAT:
        raise UnpackError(f"samples of another format: {packed.format!r}")
    try:
        unfolding = zlib.decompressobj()
        data = unfolding.decompress(base64.b64decode("".join(packed.data), validate=True), _MOST_BYTES)
        if unfolding.unconsumed_tail:
            raise UnpackError("samples that unfold without end")
        whole = msgspec.msgpack.decode(data, type=_Whole)
        return _raised(whole)
    except (binascii.Error, zlib.error, msgspec.MsgspecError, IndexError, ValueError) as error:
        raise UnpackError(f"samples that cannot be read: {error}") from error


def coarser(samples: Samples, step_ns: int) -> Samples:
    """The same with longer steps: cells added up, edges kept."""
    if step_ns <= samples.step_ns:
        return samples
    cuts, edges = cuts_of(step_ns, samples.end_ns, (*samples.phases, *samples.faults))
    new = [bisect_right(cuts, at) - 1 for at in samples.cuts]
    tracks = []
    for track in samples.tracks:
        if track.coarse:
            tracks.append(track)
            continue
        cells: dict[int, Cell] = {}
        for number, cell in track.cells.items():
            _into(cells.setdefault(new[number], Cell()), cell)
        tracks.append(Track(track.step, track.of, False, cells))
    ticks = []
    for old in samples.ticks:
        counts: Counts = {}
        for number, n in old.counts.items():
            at = number if old.coarse else new[number]
            counts[at] = counts.get(at, 0) + n
        ticks.append(Ticks(old.event, old.of, old.coarse, counts))
    return msgspec.structs.replace(
        samples, step_ns=step_ns, cuts=cuts, edges=edges, tracks=tuple(tracks), ticks=tuple(ticks)
    )


def _into(cell: Cell, other: Cell) -> None:
    add(cell.ended, other.ended)
    add(cell.open, other.open)
    for name in ("ended_ns", "total", "bad", "sends", "wanted", "first"):
        setattr(cell, name, getattr(cell, name) + getattr(other, name))


_FIELDS = ("ended_ns", "total", "bad", "sends", "wanted", "first")


def _flat(samples: Samples) -> _Whole:
    return _Whole(
        samples.step_ns,
        samples.end_ns,
        samples.phases,
        samples.faults,
        samples.arrivals,
        tuple((t.step, t.of, t.coarse, _cells(t.cells)) for t in samples.tracks),
        tuple((t.event, t.of, t.coarse, _pairs(t.counts)) for t in samples.ticks),
        samples.facts,
    )


def _cells(cells: dict[int, Cell]) -> list[list[int]]:
    """[places, a list of each field, lengths of `ended`, its pairs, lengths of `open`, its pairs]: like beside like."""
    order = sorted(cells)
    columns = [_steps(order)]
    columns += [[getattr(cells[n], name) for n in order] for name in _FIELDS]
    for name in ("ended", "open"):
        counts = [getattr(cells[n], name) for n in order]
        columns.append([len(c) for c in counts])
        columns.append([step for c in counts for step in _steps(sorted(c))])
        columns.append([c[counter] for c in counts for counter in sorted(c)])
    return columns


def _steps(ascending: Sequence[int]) -> list[int]:
    return [b - a for a, b in zip([0, *ascending], ascending, strict=False)]


def _pairs(counts: Counts) -> list[int]:
    order = sorted(counts)
    return [*_steps(order), *(counts[n] for n in order)]


def _summed(steps: Sequence[int]) -> list[int]:
    at, found = 0, []
    for step in steps:
        at += step
        found.append(at)
    return found


def _raised(whole: _Whole) -> Samples:
    if not 0 < whole.step_ns <= STEPS_S[-1] * NS_PER_S or not 0 <= whole.end_ns <= whole.step_ns * 10_000_000:
        raise UnpackError("samples of no run that can have been")
    if whole.end_ns // whole.step_ns > 1_000_000:
        raise UnpackError("samples of more steps than anybody could look at")
    cuts, edges = cuts_of(whole.step_ns, whole.end_ns, (*whole.phases, *whole.faults))
    tracks = []
    for step, of, coarse, columns in whole.tracks:
        places, *rest = columns
        fields, ended, still_open = rest[: len(_FIELDS)], rest[len(_FIELDS) : -3], rest[-3:]
        cells = {
            number: Cell(ended=a, open=b, **dict(zip(_FIELDS, values, strict=True)))
            for number, a, b, values in zip(
                _summed(places), _counts(*ended), _counts(*still_open), zip(*fields, strict=True), strict=True
            )
        }
        tracks.append(Track(step, of, coarse, cells))
    ticks = []
    for event, of, coarse, pairs in whole.ticks:
        half = len(pairs) // 2
        ticks.append(Ticks(event, of, coarse, dict(zip(_summed(pairs[:half]), pairs[half:], strict=True))))
    return Samples(
        step_ns=whole.step_ns,
        end_ns=whole.end_ns,
        cuts=cuts,
        edges=edges,
        phases=whole.phases,
        faults=whole.faults,
        arrivals=whole.arrivals,
        tracks=tuple(tracks),
        ticks=tuple(ticks),
        facts=whole.facts,
    )


def _counts(lengths: Sequence[int], steps: Sequence[int], numbers: Sequence[int]) -> list[Counts]:
    found, at = [], 0
    for length in lengths:
        found.append(dict(zip(_summed(steps[at : at + length]), numbers[at : at + length], strict=True)))
        at += length
    return found

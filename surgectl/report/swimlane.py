"""One fan's story as a swim-lane: who did what when, what went from whom to whom, and what was broken meanwhile.

The table is the story: it reads without colours, without scripts and aloud. Above it stands a strip of the same
moments to the scale of time, so that a pause of five seconds looks like one.
"""

from __future__ import annotations

import math

import msgspec
from markupsafe import escape

from surgectl.audit.finding import Example, Finding, Moment
from surgectl.audit.story import COARSE
from surgectl.report.marks import window_of
from surgectl.report.summary import ChaosLine
from surgectl.text import cut

LANES = ("fan", "shop", "link", "provider")
"""From left to right, as a payment goes: the link lies between shop and provider."""
STORIES_BYTES = 1_500_000
"""What all stories together may weigh: with the charts' library (2 MB) and the rest the page stays below 5 MB."""
STRIP_WIDTH, STRIP_LEFT = 1_000.0, 76.0
"""Of a strip's drawing, in its own units; the lanes' names stand left of the second."""
LANE_HEIGHT = 26.0
_MOST_OF_A_MOMENT = 400
_MOST_OF_A_TEXT = 80
_ROUNDED_S = 0.001  # windows are told in milliseconds, moments in microseconds
_GAPS_S = (0.05, 0.5, 5.0)
"""From here on a pause is drawn as one: the longer, the wider."""
_TICKS = 8


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a swim-lane: an instant, which lane it happened in, and whether a fault was on."""

    at: str
    since: str
    """After the row before."""
    gap: int
    """0 to 3: how long a pause that was."""
    lane: str
    text: str
    where: str
    way: str
    """`to`, `from`, `none` (a reply that never came), or empty: what is drawn between this lane and the shop."""
    fault: str
    """The faults that were on, by name; empty = none."""


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """The same to scale: everything in units of the drawing."""

    points: list[tuple[float, str, str]]
    """x, lane, what it was."""
    spans: list[tuple[float, float, str, str]]
    """From x to x, lane, what happened somewhere in between: its clock shows whole seconds."""
    waits: list[tuple[float, float]]
    """While the fan waited for a reply."""
    ways: list[tuple[float, str, str]]
    """x, lane, `to` · `from` · `none`."""
    windows: list[tuple[float, float, str]]
    """From x to x: a fault."""
    ticks: list[tuple[float, str]]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """An example with its timeline as the page shows it."""

    example: Example
    beats: list[Beat]
    strip: Strip | None
    missing: int
    """Moments that are left to report.json, because the page would grow too heavy."""


Window = tuple[float, float, str]


def stories(findings: list[Finding], chaos: list[ChaosLine]) -> dict[str, list[Story]]:
    """Finding → its examples, until the page has had enough: the first ones of each finding come first."""
    windows = [
        (*window_of(fault), f"{fault.brownout} on {fault.link or 'a command'}") for fault in chaos if fault.applied
    ]
    told: dict[str, list[Story]] = {finding.id: [] for finding in findings}
    left = STORIES_BYTES
    for turn in range(max((len(f.examples) for f in findings), default=0)):
        for finding in findings:
            if turn >= len(finding.examples):
                continue
            example = finding.examples[turn]
            beats, strip = _beats(example, windows), _strip(example, windows)
            weight = _weight(example, beats, strip)
            fits = weight <= left
            left -= weight if fits else 1_000
            if left > 0:
                story = Story(
                    example=example,
                    beats=beats if fits else [],
                    strip=strip if fits else None,
                    missing=0 if fits else len(beats),
                )
                told[finding.id].append(story)
    return told


def _weight(example: Example, beats: list[Beat], strip: Strip | None) -> int:
    """Bytes of the page that a story takes, rather too many."""
    weight = 900 + sum(430 + len(escape(b.text)) + len(escape(b.where)) + len(escape(b.fault)) for b in beats)
    weight += len(escape(example.what)) + sum(len(escape(k + v)) for k, v in example.keys.items())
    if strip is not None:
        weight += 1_500 + sum(90 + len(escape(text)) for _, _, text in strip.points) + 110 * len(strip.ways)
        weight += (
            70 * len(strip.waits)
            + 200 * len(strip.spans)
            + sum(120 + len(escape(name)) for _, _, name in strip.windows)
        )
    return weight


def _beats(example: Example, windows: list[Window]) -> list[Beat]:
    beats: list[Beat] = []
    before: float | None = None
    for moment in example.timeline:
        at_s = moment.at_s
        if beats and _echo(moment, beats[-1]):
            # The reply's own row says so: its line in the recording is enough.
            where = ", ".join(filter(None, (beats[-1].where, cut(moment.where, _MOST_OF_A_MOMENT))))
            beats[-1] = msgspec.structs.replace(beats[-1], where=where)
            continue
        # A clock that shows whole seconds says nothing about a pause of milliseconds.
        exact = at_s is not None and not _coarse(moment)
        till_s = at_s if at_s is None or exact else at_s + 1
        on = (
            []
            if at_s is None or till_s is None
            else [name for begin, end, name in windows if begin - _ROUNDED_S <= till_s and at_s <= end + _ROUNDED_S]
        )
        paused_s = at_s - before if exact and at_s is not None and before is not None else None
        beats.append(
            Beat(
                at="no time" if at_s is None else f"{at_s:.3f}" if exact else f"{at_s:.1f}–{till_s:.1f}",
                since="" if paused_s is None else f"{paused_s:+.3f}",
                gap=0 if paused_s is None else sum(paused_s >= gap_s for gap_s in _GAPS_S),
                lane=moment.lane,
                text=cut(moment.text, _MOST_OF_A_MOMENT),
                where=cut(moment.where, _MOST_OF_A_MOMENT),
                way=_way(moment),
                fault=cut(", ".join(dict.fromkeys(on)), _MOST_OF_A_MOMENT),
            )
        )
        before = at_s if exact else before
    return beats


def _echo(moment: Moment, before: Beat) -> bool:
    """That a fan goes on after a reply which let them on, and says nothing that the reply did not."""
    step = moment.text.removesuffix(" is told next")
    return step != moment.text and before.lane == moment.lane == "fan" and before.text.startswith(f"{step}: ok (next")


def _coarse(moment: Moment) -> bool:
    """Its clock shows whole seconds: it happened somewhere within the second that begins then."""
    return moment.text.endswith(COARSE)


def _way(moment: Moment) -> str:
    return {"to shop": "to", "from shop": "from", "nothing from shop": "none"}.get(moment.arrow, "")


def _strip(example: Example, windows: list[Window]) -> Strip | None:
    """None where fewer than two instants are known: there is no time to draw."""
    timed = [(moment.at_s, moment) for moment in example.timeline if moment.at_s is not None]
    first = min((at for at, _ in timed), default=0.0)
    last = max((at + _coarse(moment) for at, moment in timed), default=0.0)
    if last - first < _ROUNDED_S:
        return None
    room = (last - first) * 0.02
    begin, end = first - room, last + room

    def x(at_s: float) -> float:
        share = (min(max(at_s, begin), end) - begin) / (end - begin)
        return round(STRIP_LEFT + share * (STRIP_WIDTH - STRIP_LEFT), 1)

    waits, asked = [], []
    for at_s, moment in sorted(timed, key=lambda pair: pair[0]):
        if moment.lane == "fan" and moment.arrow == "to shop":
            asked.append(at_s)
        elif moment.lane == "fan" and moment.arrow and asked:
            waits.append((x(asked.pop(0)), x(at_s)))
    told = [(at_s, m, f"{at_s:.3f} s, {m.lane}: {cut(m.text, _MOST_OF_A_TEXT)}") for at_s, m in timed]
    return Strip(
        points=[(x(at_s), m.lane, text) for at_s, m, text in told if not _coarse(m)],
        spans=[(x(at_s), x(at_s + 1), m.lane, text) for at_s, m, text in told if _coarse(m)],
        waits=waits,
        ways=[(x(at_s), m.lane, _way(m)) for at_s, m in timed if m.arrow],
        windows=[
            (x(from_s), x(to_s), cut(name, _MOST_OF_A_TEXT))
            for from_s, to_s, name in windows
            if from_s < end and to_s > begin
        ],
        ticks=[(x(at_s), label) for at_s, label in _ticks(begin, end)],
    )


def _ticks(begin_s: float, end_s: float) -> list[tuple[float, str]]:
    """Round instants, half a dozen or so: every 1, 2 or 5 times a power of ten."""
    rough = (end_s - begin_s) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    decimals = max(0, -math.floor(math.log10(step)))
    first = math.ceil(begin_s / step)
    found = [n * step for n in range(first, first + 2 * _TICKS) if n * step <= end_s]
    return [(at_s, f"{at_s:.{decimals}f} s") for at_s in found]

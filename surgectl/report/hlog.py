"""How long every step took, second by second, as a log that HdrHistogram's own tools open.

The interval log format 1.3 (https://github.com/HdrHistogram/HdrHistogram, HistogramLogWriter), written here because the
library's writer stops at 1.2, knows no tags and fails at a start time; the payload of each line is the library's.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from surgectl.recording.relations import Relations
from surgectl.stats.histogram import encoded, indices_of
from surgectl.units import NS_PER_S

NAME = "latency.hlog"
_MOST_INTERVALS = 600
"""A longer run is told in coarser steps than seconds: a log of an hour stays a few megabytes."""
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'

# The same attempts as `metrics.steps.*.from_due_ms` of report.json.
_TIMED = "NOT poll AND done_ns IS NOT NULL AND sent_ns IS NOT NULL AND outcome <> 'info'"


def render(relations: Relations, *, started_epoch_s: float) -> str:
    """latency.hlog: one tag a step, one line for each second in which sends of that step were due.

    A latency begins when its send was due, not when it left: what the shop's slowness or ours held up is in it, so no
    correction for coordinated omission is wanted. Values are nanoseconds; the interval's greatest is told in ms.
    """
    (last_ns,) = relations.one("SELECT coalesce(max(due_ns), 0) FROM attempts WHERE NOT poll")
    seconds = int(last_ns) // NS_PER_S // _MOST_INTERVALS + 1
    steps = relations.rows(
        f"""SELECT step, count(*) FILTER (NOT ({_TIMED})) FROM attempts WHERE NOT poll GROUP BY step
            ORDER BY min(op), min(due_ns), step"""
    )
    lines: list[tuple[int, str]] = []
    for step, _ in steps:
        interval, taken_ns = relations.arrays(
            f"""SELECT due_ns // {seconds * NS_PER_S} AS interval, done_ns - due_ns AS taken_ns FROM attempts
                WHERE step = ? AND {_TIMED} ORDER BY interval""",
            [step],
        )
        if not len(taken_ns):
            continue  # nobody ever got a definite reply from it
        numbers, firsts = np.unique(interval, return_index=True)
        for number, part in zip(numbers.tolist(), np.split(taken_ns, firsts[1:]), strict=True):
            counters, counts = np.unique(indices_of(part), return_counts=True)
            payload = encoded(zip(counters.tolist(), counts.tolist(), strict=True))
            begin_s, most_ms = number * seconds, max(int(part.max()), 0) / 1e6
            lines.append((number, f"Tag={_tag(step)},{begin_s}.000,{seconds}.000,{most_ms:.3f},{payload}"))
    lines.sort(key=lambda line: line[0])  # readers take a later time for the end of their range
    began = datetime.fromtimestamp(started_epoch_s, UTC)
    untimed = sum(count for _, count in steps)
    return "\n".join(
        [
            "#[surgectl: nanoseconds from when a send was due to its definite reply, by step]",
            f"#[{untimed} attempts had no definite reply and are not timed: see report.json]",
            "#[Histogram log format version 1.3]",
            f"#[StartTime: {started_epoch_s:.3f} (seconds since epoch), {began:%a %b %d %H:%M:%S UTC %Y}]",
            f"#[BaseTime: {started_epoch_s:.3f} (seconds since epoch)]",
            _LEGEND,
            *(line for _, line in lines),
            "",
        ]
    )


def _tag(step: str) -> str:
    """A step's name without what would end a tag: a comma, white space."""
    return "-".join(step.replace(",", " ").split()) or "step"

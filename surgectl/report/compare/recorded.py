"""What a recording knows beyond its report: how long each step took in every single second."""

from __future__ import annotations

from collections import Counter, defaultdict

from surgectl.audit.books import lay
from surgectl.audit.confirming import LASTED
from surgectl.recording.relations import Relations
from surgectl.report.compare.seconds import OPEN, Counters, Seconds, of_over_time, with_durations, with_probes
from surgectl.report.series import over_time
from surgectl.stats.histogram import indices_of
from surgectl.units import NS_PER_S

_TOOK = f"""SELECT step, due_ns // {NS_PER_S} AS second, done_ns - due_ns AS ns FROM attempts
WHERE NOT poll AND done_ns IS NOT NULL AND sent_ns IS NOT NULL AND outcome <> 'info'"""
_ANSWERED = f"""SELECT step, due_ns // {NS_PER_S}, count(*) FILTER (outcome = 'ok'), count(*) FROM probes
WHERE why <> 'late' GROUP BY ALL"""


def seconds_of(relations: Relations) -> Seconds:
    """A recording by the second. The latency of a step is that of report.json: from due, definite answers only.

    `confirm` counts what never came to a definite end as open, longer than anything that did.
    """
    lay(relations)
    found: dict[str, dict[int, Counters]] = {"confirm": _confirming(relations)}
    steps = [row[0] for row in relations.rows(f"SELECT DISTINCT step FROM ({_TOOK}) ORDER BY step")]
    for step in steps:
        second, took_ns = relations.arrays(f"SELECT second, ns FROM ({_TOOK}) WHERE step = ?", [step])
        found[step] = _by_second(second.tolist(), indices_of(took_ns).tolist())
    probes: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for step, at_s, good, total in relations.rows(_ANSWERED):
        probes[step][int(at_s)] = (int(good), int(total))
    return with_probes(with_durations(of_over_time(over_time(relations)), found), dict(sorted(probes.items())))


def _confirming(relations: Relations) -> dict[int, Counters]:
    second, took_ns, known = relations.arrays(f"SELECT start_ns // {NS_PER_S} AS second, ns, known FROM ({_LASTED})")
    counters = [index if certain else OPEN for index, certain in zip(indices_of(took_ns).tolist(), known, strict=True)]
    return _by_second(second.tolist(), counters)


_LASTED = LASTED.replace("SELECT ", "SELECT start_ns, ", 1)


def _by_second(seconds: list[int], counters: list[int]) -> dict[int, Counters]:
    found: dict[int, Counter[int]] = defaultdict(Counter)
    for second, counter in zip(seconds, counters, strict=True):
        found[int(second)][counter] += 1
    return dict(found)

"""What was not the same for both runs: apples are not held beside pears without somebody's saying so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from surgectl.report.compare.model import Differs
from surgectl.report.compare.side import Side

_SHOWN = ("stage", "expect", "settle", "generator")
"""Parts of a profile that change the shop or the judgement, not what the crowd does: told, and no reason to refuse."""
_SKIPPED = ("seed", "about", "surgectl", "target", "name")
_NOTHING = "–"


def differences(baseline: Side, candidate: Side) -> list[Differs]:
    """Every field that differs, in the profile's order; those that make a comparison meaningless `refuse`."""
    runs = (baseline.summary.run, candidate.summary.run)
    found = [
        _differs(path, getattr(runs[0], name), getattr(runs[1], name), refuses)
        for path, name, refuses in (
            ("name", "profile", True),
            ("target", "target", True),
            ("version of surgectl", "version", True),
            ("seed", "seed", False),
        )
        if getattr(runs[0], name) != getattr(runs[1], name)
    ]
    both = (baseline.rehearsal, candidate.rehearsal)
    if all(both):
        found += _between(both[0], both[1])
    else:
        found += _of_reports(baseline, candidate)
    if baseline.journey and candidate.journey and baseline.journey != candidate.journey:
        found.append(_differs("the target's journey", baseline.journey, candidate.journey, True))
    same_seed = runs[0].seed == runs[1].seed
    if same_seed and runs[0].digest and runs[1].digest and runs[0].digest != runs[1].digest:
        if not any(one.refuses for one in found):  # the profile's fields say it all; else it hides in what it names
            found.append(_differs("digest of the plan (retry profiles, curves)", runs[0].digest, runs[1].digest, True))
    return found


def _between(baseline: dict[str, Any], candidate: dict[str, Any]) -> list[Differs]:
    first, second = dict(_leaves(baseline)), dict(_leaves(candidate))
    return [
        _differs(path, first.get(path, _NOTHING), second.get(path, _NOTHING), path.split(".")[0] not in _SHOWN)
        for path in dict.fromkeys([*first, *second])
        if first.get(path) != second.get(path)
    ]


def _of_reports(baseline: Side, candidate: Side) -> list[Differs]:
    """As much as reports without their profile show: phases and faults as they were planned."""
    found = []
    for name in ("phases", "chaos"):
        shown = [_planned(side, name) for side in (baseline, candidate)]
        if shown[0] != shown[1]:
            found.append(_differs(name, shown[0], shown[1], True))
    return found


def _planned(side: Side, name: str) -> str:
    if name == "phases":
        return ", ".join(f"{p.get('name')} {p.get('from_s')}–{p.get('to_s')} s" for p in side.summary.run.phases)
    planned = [fault for fault in side.summary.chaos if getattr(fault, "by", "plan") == "plan"]
    return ", ".join(
        f"{f.brownout} on {f.link or 'a command'} {f.planned_from_s:g}–{f.planned_to_s:g} s" for f in planned
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if path or key not in _SKIPPED:
                yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    elif value is not None and value is not False:  # what is off by default may not be said by an older recording
        yield path, value


def _differs(path: str, first: Any, second: Any, refuses: bool) -> Differs:
    return Differs(path=path, baseline=str(first), candidate=str(second), refuses=refuses)

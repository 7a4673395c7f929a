"""Does the profile make sense as a whole: shares that add up, phases that can be drawn, faults that can happen?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from surgectl import plugins
from surgectl.errors import UsageError, did_you_mean
from surgectl.profile import words
from surgectl.profile.brownouts import NAMES as BROWNOUTS
from surgectl.profile.node import Issue, Node, place_of
from surgectl.profile.rehearsal import Fault, Phase, Rehearsal
from surgectl.profile.target import Target
from surgectl.profile.values import Duration, Rate, Share
from surgectl.thresholds.grammar import parse
from surgectl.units import parse_share

_PHASE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_AT = re.compile(r"(?:(?P<phase>[A-Za-z][A-Za-z0-9_-]*)\s*(?:(?P<sign>[+-])\s*(?P<offset>\S.*))?|(?P<plain>\S.*))")

# shape → the sets of keys that make it, any one of them whole.
SHAPES: dict[str, tuple[frozenset[str], ...]] = {
    "constant": (frozenset({"rate", "for"}), frozenset({"fans", "for"})),
    "ramp": (frozenset({"from", "to", "for"}), frozenset({"fans", "for"})),
    "step": (frozenset({"from", "to", "steps", "for"}), frozenset({"fans", "steps", "for"})),
    "spike": (frozenset({"fans", "half_life", "for"}),),
    "poisson": (frozenset({"rate", "for"}),),
    "curve": (frozenset({"file"}), frozenset({"file", "for"})),
}
MOST_FANS = 50_000_000
LONGEST_NS = 30 * 86_400 * 10**9


def parse_at(text: str) -> tuple[str | None, int]:
    """`on-sale + 4s` → ("on-sale", ns after its start); `12s` → (None, ns after the run's start).

    Raises ValueError saying what is wrong.
    """
    text = text.strip()
    if re.match(r"[0-9]", text):
        return None, Duration.parse(text)
    match = _AT.fullmatch(text)
    if not match or not match["phase"]:
        raise ValueError(f"{text!r} is not an instant (try 12s, on-sale or on-sale + 4s)")
    offset = Duration.parse(match["offset"]) if match["offset"] else 0
    return match["phase"], -offset if match["sign"] == "-" else offset


def check(rehearsal: Rehearsal, tree: Node) -> list[Issue]:
    """Everything that is wrong with a profile by itself (no target needed)."""
    issues: list[Issue] = []

    def wrong(path: str, what: str, hint: str | None = None) -> None:
        issues.append(Issue(place_of(tree, path), path, what, hint))

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", rehearsal.name):
        wrong("name", f'"{rehearsal.name}" cannot name a folder', "letters, digits, - and _")
    if rehearsal.seed is not None and not 0 <= rehearsal.seed < 1 << 64:
        wrong("seed", f"{rehearsal.seed} is not a seed", "0 to 18446744073709551615")
    _sale(rehearsal, wrong)
    _shares("fans", rehearsal.fans, wrong)
    _load(rehearsal, wrong)
    names = [phase.phase for phase in rehearsal.load]
    for number, fault in enumerate(rehearsal.chaos):
        _fault(f"chaos[{number}]", fault, names, wrong)
    if rehearsal.probe and not 0 < rehearsal.probe.rate <= 1000:
        wrong("probe.rate", f"{rehearsal.probe.rate} is not a probe's rate", "more than 0/s, at most 1000/s")
    _expect(rehearsal, wrong)
    return issues


Wrong = Callable[..., None]


def _sale(rehearsal: Rehearsal, wrong: Wrong) -> None:
    sale = rehearsal.sale
    if sale.tickets < 1:
        wrong("sale.tickets", f"{sale.tickets} tickets cannot be sold", "1 or more")
    if sale.limit is not None and sale.limit < 1:
        wrong("sale.limit", f"a limit of {sale.limit} sells nothing", "leave it out for no limit")
    for qty in sale.wants:
        if not 1 <= qty <= 1000:
            wrong(f"sale.wants.{qty}", f"nobody wants {qty} tickets", "1 to 1000")
    _shares("sale.wants", sale.wants, wrong)


def _shares(path: str, shares: dict[str, Share] | dict[int, Share], wrong: Wrong) -> None:
    if not shares:
        wrong(path, "names nobody", "shares that add up to 100%")
        return
    total = sum(shares.values())
    if abs(total - 1) > 1e-6:
        wrong(path, f"the shares add up to {total * 100:.6g}%, not 100%", _missing_share(total))


def _missing_share(total: float) -> str:
    return f"{abs(1 - total) * 100:.4g}% too {'few' if total < 1 else 'many'}"


def _load(rehearsal: Rehearsal, wrong: Wrong) -> None:
    if not rehearsal.load:
        wrong("load", "nobody comes", "at least one phase")
    seen: set[str] = set()
    for number, phase in enumerate(rehearsal.load):
        path = f"load[{number}]"
        if not _PHASE_NAME.fullmatch(phase.phase):
            wrong(
                f"{path}.phase", f'"{phase.phase}" is not a phase\'s name', "letters, digits, - and _, a letter first"
            )
        elif phase.phase in seen:
            wrong(f"{path}.phase", f'two phases are called "{phase.phase}"')
        seen.add(phase.phase)
        _phase(path, phase, wrong)


def given(phase: Phase) -> dict[str, object]:
    """The shape's keys that a phase states."""
    values = {
        "rate": phase.rate,
        "fans": phase.fans,
        "for": phase.for_,
        "from": phase.from_,
        "to": phase.to,
        "steps": phase.steps,
        "half_life": phase.half_life,
        "file": phase.file,
    }
    return {key: value for key, value in values.items() if value is not None}


def _phase(path: str, phase: Phase, wrong: Wrong) -> None:
    keys = given(phase)
    ways = SHAPES[phase.shape]
    if frozenset(keys) not in ways:
        _shape(path, phase, keys, wrong)
    if phase.fans is not None and not 1 <= phase.fans <= MOST_FANS:
        wrong(f"{path}.fans", f"{phase.fans} fans", f"1 to {MOST_FANS:,}")
    if phase.for_ is not None and phase.for_ <= 0:
        wrong(f"{path}.for", "lasts no time at all")
    elif phase.for_ is not None and phase.for_ > LONGEST_NS:
        wrong(f"{path}.for", "is longer than 30 days")
    elif phase.for_ is not None and phase.fans is None:
        fastest = max((rate for rate in (phase.rate, phase.from_, phase.to) if rate is not None), default=Rate(0))
        if fastest * (phase.for_ / 1e9) > MOST_FANS:
            wrong(f"{path}.for", f"would bring more than {MOST_FANS:,} fans", "a lower rate, or less time")
    if phase.half_life is not None and phase.half_life <= 0:
        wrong(f"{path}.half_life", "lasts no time at all")
    if phase.steps is not None and not 1 <= phase.steps <= 10_000:
        wrong(f"{path}.steps", f"{phase.steps} steps", "1 to 10000")
    if not 0 < phase.scale < 1e6:
        wrong(f"{path}.scale", f"{phase.scale:g} is not a scale", "more than 0")
    elif phase.scale != 1.0 and phase.shape != "curve":
        wrong(f"{path}.scale", "only a recorded curve is scaled", "change its rates or fans")
    for key in ("rate", "from", "to"):
        rate = keys.get(key)
        if isinstance(rate, float) and rate > 1e6:
            wrong(f"{path}.{key}", f"{rate:g}/s is more than can be meant", "at most 1000000/s")


def _shape(path: str, phase: Phase, keys: dict[str, object], wrong: Wrong) -> None:
    """The keys do not make the shape: say which is foreign or missing, and which shape they would make."""
    ways = SHAPES[phase.shape]
    nearest = min(ways, key=lambda way: (len(way ^ set(keys)), len(set(keys) - way)))
    others = [shape for shape, sets in SHAPES.items() if shape != phase.shape and frozenset(keys) in sets]
    hint = f"did you mean shape: {others[0]}?" if others else None
    both = {"rate", "fans"} <= set(keys) or ({"from", "to"} & set(keys) and "fans" in keys)
    if both and phase.shape in ("constant", "ramp", "step"):
        wrong(f"{path}.fans", "says how many come, and so does the rate", "leave one of them out")
        return
    foreign = [key for key in keys if not any(key in way for way in ways)]
    for key in foreign:
        wrong(f"{path}.{key}", f"does not belong to shape {phase.shape}", hint)
    missing = sorted(nearest - set(keys))
    if missing and not (foreign and others):
        need = " or ".join(", ".join(sorted(way)) for way in ways)
        wrong(path, f"shape {phase.shape} lacks {' and '.join(missing)}", f"it takes {need}")


def _fault(path: str, fault: Fault, phases: list[str], wrong: Wrong) -> None:
    try:
        phase, _ = parse_at(fault.at)
    except ValueError as error:
        what, _, hint = str(error).rstrip(")").partition(" (")
        wrong(f"{path}.at", what, hint or "try 12s, on-sale or on-sale + 4s")
    else:
        if phase is not None and phase not in phases:
            hint = did_you_mean(phase, phases) or f"there are {', '.join(phases)}"
            wrong(f"{path}.at", f'no phase is called "{phase}"', hint)
    if fault.for_ <= 0:
        wrong(f"{path}.for", "lasts no time at all")
    kinds = [kind for kind in ("brownout", "toxics", "exec") if getattr(fault, kind)]
    if len(kinds) != 1:
        what = f"is {' and '.join(kinds)} at once" if kinds else "breaks nothing"
        wrong(path, what, "one of brownout, toxics, exec")
    if fault.brownout is not None and fault.brownout not in BROWNOUTS:
        hint = did_you_mean(fault.brownout, BROWNOUTS) or f"one of {', '.join(BROWNOUTS)}"
        wrong(f"{path}.brownout", f'no such brownout: "{fault.brownout}"', hint)
    if fault.link is None and not fault.exec:
        wrong(f"{path}.link", "is missing", "which of the target's links is meant?")
    if fault.exec and not (fault.exec.run and fault.exec.heal):
        wrong(f"{path}.exec", "needs a command to break and one to mend", "run: [...], heal: [...]")
    if fault.exec and fault.link is not None:
        wrong(f"{path}.link", "means nothing to a command", "leave it out")
    if fault.exec and fault.exec.timeout <= 0:
        wrong(f"{path}.exec.timeout", "leaves no time at all")
    if fault.exec and fault.optional:
        wrong(f"{path}.optional", "belongs to a fault on a link", "a command can always be run")
    if fault.toxicity is not None and not fault.brownout:
        wrong(f"{path}.toxicity", "belongs to a brownout", "write it into each toxic")


def _expect(rehearsal: Rehearsal, wrong: Wrong) -> None:
    expect = rehearsal.expect
    known = [*words.GROUPS, *words.INVARIANTS]
    for number, word in enumerate(expect.invariants.require):
        if not words.invariants_of(word):
            as_id = word.upper() if word.upper() in words.INVARIANTS else word
            hint = did_you_mean(as_id, known) or f"groups: {', '.join(words.GROUPS)}"
            wrong(f"expect.invariants.require[{number}]", f'no such invariant or group: "{word}"', hint)
    installed = plugins.names("surgectl.reporters") if rehearsal.reporters else []
    for number, name in enumerate(rehearsal.reporters):
        if name not in installed:
            hint = did_you_mean(name, installed) or "install the package that brings it"
            wrong(f"reporters[{number}]", f'no such reporter: "{name}"', hint)
    for name, least in expect.coverage.items():
        path = f"expect.coverage.{name}"
        if name not in words.COVERAGE:
            hint = did_you_mean(name, words.COVERAGE) or f"one of {', '.join(words.COVERAGE)}"
            wrong(path, "no such coverage", hint)
        elif isinstance(least, int):
            if least < 0:
                wrong(path, f"{least} can never be too few", "0 or more, or a share")
        else:
            try:
                parse_share(least)
            except ValueError:
                wrong(path, f'"{least}" is neither a count nor a share', "try 1 or 30%")
    for number, text in enumerate(expect.thresholds):
        path = f"expect.thresholds[{number}]"
        try:
            threshold = parse(text)
        except UsageError as error:
            wrong(path, error.what, error.hint)
            continue
        phases = [phase.phase for phase in rehearsal.load]
        if threshold.scope and threshold.scope.when == "in" and threshold.scope.name not in phases:
            wrong(path, f'no phase is called "{threshold.scope.name}"', did_you_mean(threshold.scope.name, phases))


def check_against(rehearsal: Rehearsal, tree: Node, target: Target, declared: Iterable[str] = ()) -> list[Issue]:
    """What the profile asks of a target that the target does not have.

    `declared` are the names of its links, also of those that are not there because their upstream is empty.
    """
    declared = [*declared] or [*target.links]
    issues: list[Issue] = []

    def wrong(path: str, what: str, choices: Iterable[str], sought: str) -> None:
        known = list(choices)
        hint = did_you_mean(sought, known) or (f"{target.name} has {', '.join(known)}" if known else None)
        issues.append(Issue(place_of(tree, path), path, what, hint or f"{target.name} has none"))

    for number, fault in enumerate(rehearsal.chaos):
        if fault.link is None or fault.link in target.links or (fault.optional and fault.link in declared):
            continue
        if fault.link in declared:
            what = f'the link "{fault.link}" is not there: its upstream is empty'
            hint = "say where it is, or write optional: true"
            issues.append(Issue(place_of(tree, f"chaos[{number}].link"), f"chaos[{number}].link", what, hint))
        elif not fault.optional or did_you_mean(fault.link, declared):
            wrong(f"chaos[{number}].link", f'the target has no link "{fault.link}"', declared, fault.link)
    if rehearsal.probe and rehearsal.probe.step not in target.probes:
        step = rehearsal.probe.step
        wrong("probe.step", f'the target has no probe "{step}"', target.probes, step)
    return issues

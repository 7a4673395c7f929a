"""What a checker has gathered, and the one place that turns it into a verdict.

The order is the rules' (docs/invariants.md): a proven violation on whole books, then what is missing, then what is
still open, then what nobody can tell, then whether anything was tried at all. Only what is left is a pass.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.audit.books import Access, Strays
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Example, Finding, Severity
from surgectl.audit.story import story
from surgectl.profile.words import INVARIANTS
from surgectl.recording.relations import Relations
from surgectl.units import show_duration


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One breach, before its story is told."""

    what: str
    intent: str | None = None
    keys: dict[str, str] = {}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one checker found."""

    id: str
    severity: Severity
    considered: int
    """How many things could have violated it."""
    holds: str
    """The sentence for a pass."""
    broken: str
    """The sentence for a violation, after its count."""
    violations: tuple[Violation, ...] = ()
    violated: int | None = None
    """How many in all, where `violations` are but some of them."""
    pending: int = 0
    unattributed: int = 0
    indeterminate: int = 0
    doubt: str = ""
    """Why nobody can say, where indeterminate things might hide a violation; empty = they cannot."""
    access: Access = Access(missing=(), flawed=())
    snapshot: bool = False
    """Rows convict in any snapshot, even in an incomplete one: too many is too many."""
    strays: tuple[tuple[str, Strays], ...] = ()
    conditional: bool = False
    """It speaks of something that need not happen in every run: without it, a group that asks for it is satisfied."""
    numbers: dict[str, Any] = {}
    inapplicable: str = ""
    """Why it does not apply here at all."""


def conclude(case: Case, relations: Relations, expectations: Expectations) -> Finding:
    """The finding, with the stories of its first violations."""
    if case.inapplicable:
        configured = expectations.named(case.id)
        return _finding(
            case,
            expectations,
            "unknown",
            summary="does not apply here",
            reason=case.inapplicable,
            configured=configured,
        )
    violated = len(case.violations) if case.violated is None else case.violated
    convicts = violated > 0 and (case.snapshot or case.access.good)
    if convicts:
        return _finding(
            case,
            expectations,
            "fail",
            summary=f"{violated:,} {case.broken}",
            violations=violated,
            reason=case.access.why,
            examples=examples(case.violations, relations, expectations),
        )
    if not case.access.good:
        configured = not case.access.missing or expectations.required(case.id)
        note = f"; {violated:,} suspected" if violated else ""
        # For a book that does not exist nobody need wait.
        return _finding(
            msgspec.structs.replace(case, pending=0) if case.access.missing else case,
            expectations,
            "unknown",
            summary="the books do not suffice" + note,
            reason=case.access.why,
            configured=configured,
            indeterminate=case.indeterminate + violated,
        )
    if case.pending:
        return _finding(
            case, expectations, "unknown", summary=f"{case.pending:,} still open", reason=_open(expectations)
        )
    thin = [
        f"only {strays.linked_share:.0%} of the {kind} find their intent: {_why_not(kind, strays)}"
        for kind, strays in case.strays
        if strays.linked_share is not None and strays.linked_share < expectations.links_at_least
    ]
    if case.indeterminate and case.doubt:
        reason = "; ".join([case.doubt, *thin])
        return _finding(
            case, expectations, "unknown", summary=f"{case.indeterminate:,} that nobody can tell", reason=reason
        )
    if thin:
        return _finding(
            case, expectations, "unknown", summary="too little of the books is ours", reason="; ".join(thin)
        )
    if not case.considered:
        configured = expectations.named(case.id) or not case.conditional
        reason = "nothing in this run could have violated it"
        return _finding(
            case, expectations, "unknown", summary="nothing to look at", reason=reason, configured=configured
        )
    return _finding(case, expectations, "pass", summary=f"{case.considered:,} {case.holds}")


def _why_not(kind: str, strays: Strays) -> str:
    """What to do about rows that find no intent: the shop may have mixed its fans up, or the target says too little."""
    if strays.torn == strays.rows:
        return f"{strays.torn:,} name two fans at once, by keys or orders (first: {strays.first_torn}): whose are they?"
    return f"say in `key:` of `evidence: {kind}` where a minted value stands"


def examples(violations: tuple[Violation, ...], relations: Relations, expectations: Expectations) -> list[Example]:
    """The first violations, each as a story a person can follow from beginning to end."""
    told: list[Example] = []
    for violation in violations[: expectations.examples_at_most]:
        fan: int | None = None
        if violation.intent is not None:
            found = relations.rows("SELECT min(fan) FROM intents WHERE intent = ?", [violation.intent])
            fan = found[0][0]
        told.append(
            Example(
                what=violation.what,
                intent=violation.intent,
                fan=fan,
                keys=violation.keys,
                timeline=story(
                    relations,
                    expectations,
                    violation.intent,
                    orders=_split(violation.keys.get("order")),
                    charges=_split(violation.keys.get("charge")),
                ),
            )
        )
    return told


def _split(keys: str | None) -> tuple[str, ...]:
    return tuple(keys.split(", ")) if keys else ()


def _open(expectations: Expectations) -> str:
    if expectations.unsettled_because:
        return expectations.unsettled_because
    if not expectations.settle_window_ns:
        return "the books were read before the settling window had passed"
    # What the target does not say is assumed: who never said a hold's length should see where two minutes are from.
    parts = ", ".join(f"{name} {show_duration(ns)}" for name, ns in expectations.settle_parts)
    made = f" ({parts})" if parts else ""
    return (
        f"the books were read {show_duration(expectations.settle_elapsed_ns)} after the last fan, the shop's constants"
        f" ask for {show_duration(expectations.settle_window_ns)}{made}: raise `settle: at_most`, or say them in the"
        " target's `promises:`"
    )


def _finding(case: Case, expectations: Expectations, verdict: Any, *, summary: str, **more: Any) -> Finding:
    said: dict[str, Any] = {
        "considered": case.considered,
        "pending": case.pending,
        "unattributed": case.unattributed,
        "indeterminate": case.indeterminate,
        "numbers": case.numbers,
    }
    return Finding(
        id=case.id,
        kind="ledger",
        group=INVARIANTS[case.id],
        verdict=verdict,
        severity=case.severity,
        summary=summary,
        **(said | more),
    )

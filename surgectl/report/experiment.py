"""A rehearsal as an experiment of the Chaos Toolkit: whoever plays those can play this one beside them.

https://chaostoolkit.org/reference/api/experiment/. One action plays the whole rehearsal, with the faults of its
profile; the hypothesis is asked afterwards, and is the audit's verdict. Nothing is asked before: `surgectl run` itself
refuses to begin where the profile is unsound or the shop does not answer. `latest` is taken away first, so that a
rehearsal that never began is not taken for the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from surgectl.text import one_line

_AUDIT_S = 1800.0


class Provider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an activity is done."""

    type: Literal["process", "http"]
    path: str = ""
    arguments: tuple[str, ...] = ()
    url: str = ""
    timeout: float | None = None
    """Seconds."""


class Activity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is done, or looked at."""

    type: Literal["action", "probe"]
    name: str
    provider: Provider
    tolerance: int | None = None
    """The exit code, or HTTP status, of a system that is well."""
    background: bool = False


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a system that is well."""

    title: str
    probes: tuple[Activity, ...]


class Strategy(msgspec.Struct, frozen=True):
    """When something is asked or done."""

    strategy: str


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """How it is to be played, without flags of `chaos run`."""

    hypothesis: Strategy = Strategy("after-method-only")
    rollbacks: Strategy = Strategy("always")


class Experiment(msgspec.Struct, frozen=True, kw_only=True, rename={"hypothesis": "steady-state-hypothesis"}):
    """What `chaos validate` reads."""

    version: str = "1.0.0"
    title: str
    description: str
    tags: tuple[str, ...]
    runtime: Runtime
    hypothesis: Hypothesis
    method: tuple[Activity, ...]
    rollbacks: tuple[Activity, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which rehearsal it is to be."""

    profile: str
    """Its name."""
    about: str
    named: str
    """The profile as `surgectl run` is to be given it: a name or a path."""
    flags: Sequence[str] = ()
    reports: str = "reports"
    latest: str
    """The link to the newest run's folder."""
    brownouts: Sequence[str] = ()
    at_most_s: float | None = None
    """After which a rehearsal cannot be going on any more."""
    shop: str = ""
    """A page of the shop that must answer 200 afterwards; empty where there is no shop before and after."""


def experiment_of(asked: Asked) -> Experiment:
    """The experiment."""
    faults = ", ".join(sorted(set(asked.brownouts))) or "no fault"
    about = one_line(asked.about) or "a rehearsal of an on-sale"
    return Experiment(
        title=one_line(f"{asked.profile}: does the shop keep its books in order under {faults}?", 200),
        description=f"{about} Played and judged by surgectl: its exit code says what was found.",
        tags=("surgectl", "on-sale", *(one_line(name, 40) for name in sorted(set(asked.brownouts)) if name)),
        runtime=Runtime(),
        hypothesis=Hypothesis(
            title="The shop answers, and its books and the payment provider's agree.",
            probes=(*_shop(asked.shop), verdict_of(asked)),
        ),
        method=(
            Activity(
                type="action",
                name="put the last rehearsal aside",
                provider=Provider(type="process", path="rm", arguments=("-f", asked.latest), timeout=10),
            ),
            rehearsal_of(asked),
        ),
        rollbacks=(
            Activity(
                type="action",
                name="take back whatever a killed rehearsal left broken",
                provider=_surgectl("chaos", "heal", "--reports", asked.reports, timeout=120),
            ),
        ),
    )


def rehearsal_of(asked: Asked) -> Activity:
    """The action that plays it."""
    words = ("run", asked.named, *asked.flags, "--reports", asked.reports, "--json")
    return Activity(
        type="action", name=f"rehearse {asked.profile}", provider=_surgectl(*words, timeout=asked.at_most_s)
    )


def verdict_of(asked: Asked) -> Activity:
    """The probe that says what was found: 0 is a pass, whatever else is none."""
    return Activity(
        type="probe",
        name="every ticket is paid for once, and every demand was met",
        provider=_surgectl("audit", asked.latest, timeout=_AUDIT_S),
        tolerance=0,
    )


def render(experiment: Experiment) -> bytes:
    """The file."""
    return msgspec.json.format(msgspec.json.encode(experiment), indent=2) + b"\n"


def _shop(url: str) -> tuple[Activity, ...]:
    if not url:
        return ()
    provider = Provider(type="http", url=url, timeout=10)
    return (Activity(type="probe", name="the shop answers", provider=provider, tolerance=200),)


def _surgectl(*words: str, timeout: float | None) -> Provider:
    return Provider(type="process", path="surgectl", arguments=words, timeout=timeout)

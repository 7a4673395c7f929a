"""Shops to be examined: small targets, and the checkups that speak of one thing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from surgectl.doctor.checkup import Checkup
from surgectl.doctor.machine import Machine
from surgectl.doctor.patient import Patient
from surgectl.journey.compile import compile_target
from surgectl.plan.build import Plan, build
from surgectl.profile.load import load_rehearsal
from surgectl.profile.target import Target
from tests.evidence.ledgers import target

ROOMY = Machine(
    most_files=65_536,
    ports=(32_768, 60_999),
    cores=4,
    workers=2,
    free_bytes=50_000_000_000,
    backlog=4_096,
    uvloop=True,
)
BUYS = {"step": "pay", "role": "pay", "post": "/pay", "outcomes": [{"when": {"status": 201}, "end": "confirmed"}]}


def shop(base_url: str = "http://127.0.0.1:1", **more: Any) -> Target:
    """A target with one step."""
    return target(base_url, more.pop("evidence", {}), **{"journey": [BUYS], **more})


def patient(of: Target, folder: Path = Path(), **more: Any) -> Patient:
    """Ready to be examined."""
    variables = {"run": "r1", "sale": {"price": "10.00", "price_minor": 1000, "currency": "EUR", "places": 2}}
    return Patient(target=of, journey=compile_target(of), folder=folder, variables=variables, **more)


def plan(fans: int = 2_000) -> Plan:
    """A profile with that many fans in ten seconds."""
    rehearsal = load_rehearsal("smoke", environ={})
    phase = rehearsal.load[1]
    changed = {"load": [type(phase)(phase="on-sale", fans=fans, for_=phase.for_)], "chaos": []}
    fields = {name: getattr(rehearsal, name) for name in rehearsal.__struct_fields__}
    return build(type(rehearsal)(**{**fields, **changed}), None, 7)


def said(found: Iterable[Checkup], name: str) -> tuple[str, str]:
    """Verdict and words of the checkup of that name, with what to do."""
    (one,) = [checkup for checkup in found if checkup.name == name]
    return one.verdict, f"{one.what} -> {one.fix}" if one.fix else one.what


def wrong(found: Iterable[Checkup]) -> list[str]:
    """The names of what must be put right."""
    return [checkup.name for checkup in found if checkup.verdict == "fail"]

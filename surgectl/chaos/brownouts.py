"""Brownouts by name: what each does to the wire.

Which side is cut decides the story. Upstream cut: the request never arrived, nobody was charged. Downstream cut: the
provider charged and its reply was lost, which is where duplicate charges and charges without tickets come from.
Numbers: Toxiproxy's units (milliseconds, KB/s, bytes; the slicer's delay is microseconds).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from surgectl.chaos.canary import SUFFERED, Fate
from surgectl.errors import UsageError, did_you_mean
from surgectl.plan.model import PlannedFault


class ToxicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One toxic to add."""

    type: str
    stream: Literal["upstream", "downstream"]
    attributes: dict[str, int] = {}
    toxicity: float = 1.0


class Brownout(msgspec.Struct, frozen=True, kw_only=True):
    """A named fault: toxics to add, and whether the door is closed, or opened and closed in turn."""

    name: str
    toxics: tuple[ToxicSpec, ...] = ()
    door: Literal["open", "closed", "flapping"] = "open"
    shows: tuple[Fate, ...] = SUFFERED
    """How a patient canary may fare that meets it: tells faults apart that are on one link at the same time."""

    @property
    def spares_short_replies(self) -> bool:
        """A reply of a few bytes comes through it as usual: only a longer one shows it."""
        return any(toxic.type in ("limit_data", "bandwidth", "slicer") for toxic in self.toxics)


BROWNOUTS: dict[str, Brownout] = {
    b.name: b
    for b in (
        Brownout(
            name="slow",
            shows=("delayed",),
            toxics=(ToxicSpec(type="latency", stream="downstream", attributes={"latency": 2000, "jitter": 800}),),
        ),
        Brownout(
            name="lost-reply",
            shows=("silent", "cut"),
            toxics=(ToxicSpec(type="timeout", stream="downstream", attributes={"timeout": 0}, toxicity=0.3),),
        ),
        Brownout(
            name="lost-request",
            shows=("silent", "cut"),
            toxics=(ToxicSpec(type="timeout", stream="upstream", attributes={"timeout": 0}),),
        ),
        Brownout(
            name="reset",
            shows=("cut",),
            toxics=(ToxicSpec(type="reset_peer", stream="downstream", attributes={"timeout": 0}),),
        ),
        Brownout(
            name="truncate",
            shows=("cut",),
            toxics=(ToxicSpec(type="limit_data", stream="downstream", attributes={"bytes": 60}),),
        ),
        Brownout(
            name="trickle",
            shows=("delayed",),
            toxics=(
                ToxicSpec(type="bandwidth", stream="downstream", attributes={"rate": 1}),
                # average_size is never left at its default: a real Toxiproxy dies of a stack overflow on 0.
                ToxicSpec(
                    type="slicer",
                    stream="downstream",
                    attributes={"average_size": 64, "size_variation": 32, "delay": 10_000},
                ),
            ),
        ),
        Brownout(name="down", door="closed", shows=("refused",)),
        Brownout(name="flap", door="flapping", shows=("refused", "cut")),
    )
}

FLAP_EVERY_NS = 1_000_000_000
"""How long a flapping door stays as it is."""


def brownout_of(fault: PlannedFault) -> Brownout:
    """The toxics of a planned fault: raw ones, or a preset with its toxicity changed. UsageError for no such name."""
    if fault.toxics:
        return Brownout(name="toxics", toxics=tuple(msgspec.convert(t, ToxicSpec) for t in fault.toxics))
    preset = BROWNOUTS.get(fault.brownout)
    if preset is None:
        raise UsageError(f"{fault.brownout}: no such brownout", hint=did_you_mean(fault.brownout, BROWNOUTS))
    if fault.toxicity is None:
        return preset
    changed = tuple(msgspec.structs.replace(toxic, toxicity=fault.toxicity) for toxic in preset.toxics)
    return msgspec.structs.replace(preset, toxics=changed)

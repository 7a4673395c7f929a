"""BULKHEAD: the sale does not take the other pages down with it."""

from __future__ import annotations

from surgectl.profile.statistics import Bulkhead, Statistics
from surgectl.profile.values import Share
from surgectl.recording.rows import VitalsRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S
from tests.histories.rush import broken, probes

CHECKER = "BULKHEAD"

HALF = {"statistics": Statistics(bulkhead=Bulkhead(availability=Share(0.5)))}


def in_fault(
    slow: int, slow_ms: float = 400.0, *, before: int = 400, during: int = 400, before_ms: float = 3.0
) -> Night:
    """Probes before a fault, and while it was on some slow ones."""
    night = probes(Night(), before, took_ms=before_ms)
    probes(night, during, from_s=before / 50, slow=slow, slow_ms=slow_ms)
    return broken(night, before / 50, (before + during) / 50)


def we_were_late() -> Night:
    night = in_fault(40)
    night.vitals = [VitalsRow(at_ns=second * S, lag_ns=390_000_000, cpu=0.5) for second in range(1, 20)]
    return night


def by_command() -> Night:
    """The shop itself was killed: whatever it shows then, no bulkhead could have helped."""
    night = probes(Night(), 3000)
    probes(night, 100, from_s=60.0, failed=100)
    return broken(night, 60.0, 62.0, link="")


GUILTY = [
    Guilty(probes(Night(), 1000, failed=10), says="about answered 990 of 1,000 probes", severity="major"),
    Guilty(probes(probes(Night(), 3000), 100, failed=5, step="event"), says="event answered 95 of 100"),
    Guilty(in_fault(40, during=100), changes=HALF, says="p99 of about was 400ms"),
    Guilty(in_fault(40), changes=HALF, says="p99 of about was 400ms while a fault was on and 3ms before"),
    # The other page is always slower than that: it hides nothing.
    Guilty(probes(in_fault(40), 800, step="event", took_ms=500.0), changes=HALF, says="p99 of about was 400ms"),
    Guilty(probes(in_fault(40), 100, from_s=20.0, failed=100), 2, changes={"statistics": Statistics()}),
]

INNOCENT = [
    Innocent(probes(Night(), 2995), considered=2995),
    Innocent(probes(Night(), 5000, failed=1)),
    Innocent(probes(Night(), 3000, late=300), considered=2700, changes=HALF),
    Innocent(in_fault(40, 99.0), changes=HALF),
    Innocent(in_fault(40, 400.0, before_ms=210.0), changes=HALF),
    Innocent(in_fault(2), changes=HALF),
    Innocent(by_command(), considered=3000),
]

DOUBTFUL = [
    Doubtful(Night().buys(1), "add `probe: {step: about, rate: 20/s}`", weighs=False),
    Doubtful(probes(Night(), 24), "24 probes of about cannot show 99.9%: 2,995 would"),
    Doubtful(probes(Night(), 1000, failed=1), "1 of 1,000 probes of about failed"),
    Doubtful(probes(Night(), 2994), "2,995 would"),
    Doubtful(in_fault(40, before=200), "takes 299 probes before the fault, 200 are there", changes=HALF),
    Doubtful(in_fault(5), "may be chance", changes=HALF),
    Doubtful(we_were_late(), "our own lateness", changes=HALF),
    Doubtful(probes(Night(), 1000, failed=10), "BULKHEAD: off", changes={"statistics": Statistics(bulkhead="off")}),
]

"""CONFIRM_LAT: how long a fan who clicked "pay" is left in the dark."""

from __future__ import annotations

from surgectl.profile.statistics import ConfirmLatency, Statistics
from surgectl.profile.values import Duration
from surgectl.recording.rows import LeftRow, ToldRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S
from tests.histories.rush import asks, comes

CHECKER = "CONFIRM_LAT"


def within(**limits: float) -> dict[str, object]:
    found = {name: Duration(seconds * S) for name, seconds in limits.items()}
    return {"statistics": Statistics(confirm_lat=ConfirmLatency(**found))}


def waits(known_s: list[float], never_s: list[float] = [], *, tries: int = 1) -> Night:  # noqa: B006
    """Fans who knew after so long, and others whom we saw wait for so long and no more."""
    night = Night()
    for fan, seconds in enumerate([*known_s, *never_s]):
        knows = fan < len(known_s)
        comes(night, fan, 1.0)
        for number in range(tries):
            last = number == tries - 1
            asks(
                night,
                fan,
                1.0 + number * seconds / tries,
                role="pay",
                outcome="ok" if knows and last else "info",
                why="confirmed" if knows and last else "timeout",
                then="end" if knows and last else "unknown",
                took_s=seconds / tries,
                poll=False,
            )
        at_ns = round((1.0 + seconds) * S)
        outcome, end = ("ok", "confirmed") if knows else ("info", "unknown")
        told = ToldRow(intent=f"run-i{fan}", op=1, step="pay", role="pay", outcome=outcome, end=end, at_ns=at_ns)  # type: ignore[arg-type]
        night.ops += [told, LeftRow(intent=f"run-i{fan}", end=end, outcome=outcome, at_ns=at_ns)]  # type: ignore[arg-type]
    return night


HUNDRED = [0.1 * (number + 1) for number in range(100)]

GUILTY = [
    Guilty(waits(HUNDRED), changes=within(p50=4.9), says="p50 is 5s, 4.9s is allowed", severity="major"),
    Guilty(waits(HUNDRED), 3, changes=within(p50=1, p95=1, p99=1), says="p99 is 9.9s"),
    # Retries do not restart the clock.
    Guilty(waits([6.0] * 3, tries=3), changes=within(p50=5), says="p50 is 6s"),
    # Those who never learnt it count for as long as they waited: left out, p95 would be 1 s.
    Guilty(waits([1.0] * 15, [4.0] * 5), changes=within(p95=3), says="p95 is at least 4s"),
    Guilty(waits([1.0] * 10 + [6.0] * 5, [3.0] * 5), changes=within(p50=0.9), says="p50 is 1s"),
    # Kaplan and Meier: of 10 five are seen for 2 s only, so the 6 s of the rest are half of what is left.
    Guilty(waits([1.0] * 4 + [6.0] * 2, [2.0] * 4), changes=within(p50=5), says="p50 is 6s"),
]

INNOCENT = [
    Innocent(waits(HUNDRED), changes=within(p50=5, p95=9.5, p99=9.9), considered=100),
    Innocent(waits([1.0] * 9, [0.5]), changes=within(p50=1)),
]

DOUBTFUL = [
    Doubtful(waits(HUNDRED), "no limit is set", weighs=False),
    Doubtful(Night().refused(1), "nobody came as far as to pay", weighs=False),
    Doubtful(waits(HUNDRED[:99]), "99 payments have no p99: 100 are the least", changes=within(p99=20)),
    Doubtful(waits([1.0] * 4, [1.5] * 6), "p50 is not known: 6 of 10", changes=within(p50=2)),
    Doubtful(waits([], [0.5] * 6), "p50 is not known: 6 of 6", changes=within(p50=2)),
    Doubtful(waits(HUNDRED), "CONFIRM_LAT: off", changes={"statistics": Statistics(confirm_lat="off")}),
]

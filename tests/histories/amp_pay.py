"""AMP_PAY: a shop hammers its provider, in the calm or around a fault."""

from __future__ import annotations

import msgspec

from surgectl.profile.statistics import ProviderAmplification, Statistics
from surgectl.recording.evidence_rows import RequestRow
from tests.histories.crowd import crowd, fault
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import EPOCH, Night

CHECKER = "AMP_PAY"


def _calm(posts: int, per_s: float = 1) -> Night:
    return crowd(Night(), 0, 20, per_s, posts=posts)


def _around(posts: int, seconds: float = 20) -> Night:
    return crowd(fault(crowd(Night(), 0, 20, 1), 20, 40), 20, 20 + seconds, 1, posts=posts)


def _some_retried(calm: int, retried: int, times: int = 1) -> Night:
    night = crowd(Night(), 0, calm, 1)
    for row in night.requests[:retried]:
        for _ in range(times):
            night.requests.append(msgspec.structs.replace(row, at_s=(row.at_s or 0) + 0.5))
    return night


def _late_retry(after_s: float) -> Night:
    """Half of the fault's payments are asked for once more, that long after the heal; only each tenth in the calm."""
    night = crowd(fault(crowd(Night(), 0, 20, 1), 20, 30), 20, 30, 1)
    for row in night.requests[20:30]:
        night.requests.append(msgspec.structs.replace(row, at_s=EPOCH + 30 + after_s))
    return night


def _fresh_keys() -> Night:
    night = _calm(2)
    night.requests = [msgspec.structs.replace(row, key=f"fresh-{number}") for number, row in enumerate(night.requests)]
    return night


def _whole_seconds() -> Night:
    """The provider tells time to the second: what it calls 19 s may have been in the fault that began at 19.2 s."""
    night = fault(crowd(Night(), 0, 19, 1), 19.2, 30)
    for number in range(12):
        fan = f"run-i{2000 + number}"
        night.requests += [
            RequestRow(key=f"{fan}-{again}", keys=[fan], payment=fan, at_s=EPOCH + 19) for again in (1, 2)
        ]
    night.requests = [msgspec.structs.replace(row, at_s=float(int(row.at_s or 0))) for row in night.requests]
    return night


def _untimed() -> Night:
    night = _around(4)
    night.requests = [msgspec.structs.replace(row, at_s=None) for row in night.requests]
    return night


GUILTY = [
    Guilty(_calm(2), says="2 in the calm where 1.1 are allowed"),
    Guilty(_fresh_keys(), says="2 in the calm"),  # a new key is no new payment
    Guilty(_some_retried(100, 30), says="1.3 in the calm"),
    Guilty(_around(3), says="3 around the faults where 2 are allowed"),
    Guilty(_calm(3, per_s=0.5), says="3 in the calm"),  # ten payments are enough
    Guilty(
        _around(2), changes={"statistics": Statistics(amp_pay=ProviderAmplification(fault=1.5))}, says="1.5 are allowed"
    ),
]

INNOCENT = [
    Innocent(_calm(1), considered=20),
    Innocent(_around(2), considered=40),
    Innocent(_some_retried(12, 1)),
    Innocent(_late_retry(0.5)),  # asked again after the heal: still the fault's doing
    Innocent(_late_retry(25)),
    Innocent(_whole_seconds()),
    Innocent(_calm(2), changes={"statistics": Statistics(amp_pay=ProviderAmplification(calm=2.0))}),
]

DOUBTFUL = [
    Doubtful(_some_retried(12, 2), "may be chance among 12 payments"),
    Doubtful(
        _some_retried(12, 2),
        "may be chance among 12 payments",  # for certain it is one each, and that is allowed
        {"statistics": Statistics(amp_pay=ProviderAmplification(calm=1.0))},
    ),
    Doubtful(_some_retried(60, 1, times=40), "may be chance"),  # one accident, not a habit
    Doubtful(_calm(2, per_s=0.45), "may be chance among 9 payments"),
    Doubtful(_around(3, seconds=9), "may be chance among 9 payments"),
    Doubtful(fault(crowd(Night(), 0, 20, 1), 30, 40), "no payment reached the provider around a fault"),
    Doubtful(_calm(2).without("requests"), "add `evidence: {requests", weighs=False),
    Doubtful(_calm(2), "the start of the run is not known", {"started_epoch_s": 0.0}, weighs=False),
    Doubtful(_calm(2).flaw("requests", complete=False), "not read completely"),
    Doubtful(_untimed(), "map `at`"),
    Doubtful(crowd(Night(), 0, 9, 1, role="hold"), "nothing in this run"),
    Doubtful(_calm(2), "off", {"statistics": Statistics(amp_pay="off")}, weighs=False),
]

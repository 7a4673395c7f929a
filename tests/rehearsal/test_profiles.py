"""The rehearsals that come along end as their first lines promise, whatever the stage stands on.

`python -m benchmarks.stage_matrix` plays all of them on every stage (docs/stage.md has what it printed); here each kind
of stage is met, one play at a time: these are not drills of a few seconds, and they would spoil each other's figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsal.acting import Ended, rehearse
from tests.rehearsal.plays import with_original_on_path
from tests.rehearsal.programme import Programme

pytestmark = [pytest.mark.real, pytest.mark.quiet, pytest.mark.timeout(400)]

PLAYED = [
    ("smoke", "sqlite", "embedded"),
    ("smoke", "servers", "original"),
    ("flash-sale", "servers", "embedded"),
    ("black-friday", "servers", "original"),
    ("arena-seats", "sqlite", "embedded"),
]


@pytest.fixture(scope="module")
def alone(programme: Programme) -> None:
    """Waits until every other rehearsal of the tests has ended."""
    programme.wait()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("profile", "books", "proxy"), PLAYED)
def test_a_profile_keeps_its_promise(
    profile: str, books: str, proxy: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Books true, faults seen to bite and healed, demands met: exit 0. Where this machine could not keep up with the
    crowd it must say so (GENERATOR, exit 12) and still find the books true."""
    flags: list[object] = ["--json"]
    if books == "servers":
        for name, fixture in (("database", "postgres_url"), ("cache", "redis_url")):
            flags += ["--set", f"stage.{name}={request.getfixturevalue(fixture)}"]
    env = with_original_on_path(tmp_path) if proxy == "original" else None
    flags += ["--embedded-proxy"] if proxy == "embedded" else []
    ended = rehearse(tmp_path / "reports", *flags, profile=profile, env=env)
    told = ended.verdicts()
    starved = told.pop("GENERATOR") != "pass"
    assert set(verdicts_that_weigh(ended).values()) == {"pass"}, ended.said
    played = [fault for fault in ended.report["chaos"] if not fault["left_out"]]
    assert all(fault["applied"] and fault["verified"] and fault["healed"] for fault in played), ended.said
    assert len(played) == {"smoke": 1, "flash-sale": 0, "black-friday": 4, "arena-seats": 1}[profile]
    assert ended.code == (12 if starved else 0), ended.said


def verdicts_that_weigh(ended: Ended) -> dict[str, str]:
    """Ledger invariants for which there was something to look at."""
    found = ended.report["invariants"]
    return {f["id"]: f["verdict"] for f in found if f["kind"] == "ledger" and f["configured"]}

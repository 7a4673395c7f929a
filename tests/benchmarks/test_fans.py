"""The harness that says what a fan costs, played small: the shape is looked at, never the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.fans.__main__ import main
from benchmarks.fans.crowd import crowd
from benchmarks.lateness.__main__ import _shares


def test_the_crowd_is_the_shipped_one_and_stays(tmp_path: Path) -> None:
    made = crowd(tmp_path, 500, 1.0)
    assert made.plan.fans_total == sum(1 for _ in made.plan.arrivals()) == 500
    assert set(made.plan.retries) == {"patient"} and made.target.target.name == "boxoffice"
    quits = made.plan.retries["patient"].quits
    assert quits is not None and quits.weibull is not None and int(quits.weibull.scale) == 10_000 * 3600 * 10**9


def test_shares_of_a_core_lie_between_two_looks() -> None:
    assert _shares((1.0, 10.0, 100.0), (2.0, 12.0, 104.0)) == (0.25, 0.5)
    assert _shares((1.0, 10.0, 100.0), (2.0, 9.9, 104.0)) == (0.25, 0.0)


@pytest.mark.real
def test_fans_stand_in_the_line_and_on_their_connections(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--parked", "40", "--connected", "30", "--planned", "1000"]) == 0
    costs = json.loads(capfd.readouterr().out)
    assert costs["planned"]["fans"] == 1000 and costs["million"] is None
    assert (costs["parked"]["fans"], costs["parked"]["sockets"]) == (40, 0)
    assert (costs["connected"]["fans"], costs["connected"]["sockets"]) == (30, 30)
    assert (costs["kept"]["fans"], costs["kept"]["sockets"]) == (30, 30)
    assert costs["parked"]["rss_bytes"] > 0 and costs["connected"]["cpu_s"] > 0

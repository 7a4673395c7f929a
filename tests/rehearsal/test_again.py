"""A recording is enough: the same findings from a copy of the folder, with everything else stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.rehearsal.acting import DRILL, Ended, surgectl
from tests.rehearsal.plays import brownout, defect

pytestmark = pytest.mark.real

RUNS = [brownout("lost-reply", "embedded"), defect("double-charge", "embedded")]


@pytest.mark.parametrize("played", RUNS, indirect=True)
def test_a_copied_folder_gives_the_same_verdict_to_the_byte(played: Ended, tmp_path: Path) -> None:
    """`surgectl audit --json` on a copy without its cache repeats report.json, byte for byte, and its exit code."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(played.path, copy, ignore=shutil.ignore_patterns("parquet", "stage", "report.*", "junit.xml"))
    again = surgectl("audit", copy, "--json", cwd=tmp_path)
    assert again.code == played.code, again.said
    assert again.out.encode() == (played.path / "report.json").read_bytes()


@pytest.mark.parametrize("played", RUNS, indirect=True)
def test_reports_are_written_again_from_the_recording(played: Ended, tmp_path: Path) -> None:
    """`surgectl report` on a copy without its reports writes the same ones."""
    copy = tmp_path / "elsewhere"
    left = ("parquet", "stage", "report.*", "junit.xml", "summary.md", "latency.hlog")
    shutil.copytree(played.path, copy, ignore=shutil.ignore_patterns(*left))
    again = surgectl("report", copy)
    assert again.code == played.code, again.said
    for name in ("report.json", "junit.xml", "summary.md", "report.html", "latency.hlog"):
        assert (copy / name).read_bytes() == (played.path / name).read_bytes(), name


def test_a_plan_has_the_same_digest_every_time_and_for_any_number_of_shards() -> None:
    """`plan --json` twice, and over seven shards: to the byte the same, and so the seven add up to the crowd."""
    told = [surgectl("plan", DRILL, "--json", *shards) for shards in ((), (), ("--shards", 7))]
    assert [plan.code for plan in told] == [0, 0, 0], told[0].said
    assert told[0].out == told[1].out == told[2].out
    assert len(json.loads(told[0].out)["digest"]) == 32

"""The whole stage in one rehearsal: whatever the shop depends on is hurt, and a worker is lost."""

from __future__ import annotations

import signal

import pytest

from tests.rehearsal import everything_plays as plays
from tests.rehearsal.acting import Ended, readable

pytestmark = pytest.mark.real

BY_URL, ON_SQLITE = plays.by_url("everything-by-url"), plays.on_sqlite("everything-on-sqlite")


def faults(ended: Ended) -> dict[str, tuple[bool, bool, bool]]:
    return {c["link"]: (c["applied"], c["verified"], c["healed"]) for c in ended.report["chaos"] if not c["left_out"]}


@pytest.mark.parametrize("played", [BY_URL], indirect=True)
def test_the_books_are_true_whatever_breaks(played: Ended) -> None:
    """Provider, database, cache, identity check and a worker, all hurt and healed: exit 0."""
    assert played.code == 0, played.said
    assert faults(played) == {link: (True, True, True) for link in ("payments", "database", "cache", "identity", "")}, (
        played.said
    )
    upstreams = {link["name"]: link["upstream"] for link in played.manifest["links"]}
    assert upstreams["database"] in played.extra["postgres"] and upstreams["cache"] in played.extra["redis"]


@pytest.mark.parametrize("played", [BY_URL], indirect=True)
def test_a_rehearsal_leaves_no_table_and_shows_no_password(played: Ended) -> None:
    """Its schema is its own and goes with it; the database's password is in no command line and no file."""
    assert played.extra["left"] == []
    shown = "\n".join(played.extra["shown"].values())
    assert " stage shop " in shown and " stage worker " in shown
    assert plays.PASSWORD not in shown + played.out + played.err
    for path in played.path.rglob("*"):
        if path.is_file():
            assert plays.PASSWORD not in readable(path), path


@pytest.mark.parametrize("played", [ON_SQLITE], indirect=True)
def test_what_is_optional_is_left_out_aloud(played: Ended) -> None:
    """The same profile without database and cache: their faults are left out, said so, and weigh nothing."""
    assert played.code == 0, played.said
    assert set(faults(played)) == {"payments", "identity", ""}
    out = [c for c in played.report["chaos"] if c["left_out"]]
    assert {(c["link"], c["detail"]) for c in out} == {
        ("database", "left out: this stage has no such link"),
        ("cache", "left out: this stage has no such link"),
    }
    assert [f["link"] for f in played.manifest["left_out"]] == ["cache", "database"]
    assert played.out.count("left out: this stage has no such link") == 2
    assert (played.path / "report.html").read_text().count("left out: this stage has no such link") >= 2
    assert "<skipped>left out" in (played.path / "junit.xml").read_text()


@pytest.mark.parametrize("played", [BY_URL, ON_SQLITE], indirect=True)
def test_the_plan_is_called_the_same_on_every_stage(played: Ended) -> None:
    """What a target leaves out does not change what was planned."""
    assert played.manifest["digest"] == "ecc827012d497dd5f90dcdfb8910a1fa"


@pytest.mark.parametrize("played", [plays.part_dies("shop-dies")], indirect=True)
def test_a_stage_that_breaks_by_itself_is_no_shop_that_failed(played: Ended) -> None:
    """The shop's process is gone and nobody asked for it: exit 12 with that reason, on stderr and in the recording."""
    assert played.code == 12, played.said
    why = "the stage's shop ended by itself (signal 9)"
    assert why in played.manifest["why"] and why in played.err
    assert why in [row["text"] for row in played.chaos if row["t"] == "note"]
    assert played.report["verdict"] == "unknown"


@pytest.mark.parametrize("played", [plays.killed_with_a_command_on("kill-exec")], indirect=True)
def test_after_a_kill_chaos_heal_runs_the_command_that_mends(played: Ended) -> None:
    """Said first, run once: the second `chaos heal` finds it mended."""
    assert played.code == -signal.SIGKILL and played.extra["was_broken"]
    first, second = played.extra["healing"]
    assert first.code == 0 and "running sh -c" in first.out, first.said
    assert not played.extra["gone"] and played.extra["mended"] == "once\n"
    assert second.code == 0 and "running" not in second.out, second.said
    assert [row["event"] for row in played.chaos if row.get("brownout") == "exec"][-1] == "healed"


@pytest.mark.parametrize("played", [plays.signalled_twice_with_a_command_on("sigterm-twice-exec")], indirect=True)
def test_a_command_that_mends_outlives_us(played: Ended) -> None:
    """After a second signal we are gone within seconds; the heal command comes to its end all the same."""
    assert played.code == 143 and played.took_s < 8, played.said
    assert played.extra["mended"] and not played.extra["gone"]


@pytest.mark.parametrize("played", [plays.against_a_stage_that_is_up("stage-up")], indirect=True)
def test_the_lines_that_stage_up_prints_work(played: Ended) -> None:
    """A page for people, a part killed and started again, and a rehearsal against it, each as printed."""
    assert played.extra["page"], played.extra["said"]
    assert [door.code for door in played.extra["doors"]] == [0, 0], played.extra["doors"]
    assert "worker-1 killed" in played.extra["doors"][0].out and "worker-1 started" in played.extra["doors"][1].out
    assert played.code == 0, played.said
    assert played.manifest["own_stage"] is False
    assert played.extra["left"] == {}

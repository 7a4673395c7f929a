"""Whatever happens to us: nothing stays broken, nothing of ours keeps running, and what was learnt is kept."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.rehearsal import interruptions as plays
from tests.rehearsal.acting import Ended, surgectl
from tests.report.golden import words

pytestmark = pytest.mark.real

INT, TERM = signal.SIGINT, signal.SIGTERM
DOWN = ("--set", "chaos[0].brownout=down")
ON_GIVEN = [
    plays.signalled("sigint-given", INT, given=True),
    plays.signalled("sigterm-given-down", TERM, *DOWN, given=True),
]
SIGNALLED = [plays.signalled("sigint-embedded", INT, given=False), *ON_GIVEN]
TWICE = [plays.twice("sigint-twice"), plays.twice("sigint-twice-down", *DOWN)]
EARLY = [plays.before_the_storm("sigint-early"), plays.while_waiting("sigint-waiting")]
KILLED = plays.killed("kill-embedded", heal=None)
HEALED = [
    plays.killed("kill-heal-reports", heal=plays.by_reports),
    plays.killed("kill-heal-folder-down", *DOWN, heal=plays.by_folder),
    plays.killed("kill-heal-url", "--set", "chaos[0].brownout=flap", heal=plays.by_url),
]


def ours(proxies: dict[str, Any]) -> list[str]:
    """Toxics of surgectl that a server still shows."""
    return [t["name"] for proxy in proxies.values() for t in proxy["toxics"] if t["name"].startswith("surgectl-")]


@pytest.mark.parametrize("played", SIGNALLED, indirect=True)
def test_a_signal_ends_a_rehearsal_early_with_everything_written(played: Ended) -> None:
    """Exit 130 or 143 within a minute; the recording is marked aborted, and every artefact is there."""
    wanted = "SIGTERM" if "sigterm" in str(played.folder) else "SIGINT"
    assert played.code == {"SIGINT": 130, "SIGTERM": 143}[wanted], played.said
    assert played.took_s < 60
    assert (played.manifest["status"], played.manifest["stopped_by"]) == ("aborted", wanted)
    assert played.report["run"]["status"] == "aborted"
    assert played.report["verdict"] == "unknown"
    assert (played.path / "junit.xml").stat().st_size > 100
    assert "aborted" in words((played.path / "report.html").read_text()).lower()
    assert "stopped" in played.out, played.said


@pytest.mark.parametrize("played", SIGNALLED, indirect=True)
def test_a_signal_heals_what_was_broken(played: Ended) -> None:
    """The fault that was on is taken back and a canary passes, before the process leaves."""
    assert [row["event"] for row in played.chaos if row["t"] == "fault"][-1] == "healed", played.chaos


@pytest.mark.parametrize("played", SIGNALLED, indirect=True)
def test_no_arrival_comes_after_a_signal(played: Ended) -> None:
    """The load stops: fewer fans came than were planned."""
    arrived = sum(row["t"] == "intent" for row in played.rows)
    assert 0 < arrived < 76


@pytest.mark.parametrize("played", [*ON_GIVEN, *TWICE], indirect=True)
def test_a_given_server_is_left_as_it_was(played: Ended) -> None:
    """Neither toxics nor proxies of ours stay on somebody else's Toxiproxy, not even when we leave at once."""
    assert ours(played.extra["proxies"]) == []
    assert played.extra["proxies"] == {}


@pytest.mark.parametrize("played", TWICE, indirect=True)
def test_a_second_signal_leaves_at_once(played: Ended) -> None:
    """The process is gone within a few seconds, with 130; there was something to heal."""
    assert ours(played.extra["before"]), "nothing was broken"
    assert played.code == 130, played.said
    assert played.took_s < 8
    assert played.manifest["status"] == "aborted"
    assert "Traceback" not in played.err


@pytest.mark.parametrize("played", EARLY, indirect=True)
def test_a_signal_before_the_storm_sends_nothing(played: Ended) -> None:
    """Exit 130, marked aborted, and no fan ever came."""
    assert played.code == 130, played.said
    assert played.manifest["status"] == "aborted"
    assert not (played.path / "ops").exists() or all(row["t"] != "intent" for row in played.rows)
    assert played.report["verdict"] == "unknown"
    assert "Traceback" not in played.err


@pytest.mark.parametrize("played", [*SIGNALLED, *TWICE, *EARLY, KILLED, *HEALED], indirect=True)
def test_no_process_of_a_rehearsal_survives_it(played: Ended) -> None:
    """Shop, provider and proxy end with the run, however it ends."""
    assert len(played.extra["children"]) >= 1
    assert played.extra["left"] == {}


@pytest.mark.parametrize("played", HEALED, indirect=True)
def test_after_a_kill_chaos_heal_removes_ours_and_only_ours(played: Ended) -> None:
    """A kill -9 leaves the fault; `chaos heal` finds it, mends it, and does not touch what others did."""
    assert played.code == -signal.SIGKILL
    assert ours(played.extra["broken"]), "the kill left nothing to heal"
    healing: Ended = played.extra["healing"]
    assert healing.code == 0, healing.said
    proxies = played.extra["proxies"]
    assert ours(proxies) == [], healing.said
    assert [t["name"] for t in proxies[plays.LINK]["toxics"]] == ["theirs"]
    assert proxies[plays.LINK]["enabled"] is True
    assert proxies["theirs"]["enabled"] is False
    for name in ours(played.extra["broken"]):
        assert name in healing.out


@pytest.mark.parametrize("played", [KILLED, *HEALED], indirect=True)
def test_a_killed_rehearsal_can_still_be_audited(played: Ended) -> None:
    """The recording up to the last flush is readable; the verdict is at best unknown."""
    assert played.manifest["status"] == "running"
    audit: Ended = played.extra["audit"]
    assert audit.code == 12, audit.said
    assert json.loads(audit.out)["verdict"] == "unknown"
    asked = surgectl("sql", played.path, "select count(*) from intents", "--format", "csv")
    assert asked.code == 0, asked.said
    assert int(asked.out.split()[-1]) > 0


@pytest.mark.parametrize("played", [plays.without_a_server("proxy-dies")], indirect=True)
def test_a_proxy_that_dies_ends_in_a_report_and_no_verdict(played: Ended) -> None:
    """The fault cannot be taken back by us and the link is gone: that is said, reports are written, exit 12."""
    assert played.code == 12, played.said
    assert played.report["verdict"] == "unknown"
    assert played.chaos[-1]["event"] == "failed"
    assert "NOT HEALED" in played.chaos[-1]["detail"]
    assert "Traceback" not in played.err

"""A list of rehearsals is played to its end, and ends in one page and one exit code."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.acting import DRILL, HERE, Ended, command, environment, surgectl
from tests.rehearsal.programme import Play
from tests.report.browser import shown

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
TWO = HERE / "two.yaml"
CALM = ("chaos=[]", "expect.coverage={}", "promises.payment_deadline=1s", "load[1].for=2s")
"""As the list says for both."""


def two_and_one_more(place: Path) -> Ended:
    """The list; then its first rehearsal once more by itself, with the list's as its baseline."""
    reports = place / "reports"
    ended = surgectl("run", TWO, "--reports", reports, "--embedded-proxy", "--json")
    first = next(iter(json.loads(ended.out)["rehearsals"]))
    before = (reports / "two" / "latest" / first["report"]).resolve().parent
    calm = [word for text in CALM for word in ("--set", text)]
    again = surgectl("run", DRILL, "--reports", place / "again", "--embedded-proxy", *calm, "--baseline", before)
    found = next((place / "again").glob("*/*/comparison.json"), None)
    return Ended(
        code=ended.code,
        out=ended.out,
        err=ended.err,
        took_s=ended.took_s,
        folder=reports / "two" / "latest",
        extra={"again": again, "comparison": found},
    )


def stopped(place: Path) -> Ended:
    """The list, with a SIGTERM as soon as its first rehearsal has begun to sell."""
    reports = place / "reports"
    with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
        process = subprocess.Popen(
            command("run", TWO, "--reports", reports, "--embedded-proxy"),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=HERE.parent.parent,
            env=environment(),
        )
        try:
            deadline = time.monotonic() + 60
            while not list(reports.glob("drill/*/ops/*")):
                assert process.poll() is None, "it ended before it began"
                assert time.monotonic() < deadline, "waited a minute for the doors to open"
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    return Ended(
        code=process.returncode,
        out=(place / "out").read_text(errors="replace"),
        err=(place / "err").read_text(errors="replace"),
        folder=reports / "two" / "latest",
    )


WHOLE, STOPPED = Play("readiness", two_and_one_more), Play("readiness-stopped", stopped)
whole = pytest.mark.parametrize("played", [WHOLE], indirect=True)


def told(ended: Ended) -> dict[str, Any]:
    return json.loads((ended.path / "readiness.json").read_bytes())


@whole
def test_the_worst_of_them_is_the_exit_code(played: Ended) -> None:
    """The second sells too much: no-go and 11, though the first was well; --json prints readiness.json alone."""
    assert played.code == 11, played.said
    found = told(played)
    assert json.loads(played.out) == found
    assert (found["decision"], found["exit_code"], found["ended"]) == ("no-go", 11, True)
    first, second = found["rehearsals"]
    assert first["broken"] == []
    assert second["exit_code"] == 11
    assert "OVERSELL" in second["broken"]
    assert first["why"] == "Does it sell?"
    assert second["seed"] == 12


@whole
def test_each_report_is_a_click_away(played: Ended) -> None:
    """Every link of the page leads to a report that is there, and each run has its own recording."""
    page = (played.path / "readiness.html").read_text("utf-8")
    links = set(re.findall(r'href="([^"#]+)"', page))
    assert len(links) == 2
    for link in links:
        assert (played.path.resolve() / link).is_file(), link
        assert (played.path.resolve() / link).with_name("run.json").is_file()


@whole
def test_the_page_opens_without_a_network(played: Ended) -> None:
    """Chromium opens it from disk, with nothing to complain of, and shows decision and rehearsals."""
    with shown(played.path / "readiness.html") as window:
        assert window.complaints == []
        assert "no-go" in window.page.content()
        assert window.page.locator("section").count() == 2


@whole
def test_a_run_is_held_beside_its_baseline(played: Ended) -> None:
    """The comparison is printed and written into the new run's folder; the exit code stays the run's own."""
    again, written = played.extra["again"], played.extra["comparison"]
    assert written is not None, again.said
    found = json.loads(written.read_bytes())
    own = json.loads((written.parent / "report.json").read_bytes())["exit_code"]
    assert again.code == (own or found["exit_code"]), again.said
    assert [one["path"] for one in found["differs"] if one["refuses"]] == []
    assert {row["said"] for row in found["rows"]} <= {"same", "better", "worse", "can't tell"}
    assert found["headline"].split(":")[0] in " ".join(again.out.split())
    assert (written.parent / "comparison.html").is_file()


@pytest.mark.parametrize("played", [STOPPED], indirect=True)
def test_a_signal_ends_the_list(played: Ended) -> None:
    """SIGTERM ends the rehearsal kindly and the list with it: 143, and the page says what was not played."""
    assert played.code == 143, played.said
    found = told(played)
    assert (found["decision"], found["ended"]) == ("not shown", False)
    assert found["rehearsals"][1]["headline"] == "not played yet"
    assert (played.path.resolve() / found["rehearsals"][0]["report"]).is_file()

"""When our own disc is full nothing more can be proved: everybody is sent home, and what we did to others is undone."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from surgectl.profile import lookup
from tests.rehearsal.acting import Ended, gone_within, run_folder, underway
from tests.rehearsal.programme import Play

pytestmark = pytest.mark.real

# Longer than the load: only a heal of ours ends it.
LASTING = "chaos=[{at: on-sale, for: 60s, link: payments, brownout: lost-reply}]"


def perform(place: Path) -> Ended:
    """The drill; in the middle of its brownout no file of `surgectl run` may grow any more (its stage's may)."""
    back, target = place / "given-back", place / "boxoffice.yaml"
    shop = (lookup.shipped() / "targets/boxoffice.yaml").read_text()
    target.write_text(f"{shop}\nteardown: {{run: [touch, '{back}']}}\n")
    with underway(place, "--embedded-proxy", "--target", target, "--set", LASTING) as run:
        run.until_broken()
        folder = run_folder(run.reports)
        assert folder is not None
        ops = folder / "ops/0.jsonl.zst"
        run.until("there was much to lose", lambda: ops.stat().st_size > 6_000)
        children = run.children()
        full = (ops.stat().st_size, resource.RLIM_INFINITY)
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, full)
        return run.ended(left=gone_within(children), given_back=back.exists())


@pytest.mark.parametrize("played", [Play("full-disc", perform)], indirect=True, ids=repr)
def test_an_error_of_our_own_heals_and_gives_back(played: Ended) -> None:
    """Exit 70, and one line says why; the fault is healed, what was bought is given back, and nobody is left."""
    assert played.code == 70, played.said
    assert "cannot write the recording" in played.err + played.out and "is the disk full?" in played.err + played.out
    assert "Traceback" not in played.err
    faults = [row["event"] for row in played.chaos if row["t"] == "fault"]
    assert faults[0] == "applied" and faults[-1] == "healed", played.chaos
    assert played.extra["given_back"] and played.extra["left"] == {}
    assert played.manifest["status"] == "running", "nobody could write that it ended: it must not say that all is well"

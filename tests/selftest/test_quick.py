"""The matrix itself, through the front door: what CI asks every time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from surgectl.selftest.offences import OFFENCES

pytestmark = pytest.mark.real

AT_LEAST = 24
"""Ways of being wrong that the matrix must know."""
_FAST = [offence.defect for offence in OFFENCES if not offence.slow]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "surgectl", "selftest", *(str(argument) for argument in arguments)]


def selftest(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """Exit code, the printed object, stderr."""
    done = subprocess.run(command(*arguments, "--json"), capture_output=True, text=True, timeout=290, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_it_knows_enough_ways_of_being_wrong() -> None:
    """The whole quick matrix, `surgectl selftest --quick`, is a command: it takes minutes of both cores."""
    assert len(set(_FAST)) >= AT_LEAST


@pytest.mark.timeout(200)
def test_wrong_shops_are_caught_and_the_right_one_acquitted(tmp_path: Path) -> None:
    """Two defects, and the correct shop under one brownout: nobody is missed, nobody accused."""
    only = ("--only", "double-charge", "--only", "oversell", "--only", "lost-reply")
    _, told, said = selftest(*only, "--seeds", 1, "--innocent-seeds", 1, "--reports", tmp_path)
    assert (told["missed"], told["accused"]) == ([], []), said
    assert told["defects"] == 2
    assert told["cells"], said


@pytest.mark.timeout(120)
def test_ctrl_c_prints_what_there_is(tmp_path: Path) -> None:
    """One signal ends the rehearsals politely: no child stays, exit 130, and what was learnt is printed."""
    from tests.rehearsal.acting import descendants, gone_within

    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(
            command("--json", "--jobs", 2, "--reports", tmp_path / "kept"), stdout=out, stderr=err
        )
        deadline = time.monotonic() + 60
        while len(children := descendants(process.pid)) < 6 and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
    assert len(children) >= 6, (tmp_path / "err").read_text()
    assert gone_within(children) == {}
    told = json.loads((tmp_path / "out").read_text())
    assert (code, told["stopped"], told["cells"]) == (130, True, [])
    assert list((tmp_path / "kept").iterdir()) == []

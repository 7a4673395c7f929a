"""Faults by command: what they mean, what is written down of them, and who mends them when we are gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from surgectl.chaos.commands import Commands
from surgectl.chaos.leftovers import mend, unmended
from surgectl.chaos.nemesis import Nemesis
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.plan.model import PlannedFault
from surgectl.profile.substitute import Secrets
from surgectl.recording.journal import LineFile
from surgectl.recording.manifest import Manifest
from surgectl.recording.rows import FaultRow, NoteRow
from tests.rehearsal.acting import surgectl

CLOCK = SystemClock()
MS = 1_000_000


def breaking(path: Path, *, check: bool = True, until_ms: int = 600) -> PlannedFault:
    """A command whose work is a file that is there."""
    seen = ("test", "-e", str(path)) if check else ()
    return PlannedFault(
        fault="0",
        from_ns=0,
        to_ns=until_ms * MS,
        brownout="exec",
        run=("touch", str(path)),
        heal=("rm", str(path)),
        check=seen,
    )


def nemesis(rows: list[FaultRow], commands: Commands | None = None) -> Nemesis:
    return Nemesis(None, {}, run="r", clock=CLOCK, start_ns=CLOCK.now_ns(), record=rows.append, commands=commands)


@pytest.mark.real
async def test_a_check_sees_it_break_and_mend(tmp_path: Path) -> None:
    """The command that mends is written down before the one that breaks is run; the check verifies both."""
    rows: list[FaultRow] = []
    await nemesis(rows).play((breaking(tmp_path / "gone"),))
    assert [row.event for row in rows] == ["begun", "applied", "verified", "healed"]
    assert rows[0].heal == ["rm", str(tmp_path / "gone")]
    assert not (tmp_path / "gone").exists()


@pytest.mark.real
async def test_what_is_broken_already_proves_nothing(tmp_path: Path) -> None:
    """Where the check says broken beforehand, nothing is run and nothing is mended."""
    rows: list[FaultRow] = []
    (tmp_path / "gone").touch()
    await nemesis(rows).play((breaking(tmp_path / "gone"),))
    assert [row.event for row in rows] == ["failed"] and "already" in rows[0].detail
    assert (tmp_path / "gone").exists()


@pytest.mark.real
async def test_a_heal_that_does_not_mend_is_not_called_healed(tmp_path: Path) -> None:
    """The heal command ends well, and the check still says broken: cleared, never healed."""
    rows: list[FaultRow] = []
    fault = breaking(tmp_path / "gone")
    lame = PlannedFault(**{name: getattr(fault, name) for name in fault.__struct_fields__} | {"heal": ("true",)})
    await nemesis(rows).play((lame,))
    assert [row.event for row in rows] == ["begun", "applied", "verified", "cleared"]


@pytest.mark.real
async def test_a_breaking_command_that_is_interrupted_is_ended_and_mended(tmp_path: Path) -> None:
    """A signal while the command still breaks things: it is killed with all it started, and then mended."""
    rows: list[FaultRow] = []
    gone, late = tmp_path / "gone", tmp_path / "late"
    fault = breaking(gone)
    words = ("sh", "-c", f"touch {gone}; sleep 1; touch {late}")
    slow = PlannedFault(
        **{name: getattr(fault, name) for name in fault.__struct_fields__} | {"run": words, "check": ()}
    )
    stand = nemesis(rows)
    play = asyncio.create_task(stand.play((slow,)))
    while not gone.exists():
        await asyncio.sleep(0.02)
    play.cancel()
    await asyncio.gather(play, return_exceptions=True)
    await stand.heal()
    assert [row.event for row in rows] == ["begun", "healed"]
    await asyncio.sleep(1.2)
    assert not gone.exists() and not late.exists()


def test_words_are_filled_in_for_running_and_kept_without_secrets() -> None:
    """What is run has its values; what is written down has the stage's, and the names of the rest."""
    secrets = Secrets()
    commands = Commands(
        {"STAGE": "/run/door", "API_TOKEN": "t0ps3cret"}, {"PGPASS": "hunter22", "STAGE": "other"}, secrets
    )
    words = ("mend", "--stage=${STAGE}", "${API_TOKEN}", "${PGPASS}", "${NOBODY:-else}")
    assert commands.filled(words) == ("mend", "--stage=/run/door", "t0ps3cret", "hunter22", "else")
    assert commands.kept(words) == ("mend", "--stage=/run/door", "${API_TOKEN}", "${PGPASS}", "else")
    assert secrets.redact("hunter22 t0ps3cret") == "*** ***"
    with pytest.raises(UsageError, match="NOBODY"):
        commands.filled(("${NOBODY}",))


def recorded(folder: Path, *rows: FaultRow | NoteRow) -> None:
    with LineFile(folder / "chaos.jsonl") as file:
        for row in rows:
            file.append(row)


def begun(number: int, *heal: str) -> FaultRow:
    return FaultRow(fault=str(number), event="begun", at_ns=number, brownout="exec", heal=list(heal), timeout_ns=10**10)


def manifest_of(folder: Path, **more: object) -> Manifest:
    said = {
        "run": "r",
        "profile": "p",
        "seed": 1,
        "digest": "",
        "version": "",
        "started_at": "",
        "started_epoch_s": 0.0,
    }
    return Manifest(**{**said, **more})  # type: ignore[arg-type]


@pytest.mark.real
async def test_what_is_left_is_mended_once_and_said_first(tmp_path: Path) -> None:
    """Two `chaos heal` at once run a heal command once; what was healed by the rehearsal is not touched."""
    counted, never = tmp_path / "counted", tmp_path / "never"
    recorded(
        tmp_path,
        begun(0, "sh", "-c", f"echo mended >> {counted}"),
        begun(1, "touch", str(never)),
        FaultRow(fault="1", event="healed", at_ns=9),
        NoteRow(at_ns=10, text="a note"),
    )
    with (tmp_path / "chaos.jsonl").open("ab") as torn:
        torn.write(b'{"t":"fault","fault":"7","eve')
    said: list[str] = []
    for _ in range(2):
        assert await mend(tmp_path, manifest_of(tmp_path), 11, said.append) == []
    assert counted.read_text() == "mended\n" and not never.exists()
    assert "running sh -c" in said[0] and said[1].endswith("healed") and len(said) == 2
    assert unmended(tmp_path / "chaos.jsonl") == []


@pytest.mark.real
async def test_a_mending_that_fails_is_said_and_tried_again_next_time(tmp_path: Path) -> None:
    """What could not be mended stays to be mended; a secret that was not written down is not run as stars."""
    key = tmp_path / "key"
    recorded(tmp_path, begun(0, "ls", str(key)), begun(1, "mend", "***"))
    trouble = await mend(tmp_path, manifest_of(tmp_path), 1, lambda _: None)
    assert len(trouble) == 2 and "secret" in trouble[1]
    key.touch()
    assert len(await mend(tmp_path, manifest_of(tmp_path), 1, lambda _: None)) == 1


@pytest.mark.real
async def test_a_stage_that_ended_with_its_rehearsal_needs_no_mending(tmp_path: Path) -> None:
    """The parts of a killed rehearsal's own stage are gone, so restarting one of them would only fail."""
    door = str(tmp_path / "nowhere" / "door")
    recorded(tmp_path, begun(0, "surgectl", "stage", "restart", "shop", "--stage", door))
    said: list[str] = []
    manifest = manifest_of(tmp_path, own_stage=True, stage=door)
    assert await mend(tmp_path, manifest, 1, said.append) == []
    assert "ended with its rehearsal" in said[0]


@pytest.mark.real
def test_nobody_at_the_stage_door_is_one_clear_line(tmp_path: Path) -> None:
    """Kill, restart and lost without a stage: exit 2, what, where and what to try."""
    for verb in ("kill", "lost"):
        told = surgectl("stage", verb, "shop", "--stage", tmp_path / "none")
        assert told.code == 2 and "no stage answers here" in told.err and "Traceback" not in told.err

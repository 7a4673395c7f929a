"""What a killed rehearsal had broken by command and not mended: read from its recording, mended once, written there."""

from __future__ import annotations

import fcntl
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from surgectl.chaos.commands import Commands
from surgectl.errors import UsageError
from surgectl.recording.journal import encode
from surgectl.recording.manifest import Manifest
from surgectl.recording.rows import FaultRow, NoteRow

_MENDED = ("healed", "cleared")
_decoder = msgspec.json.Decoder(FaultRow | NoteRow)


def unmended(path: Path) -> list[FaultRow]:
    """The `begun` rows of a chaos.jsonl whose fault was never mended, in their order. A torn last line is no row."""
    begun: dict[str, FaultRow] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            row = _decoder.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(row, FaultRow) and row.event == "begun" and row.heal:
            begun[row.fault] = row
        elif isinstance(row, FaultRow) and row.event in _MENDED:
            begun.pop(row.fault, None)
    return list(begun.values())


async def mend(folder: Path, said: Manifest, now_ns: int, say: Callable[[str], None]) -> list[str]:
    """Run the heal commands that a rehearsal left in its recording, each at most once → what could not be mended.

    Each is said before it is run. Two of us at once wait for one another, and the second finds nothing left to do.
    `now_ns` is on the run's clock.
    """
    path = folder / "chaos.jsonl"
    trouble: list[str] = []
    with _alone(path) as mended:
        for row in unmended(path):
            words = row.heal
            if said.own_stage and said.stage and said.stage in words and _is_gone(said.stage):
                say(f"{folder}: the stage ended with its rehearsal, so nothing is left of: {row.detail}")
                mended(_healed(row, now_ns, "the stage ended with its rehearsal"))
                continue
            say(f"{folder}: running {shlex.join(words)}")
            try:
                if any("***" in word for word in words):
                    raise UsageError("a part of it is secret and was not written down", hint="run it yourself")
                await Commands().run(words, row.timeout_ns or 30_000_000_000)
            except (OSError, UsageError) as error:
                trouble.append(f"{folder}: NOT healed: {error}")
                continue
            mended(_healed(row, now_ns, f"{shlex.join(words)}, by surgectl chaos heal"))
            say(f"{folder}: healed")
    return trouble


def _is_gone(stage: str) -> bool:
    return not Path(stage).exists()


def _healed(row: FaultRow, at_ns: int, detail: str) -> FaultRow:
    return FaultRow(fault=row.fault, event="healed", at_ns=at_ns, brownout=row.brownout, detail=detail)


@contextmanager
def _alone(path: Path) -> Iterator[Callable[[FaultRow], None]]:
    """Nobody else mends this recording meanwhile → how to add a row to it, after a torn line on a line of its own."""
    if not path.exists():
        yield lambda row: None
        return
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        def add(row: FaultRow) -> None:
            size = file.seek(0, os.SEEK_END)
            torn = b""
            if size:
                file.seek(size - 1)
                torn = b"" if file.read(1) == b"\n" else b"\n"
                file.seek(0, os.SEEK_END)
            file.write(torn + encode(row))
            file.flush()

        yield add

"""The journal keeps what it was told, whatever happens to the process that wrote it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from surgectl.recording import repair as repairing
from surgectl.recording.journal import Journal, JournalError, LineFile, encode, ops_path
from surgectl.recording.repair import DamagedError, read_lines, read_rows, repair
from surgectl.recording.rows import DoneRow, FaultRow, InvokeRow, ToldRow, VitalsRow


def invoke(number: int) -> InvokeRow:
    return InvokeRow(attempt=f"a{number}", intent="i", step="pay", role="pay", op=1, due_ns=number, at_ns=number)


async def test_rows_come_back_in_order_with_their_line_numbers(tmp_path: Path) -> None:
    """What was appended is read back in order, numbered from 1, over many frames."""
    async with Journal(tmp_path) as journal:
        for number in range(5_000):
            journal.append(invoke(number))
            if number % 7 == 0:
                await journal.commit()
    rows = list(read_rows(journal.path))
    assert [line for line, _ in rows] == list(range(1, 5_001))
    assert [row for _, row in rows] == [invoke(number) for number in range(5_000)]
    assert [line for line, _ in read_lines(journal.path)] == list(range(1, 5_001))


async def test_commit_puts_rows_into_the_file_before_it_returns(tmp_path: Path) -> None:
    """After commit() the row is readable by somebody else; before it, it need not be."""
    async with Journal(tmp_path) as journal:
        journal.append(invoke(1))
        assert list(read_rows(journal.path)) == []
        await journal.commit()
        assert list(read_rows(journal.path)) == [(1, invoke(1))]


async def test_all_who_commit_in_one_tick_share_one_frame(tmp_path: Path) -> None:
    """Group commit: a hundred sends of one tick cost one write."""
    async with Journal(tmp_path) as journal:

        async def send(number: int) -> None:
            journal.append(invoke(number))
            await journal.commit()

        await asyncio.gather(*(send(number) for number in range(100)))
        assert sum(1 for _ in repairing._frames(journal.path)) == 1
        assert sum(1 for _ in read_rows(journal.path)) == 100


async def test_a_quitter_does_not_take_the_frame_from_the_others(tmp_path: Path) -> None:
    """One who is cancelled while waiting for the flush leaves the others' commit alone."""
    async with Journal(tmp_path) as journal:
        journal.append(invoke(1))
        quitter = asyncio.create_task(journal.commit())
        stayer = asyncio.create_task(journal.commit())
        await asyncio.sleep(0)
        quitter.cancel()
        await stayer
        assert sum(1 for _ in read_rows(journal.path)) == 1


async def test_rows_nobody_waits_for_are_written_soon(tmp_path: Path) -> None:
    """A row without a commit is in the file within a fraction of a second, and at once when a frame is full."""
    async with Journal(tmp_path) as journal:
        journal.append(invoke(1))
        async with asyncio.timeout(5):
            while not list(read_rows(journal.path)):
                await asyncio.sleep(0.01)
        for number in range(2_000):
            journal.append(invoke(number))
        assert sum(1 for _ in read_rows(journal.path)) == 2_001


async def test_a_claim_that_json_cannot_hold_is_kept_as_text(tmp_path: Path) -> None:
    """Lone surrogates, huge integers and odd objects in a shop's claims never cost the row."""
    claims = {"seat\ud800": "\ud800x", "huge": 2**80, "odd": {1, 2}, "deep": [{"a": b"x"}]}
    async with Journal(tmp_path) as journal:
        journal.append(ToldRow(intent="i", op=1, step="s", role="pay", outcome="ok", end="e", at_ns=1, claims=claims))
        journal.append(DoneRow(attempt="a", outcome="info", why="x", detail="\udcff"))
    told, done = (row for _, row in read_rows(journal.path))
    assert isinstance(told, ToldRow) and isinstance(done, DoneRow)
    assert told.claims["seat\\ud800"] == "\\ud800x" and told.claims["huge"] == str(2**80)
    assert (told.intent, told.end, done.detail) == ("i", "e", "\\udcff")


async def test_reopened_journal_appends(tmp_path: Path) -> None:
    """Opening a journal again adds to it."""
    for number in range(2):
        async with Journal(tmp_path) as journal:
            journal.append(invoke(number))
    assert [row.due_ns for _, row in read_rows(journal.path)] == [0, 1]


async def test_a_full_disk_stops_every_further_send(tmp_path: Path) -> None:
    """Once the file cannot be written, commit and append raise: nothing unjournalled may leave."""
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="No space"):  # leaving says it again
        async with journal:
            journal.append(invoke(1))
            await journal.commit()
            assert journal._descriptor is not None
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, journal._descriptor)
            os.close(full)
            journal.append(invoke(2))
            with pytest.raises(JournalError, match="No space"):
                await journal.commit()
            with pytest.raises(JournalError):
                journal.append(invoke(3))
            with pytest.raises(JournalError):
                await journal.commit()
            assert journal.broken is not None
    assert [row.due_ns for _, row in read_rows(journal.path)] == [1]


def test_repair_cuts_a_torn_frame_at_every_possible_byte(tmp_path: Path) -> None:
    """Wherever a kill tears the last frame, every whole frame stays, and the rest is dropped and named."""
    whole = asyncio.run(_three_frames(tmp_path))
    ends = [piece.end for piece in repairing._frames(whole)]
    data = whole.read_bytes()
    assert len(ends) == 3 and ends[-1] == len(data)
    torn = tmp_path / "torn.jsonl.zst"
    for length in range(len(data) + 1):
        torn.write_bytes(data[:length])
        kept = sum(1 for end in ends if end <= length)
        before = list(read_rows(torn))
        found = repair(torn)
        assert found.rows == len(before) == kept * 2
        assert found.dropped_bytes == length - (ends[kept - 1] if kept else 0)
        assert bool(found.what) == bool(found.dropped_bytes)
        assert list(read_rows(torn)) == before and repair(torn).dropped_bytes == 0


async def _three_frames(folder: Path) -> Path:
    async with Journal(folder) as journal:
        for number in range(3):
            journal.append(invoke(number))
            journal.append(invoke(number))
            await journal.commit()
    return journal.path


def test_damage_before_the_end_is_an_error(tmp_path: Path) -> None:
    """A flipped bit that no kill explains is never read over in silence."""
    path = asyncio.run(_three_frames(tmp_path))
    data = bytearray(path.read_bytes())
    data[len(data) // 3 + 12] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(DamagedError, match="0.jsonl.zst"):
        list(read_rows(path))
    with pytest.raises(DamagedError):
        repair(path)


def test_plain_lines_are_written_at_once_and_repaired(tmp_path: Path) -> None:
    """chaos.jsonl and vitals.jsonl: a line a row, readable at once; a torn last line is dropped."""
    path = tmp_path / "chaos.jsonl"
    row = FaultRow(fault="0", event="applied", at_ns=5, link="payments")
    with LineFile(path) as file:
        file.append(row)
        assert list(read_rows(path)) == [(1, row)]
        file.append(VitalsRow(at_ns=1, lag_ns=2, cpu=0.5))
    with path.open("ab") as torn:
        torn.write(encode(row)[:20])
    assert len(list(read_rows(path))) == 2
    found = repair(path)
    assert (found.rows, found.dropped_bytes) == (2, 20) and "torn last line" in found.what


def test_a_row_of_the_future_is_an_error_with_its_line(tmp_path: Path) -> None:
    """A row kind that we do not know is named with file and line."""
    path = tmp_path / "chaos.jsonl"
    path.write_bytes(b'{"t":"note","at_ns":1,"text":"x"}\n{"t":"warp","at_ns":1}\n')
    with pytest.raises(DamagedError, match=r"chaos\.jsonl:2"):
        list(read_rows(path))


_WRITER = """
import asyncio, sys
from pathlib import Path
from surgectl.recording.journal import Journal
from surgectl.recording.rows import InvokeRow

async def main():
    async with Journal(Path(sys.argv[1])) as journal:
        number = 0
        while True:
            for _ in range(20):
                journal.append(InvokeRow(attempt=f"a{number}", intent="i", step="pay", role="pay", op=1,
                                         due_ns=number, at_ns=number))
                number += 1
            await journal.commit()
            sys.stdout.write(f"{number}\\n")
            sys.stdout.flush()

asyncio.run(main())
"""


@pytest.mark.real
def test_kill_9_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    """A child killed with -9 in the middle of writing: every row it had committed is readable, and repair succeeds."""
    child = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = 0
    while said < 20_000:
        said = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    said = int(([str(said).encode()] + child.stdout.read().split(b"\n")[:-1])[-1])
    child.wait()
    path = ops_path(tmp_path, 0)
    before = [row.due_ns for _, row in read_rows(path)]
    assert len(before) >= said and before == list(range(len(before)))
    repair(path)
    assert [row.due_ns for _, row in read_rows(path)] == before

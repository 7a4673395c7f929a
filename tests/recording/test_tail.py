"""Reading a recording while it is written: what is whole at once, what is torn once it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from surgectl.recording.journal import encode_all
from surgectl.recording.repair import DamagedError
from surgectl.recording.rows import LeftRow, NoteRow
from surgectl.recording.tail import Tail

FRAMES = [
    [LeftRow(intent=f"i{frame}-{n}", end="closed", outcome="fail", at_ns=n) for n in range(3)] for frame in range(4)
]


def frame(rows: list[LeftRow]) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(encode_all(rows))


def test_a_frame_is_read_once_it_is_whole(tmp_path: Path) -> None:
    """Byte by byte, as the worst of disks would write: each row comes once, and none before its frame ends."""
    path = tmp_path / "0.jsonl.zst"
    tail = Tail(path)
    assert tail.more() == []  # nobody has made it yet
    data, ends, found = b"", [], []
    for rows in FRAMES:
        data += frame(rows)
        ends.append(len(data))
    with path.open("wb", buffering=0) as file:
        for at in range(len(data)):
            file.write(data[at : at + 1])
            found += tail.more()
            assert len(found) == 3 * sum(end <= at + 1 for end in ends)
    assert found == [row for rows in FRAMES for row in rows]


def test_a_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    """The same of plain lines; a torn one is waited for."""
    path = tmp_path / "chaos.jsonl"
    rows = [NoteRow(at_ns=n, text="ü" * n) for n in range(4)]
    data = encode_all(rows)
    tail, found = Tail(path), []
    with path.open("wb", buffering=0) as file:
        for at in range(len(data)):
            file.write(data[at : at + 1])
            found += tail.more()
    assert found == rows


def test_a_large_file_comes_in_helpings(tmp_path: Path) -> None:
    """Nobody who looks on for the first time is stopped for long: some thousand rows each time, and all in the end."""
    path = tmp_path / "0.jsonl.zst"
    path.write_bytes(b"".join(frame(rows) for rows in FRAMES) * 3_000)
    tail, helpings = Tail(path), []
    while rows := tail.more():
        helpings.append(len(rows))
    assert sum(helpings) == 36_000 and max(helpings) < 10_000


@pytest.mark.parametrize("name,data", [("0.jsonl.zst", b"no frame at all"), ("chaos.jsonl", b'{"t":"who"}\n')])
def test_what_is_no_recording_is_said(tmp_path: Path, name: str, data: bytes) -> None:
    """A file of something else is an error with its name."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DamagedError, match=name):
        Tail(tmp_path / name).more()

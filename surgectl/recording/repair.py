"""Read a recording back, also one whose writer was killed in the middle of a word.

A writer that is killed can tear only the end of a file: the last frame (ops) or the last line (chaos, vitals). No hold
and no payment announced in a torn end was ever sent, for such a send waits until its frame is whole. Damage anywhere
else is an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from surgectl.errors import SurgectlError
from surgectl.recording.rows import ChaosRow, OpRow, VitalsRow

Row = OpRow | ChaosRow | VitalsRow

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Row)
_READ = 16_384
# Small: after each frame the rest of the piece is copied, and group commit makes frames of a few hundred bytes.


class DamagedError(SurgectlError):
    """A recording changed or rotten somewhere before its end, which no kill explains: nothing can be said (exit 12)."""

    exit_code = 12


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What `repair` found at the end of one file."""

    path: str
    rows: int
    """Rows that are whole."""
    dropped_bytes: int = 0
    what: str = ""
    """What was dropped, for a person; empty where nothing was."""


class _Piece(msgspec.Struct, frozen=True):
    """Whole lines of a file, and the offset of the first byte after them."""

    text: bytes
    end: int


def _frames(path: Path) -> Iterator[_Piece]:
    """Whole zstd frames, one after another; stops before a torn last one."""
    with path.open("rb") as file:
        decompressor = zstandard.ZstdDecompressor()
        pending, start = b"", 0
        while True:
            frame = decompressor.decompressobj()
            text: list[bytes] = []
            used = 0
            while not frame.eof:
                if not pending:
                    pending = file.read(_READ)
                    if not pending:
                        return  # torn (or, with nothing used, simply the end)
                try:
                    text.append(frame.decompress(pending))
                except zstandard.ZstdError as error:
                    raise DamagedError(f"damaged near byte {start}: {error}", where=str(path)) from error
                rest = frame.unused_data if frame.eof else b""
                used += len(pending) - len(rest)
                pending = rest
            start += used
            yield _Piece(b"".join(text), start)


def _lines(path: Path) -> Iterator[_Piece]:
    """Whole lines of a plain file; stops before a torn last one."""
    end = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            yield _Piece(line, end)


def _pieces(path: Path) -> Iterator[_Piece]:
    return _frames(path) if path.suffix == ".zst" else _lines(path)


class Block(msgspec.Struct, frozen=True):
    """Many whole lines of a file, each with its newline."""

    first: int
    """Number of the first of them, from 1."""
    text: bytes


def read_blocks(path: Path, least_bytes: int) -> Iterator[Block]:
    """The whole lines of a file in blocks of at least so many bytes (the last may be smaller), in order.

    A torn end is skipped, damage before it raises DamagedError: as `read_lines`.
    """
    first, held, size = 1, list[bytes](), 0
    for text in _frame_texts(path) if path.suffix == ".zst" else _chunks(path):
        held.append(text)
        size += len(text)
        if size >= least_bytes:
            block = Block(first, b"".join(held))
            yield block
            first += block.text.count(b"\n")
            held, size = [], 0
    if size:
        yield Block(first, b"".join(held))


def _frame_texts(path: Path) -> Iterator[bytes]:
    for piece in _frames(path):
        yield piece.text if piece.text.endswith(b"\n") else piece.text[: piece.text.rfind(b"\n") + 1]


def _chunks(path: Path) -> Iterator[bytes]:
    """Whole lines of a plain file, many at once; stops before a torn last one."""
    rest = b""
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            cut = data.rfind(b"\n") + 1
            if cut:
                yield rest + data[:cut]
                rest = data[cut:]
            else:
                rest += data


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, the line without its newline) of every whole line, in the order of writing.

    A torn end is skipped (`repair` says what it was); damage before it raises DamagedError.
    """
    number = 0
    for piece in _pieces(path):
        for line in piece.text.split(b"\n")[:-1]:
            number += 1
            yield number, line


def read_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """(line number from 1, row) of every whole row. Raises DamagedError for a row that is not one of ours."""
    for number, line in read_lines(path):
        try:
            yield number, _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedError(
                f"not a row of a recording: {error}",
                where=f"{path}:{number}",
                hint="was it written by a newer surgectl?",
            ) from error


def repair(path: Path) -> Repair:
    """Cut off a torn end, so that what remains is whole; says what it dropped. Raises DamagedError, OSError.

    For a file that nobody writes any more.
    """
    rows, end = 0, 0
    for piece in _pieces(path):
        rows += piece.text.count(b"\n")
        end = piece.end
    dropped = path.stat().st_size - end
    if not dropped:
        return Repair(path=str(path), rows=rows)
    os.truncate(path, end)
    unit = "frame" if path.suffix == ".zst" else "line"
    what = f"{path.name}: dropped a torn last {unit} of {dropped} bytes after {rows} whole rows"
    return Repair(path=str(path), rows=rows, dropped_bytes=dropped, what=what)

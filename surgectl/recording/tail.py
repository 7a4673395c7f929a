"""Reads on where it stopped reading: the rows of a recording that is still being written.

What its writer has not finished yet (a frame, a line) is waited for. What a kill tore will never be whole: it is waited
for until nobody waits any more, and is never an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import zstandard

from surgectl.recording.repair import DamagedError
from surgectl.recording.rows import ChaosRow, OpRow, VitalsRow

Row = OpRow | ChaosRow | VitalsRow

_READ = 16_384  # small: after each frame the rest of the piece is copied, as in repair.py
_ROWS = 4_000
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Row)


class Tail:
    """One file of a recording, which may not exist yet. Opened for each reading: nobody is kept from anything."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._packed = path.suffix == ".zst"
        self._at = 0
        """The first byte that is not read yet."""
        self._rest = b""
        """Of what was read, what is not whole yet."""

    def __repr__(self) -> str:
        return f"<Tail of {self._path} at {self._at}>"

    def more(self) -> list[Row]:
        """The next rows, some thousands at most; none where there is nothing new. DamagedError: not a row of ours."""
        found: list[Row] = []
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                while len(found) < _ROWS and (data := file.read(_READ)):
                    self._at += len(data)
                    self._rest += data
                    found += self._rows()
        except FileNotFoundError:
            pass  # not yet
        return found

    def _rows(self) -> list[Row]:
        text = self._unpacked() if self._packed else self._rest
        cut = text.rfind(b"\n") + 1
        if not self._packed:
            self._rest = text[cut:]
        try:
            return _decoder.decode_lines(text[:cut])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            hint = "was it written by a newer surgectl?"
            raise DamagedError(f"not a row of a recording: {error}", where=str(self._path), hint=hint) from error

    def _unpacked(self) -> bytes:
        """The whole frames of what is here; a frame that has only begun stays."""
        texts = []
        while self._rest:
            frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                text = frame.decompress(self._rest)
            except zstandard.ZstdError as error:
                raise DamagedError(f"damaged before byte {self._at}: {error}", where=str(self._path)) from error
            if not frame.eof:
                break
            texts.append(text)
            self._rest = frame.unused_data
        return b"".join(texts)

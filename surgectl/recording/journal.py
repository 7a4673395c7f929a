"""Write down what a fan is about to do before it does it, so that no crash can hide a purchase.

Rows become JSON lines, collected into small zstd frames (one frame = one write) appended to `ops/SHARD.jsonl.zst`.
A written frame lies in the kernel's page cache: kill -9 of this process cannot take it back. Only a dying machine
could, and then the shop's answers died with it: hence no fsync per frame, only one at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import zstandard

from surgectl.errors import SurgectlError
from surgectl.recording.redaction import Redact, redacted
from surgectl.recording.rows import ChaosRow, OpRow, VitalsRow

FRAME_ROWS = 2_000
"""Most rows of a frame."""
FRAME_AGE_S = 0.1
"""Longest that a row nobody waits for stays in memory."""

Row = OpRow | ChaosRow | VitalsRow

_encoder = msgspec.json.Encoder()


class JournalError(SurgectlError):
    """The recording cannot be written: nothing may be sent any more, for nobody could judge it."""


Written = Callable[[JournalError | None], None]
"""Hears that its row is safe, or why it never will be."""


def ops_path(folder: Path, shard: int) -> Path:
    """Where a shard's operations stand in a recording."""
    return folder / "ops" / f"{shard}.jsonl.zst"


def encode(row: Row) -> bytes:
    """One row as one line. A shop may claim anything: what JSON cannot hold is written as text, never lost."""
    try:
        return _encoder.encode(row) + b"\n"
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError, RecursionError):
        return _encoder.encode(_plain(msgspec.structs.asdict(row), row)) + b"\n"


def encode_all(rows: Sequence[Row]) -> bytes:
    """Each row as one line."""
    try:
        return _encoder.encode_lines(rows)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError, RecursionError):
        return b"".join([encode(row) for row in rows])


def _plain(fields: dict[str, Any], row: Row) -> dict[str, Any]:
    """The row as plain JSON data, with its tag first and its fields under their encoded names."""
    config = row.__struct_config__
    names = dict(zip(row.__struct_fields__, row.__struct_encode_fields__, strict=True))
    plain = {names[name]: _speakable(value) for name, value in fields.items()}
    return {str(config.tag_field): config.tag, **plain}


def _speakable(value: Any, depth: int = 0) -> Any:
    """A value that JSON can hold: lone surrogates escaped, huge integers and unknown objects as text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if depth < 20 and isinstance(value, dict):
        return {str(_speakable(key)): _speakable(item, depth + 1) for key, item in value.items()}
    if depth < 20 and isinstance(value, list | tuple | set | frozenset):
        return [_speakable(item, depth + 1) for item in value]
    return type(value).__name__ if depth >= 20 else repr(value)


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it, or raise OSError. A short write is continued: only a kill or a full disk tears a frame."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Journal:
    """One shard's operations, appended and never changed.

    `append` is for rows that nobody waits for; whoever must not go on before its row is safe says so with
    `when_written` (or `await commit()`): all who do within one tick of the loop share one frame (group commit, as
    databases do).
    """

    def __init__(
        self,
        folder: Path,
        shard: int = 0,
        *,
        tap: Callable[[Sequence[OpRow]], None] | None = None,
        redact: Redact | None = None,
    ) -> None:
        """`tap` sees the rows of each frame once it is written.

        `redact` takes secrets out of every row before it is written or shown; None = there are none.
        """
        self.path = ops_path(folder, shard)
        self.rows = 0
        """Rows appended so far."""
        self._tap = tap
        self._redact = redact
        self._rows: list[OpRow] = []
        self._waiting: list[Written] = []
        self._timer: asyncio.TimerHandle | None = None
        self._descriptor: int | None = None
        self._broken: JournalError | None = None
        # A checksum costs nothing beside the syscall and tells a damaged file from a torn one.
        self._compressor = zstandard.ZstdCompressor(level=1, write_checksum=True, write_content_size=True)

    def __repr__(self) -> str:
        return f"<Journal {self.path} rows={self.rows}>"

    async def __aenter__(self) -> Journal:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(f"cannot write the recording: {error.strerror}", where=str(self.path)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
            if self._descriptor is not None:
                os.fsync(self._descriptor)
        except OSError as failed:
            raise JournalError(f"cannot write the recording: {failed.strerror}", where=str(self.path)) from failed
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    @property
    def broken(self) -> JournalError | None:
        """Why nothing can be written any more, or None."""
        return self._broken

    def append(self, row: OpRow) -> None:
        """Add a row; it is on its way to the file within 100 ms. Raises JournalError once the file is broken.

        The row is encoded with its frame: nothing that it holds may change until then.
        """
        if self._broken is not None:
            raise self._broken
        self._rows.append(row)
        self.rows += 1
        if len(self._rows) >= FRAME_ROWS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FRAME_AGE_S, self._flush_quietly)

    def when_written(self, then: Written) -> None:
        """Call `then` once everything appended so far survives a kill of this process, never before this returns.

        It is handed None, or why nothing can be written any more.
        """
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush_quietly)
        self._waiting.append(then)

    async def commit(self) -> None:
        """Return once everything appended so far survives a kill of this process. Raises JournalError."""
        if self._broken is not None:
            raise self._broken
        if not self._rows:
            return
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def written(broken: JournalError | None) -> None:
            if safe.done():
                return  # whoever waited has left
            if broken is not None:
                safe.set_exception(broken)
            else:
                safe.set_result(None)

        self.when_written(written)
        await safe

    def flush(self) -> None:
        """Write what is pending as one frame, now. Raises JournalError."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        rows, self._rows = self._rows, []
        if rows and self._broken is None:
            try:
                if self._descriptor is None:
                    raise OSError(9, "the journal is not open")
                rows, lines = self._packed(rows)
                write_whole(self._descriptor, self._compressor.compress(lines))
            except OSError as error:
                self._broken = JournalError(
                    f"cannot write the recording: {error.strerror}", where=str(self.path), hint="is the disk full?"
                )
            except Exception as error:  # noqa: BLE001 - a row of ours that nobody can encode: whoever waits must hear it
                what = f"cannot write the recording: {type(error).__name__} in a row"
                self._broken = JournalError(what, where=str(self.path))
                self._broken.__cause__ = error
        broken = self._broken
        for then in waiting:
            then(broken)
        if broken is not None:
            raise broken
        if self._tap is not None:
            self._tap(rows)

    def _packed(self, rows: list[OpRow]) -> tuple[list[OpRow], bytes]:
        """The rows as they may be shown, and as lines."""
        lines = encode_all(rows)
        if self._redact is not None:
            # Where JSON escapes nothing, its text holds every word as it is: one look tells for the whole frame.
            text = lines.decode()
            if "\\" in text or self._redact(text) != text:
                rows = [redacted(row, self._redact) for row in rows]
                lines = encode_all(rows)
        return rows, lines

    def _flush_quietly(self) -> None:
        """For the loop's callbacks: the error stays in `broken`, and every later append and commit raises it."""
        with contextlib.suppress(JournalError):
            self.flush()


class LineFile:
    """Plain JSON lines, each written at once: chaos.jsonl and vitals.jsonl, a handful of rows a second."""

    def __init__(
        self,
        path: Path,
        *,
        tap: Callable[[ChaosRow | VitalsRow], None] | None = None,
        redact: Redact | None = None,
    ) -> None:
        self.path = path
        self._redact = redact
        self._tap = tap
        self._descriptor: int | None = None

    def __repr__(self) -> str:
        return f"<LineFile {self.path}>"

    def open(self) -> LineFile:
        """Open for appending. Raises JournalError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(f"cannot write the recording: {error.strerror}", where=str(self.path)) from error
        return self

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def append(self, row: ChaosRow | VitalsRow) -> None:
        """Write one row now. Raises JournalError."""
        if self._descriptor is None:
            raise JournalError("the file is not open", where=str(self.path))
        if self._redact is not None:
            row = redacted(row, self._redact)
        try:
            write_whole(self._descriptor, encode(row))
        except OSError as error:
            raise JournalError(f"cannot write the recording: {error.strerror}", where=str(self.path)) from error
        if self._tap is not None:
            self._tap(row)

    def __enter__(self) -> LineFile:
        return self.open()

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> LineFile:
        return self.open()

    async def __aexit__(self, *exc: object) -> None:
        self.close()

"""Opens a recording as people hand it over: a HAR, the same zipped or packed, with the bodies of its replies beside it.

Playwright (https://playwright.dev/docs/mock#recording-a-har-file) puts bodies into files of their own where content is
"attach", and all of it into one zip where the name ends in .zip; mitmproxy packs a `.zhar` with zlib.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from surgectl.errors import UsageError

MOST_BYTES = 256 * 1024 * 1024
_MOST_OF_A_BODY = 8 * 1024 * 1024
_A_NAME = re.compile(r"[\w][\w.-]{0,200}")

Attached = Callable[[str], bytes | None]
"""The name of a body → its bytes, or None where there is no such file."""


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """The HAR's own bytes, and where the bodies lie that it only names."""

    data: bytes
    attached: Attached


def nothing(_name: str) -> bytes | None:
    """A recording that lies alone."""
    return None


def opened(file: Path) -> Recording:
    """The recording in that file. UsageError where it cannot be read, is too large, or is packed and holds no HAR."""
    where = str(file)
    try:
        with file.open("rb") as source:
            data = source.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=where) from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"is larger than {MOST_BYTES // 1024 // 1024} MiB", where=where, hint="record one purchase")
    if data.startswith(b"PK\x03\x04"):
        return _of_zip(data, where)
    return Recording(data=unpacked(data, where), attached=lambda name: _beside(file.parent, name))


def unpacked(data: bytes, where: str) -> bytes:
    """gzip and zlib undone, as far as a recording may grow. UsageError where it grows further, or breaks off."""
    packed = data.startswith(b"\x1f\x8b") or (data[:1] == b"\x78" and data[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"))
    if not packed:
        return data
    worker = zlib.decompressobj(47)
    try:
        out = worker.decompress(data, MOST_BYTES + 1)
    except zlib.error as error:
        raise UsageError(f"cannot be unpacked: {error}", where=where, hint="unpack it and give the .har") from error
    if len(out) > MOST_BYTES or not worker.eof:
        what = f"is larger than {MOST_BYTES // 1024 // 1024} MiB" if len(out) > MOST_BYTES else "breaks off"
        raise UsageError(f"{what} when it is unpacked", where=where, hint="record one purchase, or copy the file again")
    return out


def _of_zip(data: bytes, where: str) -> Recording:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        inside = [name for name in archive.namelist() if name.lower().endswith(".har")]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UsageError(f"is a zip that cannot be read: {error}", where=where, hint="copy it again") from error
    if not inside:
        hint = "Fiddler's .saz is none: File, Export Sessions, HTTPArchive"
        raise UsageError("is a zip without a .har in it", where=where, hint=hint)
    name = min(inside, key=lambda one: (one.count("/"), one))
    har = _member(archive, name, MOST_BYTES)
    if har is None:
        raise UsageError(f"holds {name}, which cannot be unpacked", where=where, hint="unpack it and give the .har")
    folder = name.rpartition("/")[0]
    there = set(archive.namelist())

    def attached(body: str) -> bytes | None:
        member = f"{folder}/{body}" if folder else body
        return _member(archive, member, _MOST_OF_A_BODY) if member in there else None

    return Recording(data=har, attached=attached)


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes | None:
    """One file of a zip; None where it is broken, locked or larger than it may be, whatever it says of itself."""
    try:
        with archive.open(name) as member:
            data = member.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, KeyError, ValueError):
        return None
    return data if len(data) <= most else None


def _beside(folder: Path, name: str) -> bytes | None:
    """A file in the recording's own folder, never one elsewhere."""
    if not _A_NAME.fullmatch(name) or ".." in name:
        return None
    try:
        with (folder / name).open("rb") as source:
            data = source.read(_MOST_OF_A_BODY + 1)
    except OSError:
        return None
    return data if len(data) <= _MOST_OF_A_BODY else None

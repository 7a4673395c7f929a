"""Folders of ours in the temporary directory: they go when we end, and what a kill left the next of us sweeps away.

Each holds a mark, a file that its owner keeps locked for as long as it lives. However a process ends, the kernel then
lets go of its locks (flock(2)), while a process' number may soon be another one's.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from surgectl import chance

_PREFIX = "surgectl-"
_MARK = ".of-surgectl"
_SAYS = b"A folder of surgectl. It goes when its owner ends, or with the next rehearsal after that.\n"


def new_place(kind: str) -> Path:
    """A path for a new one. Nothing is made yet."""
    return Path(tempfile.gettempdir()) / f"{_PREFIX}{kind}-{chance.token()[:12]}"


class Aside:
    """One such folder: made by `make` or by a `with`, gone after `forget`, at the end of the `with`, or with us."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end: weakref.finalize[[Path, int], Aside] | None = None

    def __repr__(self) -> str:
        return f"<Aside {self.path}>"

    def make(self) -> Path:
        """Make it, for this user alone. OSError where that cannot be."""
        self.path.mkdir(mode=0o700)
        self._end = weakref.finalize(self, _remove, self.path, _marked(self.path))
        return self.path

    def forget(self) -> None:
        """Delete it with all that is in it."""
        if self._end is not None:
            self._end()

    def __enter__(self) -> Self:
        self.make()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.forget()


def sweep() -> list[Path]:
    """Delete what processes of this user left that are no more → what was deleted. Whatever may not be ours stays."""
    swept = []
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")):
        lock = _abandoned(path)
        if lock is not None:
            _remove(path, lock)
            swept.append(path)
    return swept


def _marked(path: Path) -> int:
    """Put the mark into a folder → its lock. A mark without an owner is never to be seen: it is locked, then named."""
    unnamed = path / f"{_MARK}-"
    lock = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, _SAYS)
    unnamed.rename(path / _MARK)
    return lock


def _abandoned(path: Path) -> int | None:
    """The lock of a folder of ours that nobody holds any more; None for every other."""
    try:
        folder = path.lstat()
        if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != os.getuid():
            return None
        lock = os.open(path / _MARK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.read(lock, len(_SAYS) + 1) == _SAYS:
            return lock
    except OSError:
        pass  # its owner lives, or it is no file
    os.close(lock)
    return None


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)

"""The stage door: a socket where somebody may ask to kill a part of the stage, or to start it again.

One JSON line each way: {"do": "kill", "part": "worker-1"} → {"said": "worker-1 killed (process 4711)"}, or {"error": …,
"hint": …}. It lies in a folder that only its owner may enter.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import stat
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, get_args

import msgspec

from surgectl.aside import Aside, new_place
from surgectl.errors import SurgectlError, UsageError

Deed = Literal["kill", "restart", "lost"]
_KIND = "stage"
_NAME = "door"
_ANSWER_WITHIN_S = 60.0


class Wish(msgspec.Struct, frozen=True):
    """What somebody wants of a part."""

    do: Deed
    part: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it. `yes` answers `lost`: the part is not running."""

    said: str = ""
    yes: bool = True
    error: str = ""
    hint: str = ""


def new_address() -> str:
    """A path for a new door. Nothing is made yet."""
    return str(new_place(_KIND) / _NAME)


class StageDoor:
    """Answers wishes for the length of the `async with`. `grant` raises SurgectlError for what cannot be."""

    def __init__(self, address: str, grant: Callable[[Wish], Awaitable[Answer]]) -> None:
        self._path = Path(address)
        self._aside = Aside(self._path.parent)
        self._grant = grant
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> StageDoor:
        self._aside.make()
        try:
            self._server = await asyncio.start_unix_server(self._answer, self._path)
        except OSError as error:
            self._aside.forget()
            hint = "its path may be too long: set TMPDIR to a short one"
            raise UsageError(
                f"no socket can be opened here: {error.strerror}", where=str(self._path), hint=hint
            ) from error
        self._path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self._aside.forget()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            wish = msgspec.json.decode(await reader.readline(), type=Wish)
            answer = await self._grant(wish)
        except msgspec.DecodeError as error:
            answer = Answer(error=f"not a wish: {error}")
        except SurgectlError as error:
            answer = Answer(error=error.what, hint=error.hint or "")
        writer.write(msgspec.json.encode(answer) + b"\n")
        try:
            await writer.drain()
        except OSError:
            pass  # whoever asked has gone; it is done all the same
        writer.close()


def ask(do: Deed, part: str, address: str | None) -> Answer:
    """Ask a stage; without an address the only one that this user has up. UsageError where that cannot be."""
    path = address or _only_one()
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(_ANSWER_WITHIN_S)
        try:
            door.connect(path)
            door.sendall(msgspec.json.encode(Wish(do, part)) + b"\n")
            said = door.makefile("rb").readline()
            answer = msgspec.json.decode(said, type=Answer)
        except TimeoutError as error:
            raise UsageError("the stage does not answer", where=path) from error
        except (OSError, msgspec.DecodeError) as error:
            hint = "is it still up? surgectl stage up prints its address"
            raise UsageError("no stage answers here", where=path, hint=hint) from error
    if answer.error:
        raise UsageError(answer.error, where=path, hint=answer.hint or None)
    return answer


def _only_one() -> str:
    there = [door for door in Path(tempfile.gettempdir()).glob(f"surgectl-{_KIND}-*/{_NAME}") if _is_ours(door)]
    if len(there) != 1:
        what = "no stage is up" if not there else f"{len(there)} stages are up: {', '.join(map(str, there))}"
        raise UsageError(what, where="--stage", hint="name one: --stage ADDRESS")
    return str(there[0])


def _is_ours(door: Path) -> bool:
    """Of this user, and somebody listens."""
    try:
        if door.stat().st_uid != os.getuid():
            return False
        with socket.socket(socket.AF_UNIX) as knock:
            knock.connect(str(door))
    except OSError:
        return False
    return True


def main(words: list[str]) -> int:
    """`surgectl stage kill|restart|lost PART [--stage ADDRESS]` without the rest of surgectl → its exit code.

    Commands of faults come here: loading everything costs a second of a core that the storm needs.
    """
    parser = argparse.ArgumentParser(prog="surgectl stage")
    parser.add_argument("do", choices=get_args(Deed))
    parser.add_argument("part")
    parser.add_argument("--stage")
    said = parser.parse_args(words)
    try:
        answer = ask(said.do, said.part, said.stage)
    except SurgectlError as error:
        sys.stderr.write(f"surgectl: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{answer.said}\n")
    return 0 if answer.yes else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

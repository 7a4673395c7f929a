"""Runs the commands that break and mend things: bounded in time, and mending goes on even when we are gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence

from surgectl.errors import UsageError
from surgectl.profile.node import Place, Scalar
from surgectl.profile.substitute import Secrets, Substitution

_AT_THE_DOOR = (("kill",), ("restart",), ("lost",))
_SENSITIVE = re.compile(r"KEY|SECRET|TOKEN|PASS|DSN|CREDENTIAL|AUTH", re.IGNORECASE)


class Commands:
    """What `${NAME}` means in a rehearsal's commands, and how they are run.

    `variables` come from the stage and from --set; the environment comes after them. Whatever the environment gave is
    added to `secrets`.
    """

    def __init__(
        self,
        variables: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self._variables = dict(variables or {})
        self._environ = os.environ if environ is None else environ
        self._secrets = Secrets() if secrets is None else secrets

    def filled(self, words: Sequence[str], where: str = "exec") -> tuple[str, ...]:
        """The words with every `${NAME}` put in. UsageError names what nobody set."""
        substitution = Substitution(self._variables, self._environ, self._secrets)
        found = _put_in(substitution, words, where)
        if substitution.issues:
            issue = substitution.issues[0]
            raise UsageError(issue.what, where=where, hint=issue.hint)
        return found

    def kept(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words as they may be written down: what is secret, or comes from the environment, stays `${NAME}`."""
        open_ = {name: value for name, value in self._variables.items() if not _SENSITIVE.search(name)}
        closed = {name: f"${{{name}}}" for name in {*self._environ, *self._variables} - open_.keys()}
        return _put_in(Substitution({**closed, **open_}, {}, Secrets(), keep_unset=True), words, "exec")

    async def run(self, words: Sequence[str], timeout_ns: int) -> None:
        """Run a command to its good end. OSError where it cannot be started, fails or takes too long."""
        code, said = await _run(self.filled(words), timeout_ns)
        if code != 0:
            raise OSError(
                f"{self._secrets.redact(shlex.join(words))}: exit {code} {self._secrets.redact(said)}".strip()
            )

    async def says_yes(self, words: Sequence[str], timeout_ns: int) -> bool:
        """Whether a command ends with exit 0. OSError where it cannot be started or takes too long."""
        code, _ = await _run(self.filled(words), timeout_ns)
        return code == 0


def _put_in(substitution: Substitution, words: Iterable[str], where: str) -> tuple[str, ...]:
    place = Place(where)
    found = []
    for word in words:
        filled = substitution.tree(Scalar(word, place), where)
        assert isinstance(filled, Scalar)
        found.append(filled.text)
    return tuple(found)


async def _run(words: Sequence[str], timeout_ns: int) -> tuple[int, str]:
    """Exit code and the end of what it complained about."""
    argv = _argv(words)
    # Not a pipe: a mending command must be able to go on, and to complain, when we have gone.
    with tempfile.TemporaryFile() as complaints:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,  # a Ctrl-C is for us: a command that mends must come to its end
        )
        try:
            code = await asyncio.wait_for(process.wait(), timeout_ns / 1e9)
        except TimeoutError as error:
            await _end(process)
            raise OSError(f"{words[0]}: still running after {timeout_ns / 1e9:g}s, killed") from error
        except asyncio.CancelledError:
            await asyncio.shield(_end(process))
            raise
        complaints.seek(0)
        said = " ".join(complaints.read()[-400:].decode("utf-8", "replace").split())
        return code, said[-200:]


def _argv(words: Sequence[str]) -> list[str]:
    """`surgectl` is this surgectl; at the stage door, no more of it than is needed there."""
    if words[0] != "surgectl":
        return [*words]
    if words[1:2] == ("stage",) and words[2:3] in _AT_THE_DOOR:
        return [sys.executable, "-m", "surgectl.stage.stage_door", *words[2:]]
    return [sys.executable, "-m", "surgectl", *words[1:]]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a command with everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()

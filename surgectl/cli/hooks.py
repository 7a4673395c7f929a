"""The target's own commands: one puts the shop in order before the storm, one gives back what was bought."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from surgectl.errors import InconclusiveError
from surgectl.journey.template import UnsetError, compile_text
from surgectl.profile.target import Hook

UNKNOWN = "unknown"


async def hook_output(hook: Hook, name: str, *, folder: Path, told: Mapping[str, object]) -> dict[str, object]:
    """Run a setup or teardown command in the target's folder → the JSON object on its stdout, {} where it says nothing.

    `told` is written to its stdin as JSON: `run`, `sale`, and for a teardown `setup`, what the setup had said. `python`
    as the first word is the Python that runs us. InconclusiveError where the command fails. One that takes too long, or
    that nobody waits for any more, is ended with everything that it started.
    """
    program = sys.executable if hook.run[0] == "python" else hook.run[0]
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *hook.run[1:],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(os.environ),
            cwd=folder,
            start_new_session=True,  # a Ctrl-C is for us: what gives back must come to its end
        )
    except OSError as error:
        raise InconclusiveError(f"{hook.run[0]}: {error.strerror}", where=f"target: {name}.run") from error
    try:
        talking = process.communicate(msgspec.json.encode(told))
        said, complained = await asyncio.wait_for(talking, int(hook.timeout) / 1e9)
    except TimeoutError as error:
        await _end(process)
        raise InconclusiveError(
            f"{hook.run[0]}: not done within {hook.timeout}", where=f"target: {name}.timeout"
        ) from error
    except asyncio.CancelledError:
        await asyncio.shield(_end(process))
        raise
    if process.returncode != 0:
        last = complained.decode("utf-8", "replace").strip().split("\n")[-1]
        raise InconclusiveError(f"{hook.run[0]}: exit {process.returncode}: {last}", where=f"target: {name}.run")
    if not said.strip():
        return {}
    try:
        return msgspec.json.decode(said, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise InconclusiveError(f"its output is not one JSON object: {error}", where=f"target: {name}.run") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def facts_of(facts: Mapping[str, str], told: Mapping[str, object]) -> dict[str, str]:
    """The target's `facts` with their variables filled in; one that the setup did not say is `unknown`."""
    found = {}
    for name, text in facts.items():
        try:
            found[name] = compile_text(text, f"facts.{name}").render(dict(told)) or UNKNOWN
        except UnsetError:
            found[name] = UNKNOWN
    return found

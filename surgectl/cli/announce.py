"""Tell the build server what became of the rehearsal, in its own words: a page for the step, and lines at the top.

Only GitHub has such words (its forks read the same): GITHUB_STEP_SUMMARY names a file to append to, and commands are
lines of the step's output. Its runner reads them from stdout and stderr alike (actions/runner, StepHost: both streams
go to one OutputManager), so with `--json` they go to stderr and stdout stays report.json alone. GitLab and Jenkins read
junit.xml.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from surgectl.report import markdown
from surgectl.report.annotations import render as commands
from surgectl.report.summary import Summary
from surgectl.text import one_line


def announce(summary: Summary, folder: Path, environ: Mapping[str, str], *, asked: str, as_json: bool) -> None:
    """Append the step's page and print its lines, where the environment asks for them; nothing elsewhere.

    `asked` is the profile as it was named. A page that cannot be written is said on stderr: it changes no verdict.
    """
    if page := environ.get("GITHUB_STEP_SUMMARY"):
        full = markdown.render(summary, folder=str(folder), artifacts=_artifacts(environ))
        try:
            append(Path(page), full, markdown.brief(summary))
        except OSError as error:
            sys.stderr.write(f"surgectl: the step's summary could not be written: {one_line(str(error))}\n")
    if environ.get("GITHUB_ACTIONS") == "true":
        stream = sys.stderr if as_json else sys.stdout
        stream.write(commands(summary, file=_in_repository(asked, environ)))
        stream.flush()


def append(page: Path, *texts: str) -> None:
    """Add the first of the texts for which there is room below GitHub's limit; past it GitHub shows nothing at all."""
    before = page.read_bytes() if page.exists() else b""
    gap = "" if not before or before.endswith(b"\n\n") else "\n" if before.endswith(b"\n") else "\n\n"
    for text in texts:
        data = (gap + text).encode()
        if len(before) + len(data) <= markdown.MOST_BYTES:
            with page.open("ab") as file:
                file.write(data)
            return
    raise OSError(f"{page.name} is full: GitHub shows {markdown.MOST_BYTES:,} bytes of a step")


def _artifacts(environ: Mapping[str, str]) -> str:
    """Where this run's artefacts are listed."""
    parts = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    url = "{}/{}/actions/runs/{}#artifacts".format(*parts)
    return url if re.fullmatch(r"https?://[\w.:/-]+#artifacts", url) and all(parts) else ""


def _in_repository(asked: str, environ: Mapping[str, str]) -> str:
    """The profile's path from the repository's root; empty where it is not a file of it (one that we ship, by name)."""
    path = Path(asked)
    root = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    if not path.is_file() or not path.resolve().is_relative_to(root):
        return ""
    return path.resolve().relative_to(root).as_posix()

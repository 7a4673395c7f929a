"""`::error` and `::warning` lines, which GitHub shows at the top of a run: what failed, and what nobody can say.

GitHub's "Workflow commands for GitHub Actions"; escaping as in actions/toolkit, packages/core/src/command.ts. A step
shows ten errors and ten warnings and drops the rest in silence, so the last of each says how many there were.
"""

from __future__ import annotations

from collections.abc import Sequence

from surgectl.report.judged import Line, judged, told
from surgectl.report.summary import Summary
from surgectl.text import cut, one_line

MOST = 10
"""Of each kind that GitHub shows for a step."""

_MOST_OF_ONE = 2_000


def render(summary: Summary, *, file: str = "") -> str:
    """One command a line, the last with its line break; nothing at all for a run that passed.

    `file`: the profile's path within the repository; GitHub pins the lines to it.
    """
    lines, file = judged(summary), one_line(file)
    said = [
        *_commands("error", [line for line in lines if line.verdict == "fail"], file),
        *_commands("warning", [line for line in lines if line.verdict == "unknown"], file),
    ]
    if not said and summary.verdict != "pass":  # a run that was cut short, or that we failed ourselves
        level = "error" if summary.verdict == "fail" else "warning"
        said = [command(level, one_line(summary.headline), file=file, title=f"exit {summary.exit_code}")]
    return "".join(f"{line}\n" for line in said)


def command(level: str, message: str, **properties: str) -> str:
    """A workflow command. Empty properties are left out."""
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' if named else ''}{named}::{_data(message)}"


def _commands(level: str, lines: Sequence[Line], file: str) -> list[str]:
    shown = lines if len(lines) <= MOST else lines[: MOST - 1]
    said = [
        command(level, cut("\n".join(told(line)), _MOST_OF_ONE), file=file, title=one_line(line.name, 200))
        for line in shown
    ]
    if len(lines) > len(shown):
        rest = ", ".join(one_line(line.name, 80) for line in lines[len(shown) :])
        said.append(command(level, cut(rest, _MOST_OF_ONE), file=file, title=f"and {len(lines) - len(shown)} more"))
    return said


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

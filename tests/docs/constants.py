"""The constants of the box office as a table: said once, in its Options. `python -m tests.docs.constants` writes it."""

from __future__ import annotations

import re

from surgectl.stage.boxoffice.options import Options
from surgectl.stage.flags import Flag, flags
from tests.docs.pages import ROOT

STAGE = ROOT / "docs" / "stage.md"
_BETWEEN = re.compile(r"(<!-- constants -->\n).*?(<!-- /constants -->)", re.DOTALL)


def constants() -> str:
    """One row for each flag that has a default or needs none: option, default, what it says of itself."""
    rows = ["| option | default | |", "|---|---|---|"]
    for flag in flags(Options).values():
        if not flag.hidden:
            rows.append(f"| `{flag.option}` | {_default(flag)} | {flag.help} |")
    return "\n".join(rows) + "\n"


def _default(flag: Flag) -> str:
    if flag.required:
        return "needed"
    if flag.kind == "switch":
        return "on" if flag.default else "off"
    return f"`{flag.default}`" if flag.default not in (None, "") else ""


def with_constants(page: str) -> str:
    """The page with its table as it should be."""
    assert _BETWEEN.search(page), "docs/stage.md has lost its <!-- constants --> marks"
    return _BETWEEN.sub(lambda found: found[1] + constants() + found[2], page)


if __name__ == "__main__":
    STAGE.write_text(with_constants(STAGE.read_text("utf-8")), "utf-8")

"""The defects of the box office as a table: said where each is built. `python -m tests.docs.defects` writes it."""

from __future__ import annotations

import importlib
import re

from surgectl.selftest.offences import OFFENCES
from surgectl.stage.boxoffice.defects import DEFECTS
from tests.docs.constants import STAGE

_BETWEEN = re.compile(r"(<!-- defects -->\n).*?(<!-- /defects -->)", re.DOTALL)


def defects() -> str:
    """One row for each: its name, what was done wrong, who must find it, and in which scene of the selftest."""
    offences = {offence.defect: offence for offence in OFFENCES}
    rows = ["| name | the mistake | found by | scene |", "|---|---|---|---|"]
    for name in DEFECTS:
        mistake = importlib.import_module(f"surgectl.stage.boxoffice.defects.{name.replace('-', '_')}").__doc__ or ""
        offence = offences.get(name)
        found_by = ", ".join(f"`{invariant}`" for invariant in offence.caught_by) if offence else ""
        rows.append(f"| `{name}` | {mistake.strip().rstrip('.')} | {found_by} | {offence.scene if offence else ''} |")
    return "\n".join(rows) + "\n"


def with_defects(page: str) -> str:
    """The page with its table as it should be."""
    assert _BETWEEN.search(page), "docs/stage.md has lost its <!-- defects --> marks"
    return _BETWEEN.sub(lambda found: found[1] + defects() + found[2], page)


if __name__ == "__main__":
    STAGE.write_text(with_defects(STAGE.read_text("utf-8")), "utf-8")

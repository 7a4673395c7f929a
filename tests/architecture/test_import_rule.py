"""The import rule of docs/whats-here.md: data flows one way, and each room knows only the rooms below it."""

from __future__ import annotations

import ast
from pathlib import Path

import surgectl

ROOT = Path(surgectl.__file__).parent
FOUNDATIONS = {"clock", "chance", "units", "errors", "plugins", "text", "pauses", "aside"}
BASE = FOUNDATIONS | {"recording", "thresholds", "stats"}
PLANNED = BASE | {"profile", "plan"}
SCRIPTED = PLANNED | {"journey", "fans"}

# room -> the rooms it may import (besides itself)
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(FOUNDATIONS, FOUNDATIONS),
    "recording": FOUNDATIONS,
    "thresholds": FOUNDATIONS | {"stats"},
    "stats": FOUNDATIONS,
    "profile": BASE,
    "plan": BASE | {"profile"},
    "journey": PLANNED,
    "drafting": PLANNED | {"journey"},
    "fans": PLANNED | {"journey"},
    "engine": SCRIPTED | {"live"},  # the tap alone: where rows go to be looked at
    "chaos": SCRIPTED,
    "live": SCRIPTED,
    "evidence": SCRIPTED,
    "outlets": SCRIPTED | {"live"},  # what a snapshot says, in other people's words
    "audit": BASE | {"profile"},
    "gate": BASE | {"profile", "audit"},
    "report": BASE | {"profile", "audit", "gate"},
    "doctor": SCRIPTED | {"engine", "chaos", "evidence"},
    "proxy": FOUNDATIONS,
    "stage": FOUNDATIONS,
    "selftest": FOUNDATIONS | {"profile"},  # it starts `surgectl run` and reads report.json: nothing else of ours
}
# The top of the house: they may import everything.
FREE = {"cli", "__main__", "__init__"}


def imports(path: Path) -> set[str]:
    """The rooms of surgectl that a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        if isinstance(node, ast.ImportFrom) and node.module == "surgectl":
            names = [f"surgectl.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("surgectl.")}
    return found - {"__version__"}


def breaches(files: dict[Path, set[str]]) -> list[str]:
    """Every import that the rule does not allow, as `room/file.py imports room`."""
    said = []
    for path, rooms in files.items():
        room = path.parts[0].removesuffix(".py")
        if room not in FREE:
            said += [f"{path} imports {other}" for other in sorted(rooms - MAY_IMPORT[room] - {room})]
    return said


def test_every_room_imports_only_what_it_may() -> None:
    """No file breaks the import rule, and every room stands in it."""
    files = {path.relative_to(ROOT): imports(path) for path in ROOT.rglob("*.py") if "shipped" not in path.parts}
    assert len(files) > 50
    assert breaches(files) == []


def test_the_rule_bites() -> None:
    """The check itself fails on an audit that opens the engine."""
    assert breaches({Path("audit/run.py"): {"engine", "recording"}}) == ["audit/run.py imports engine"]
    assert breaches({Path("proxy/server.py"): {"recording"}}) == ["proxy/server.py imports recording"]

"""A shop installed from npm's registry into a folder that is kept: the first time takes minutes, the next none."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def installed(
    folder: Path,
    shop: str,
    needs: Mapping[str, str],
    *,
    flags: Sequence[str] = (),
    more: Mapping[str, object] | None = None,
    then: Callable[[Path], None] | None = None,
) -> Path:
    """A folder with what the shop needs in it; nothing to do where it is whole. `more`: other members of package.json.

    `then` prepares it once. RuntimeError: no Node, or the registry is away.
    """
    if shutil.which("npm") is None:
        raise RuntimeError("npm not found (Node.js 20 or newer)")
    if not (folder / "whole").exists():
        folder.mkdir(parents=True, exist_ok=True)
        package = {"name": "shop", "private": True, **(more or {}), "dependencies": dict(needs)}
        (folder / "package.json").write_text(json.dumps(package))
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *flags]
        done(words, folder, f"{shop} could not be installed")
        if then is not None:
            then(folder)
        (folder / "whole").touch()
    return folder


def done(words: Sequence[str], folder: Path, else_: str) -> None:
    """Run a command there to its end. RuntimeError where it fails: `else_`, and the last line that it said."""
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip() or "it said nothing").splitlines()[-1]
        raise RuntimeError(f"{else_}: {said}")

"""The one line by which a part of the stage says that it is open."""

from __future__ import annotations

import sys

import msgspec

from surgectl.pauses import rare_pauses


def say_ready(part: str, **found: str) -> None:
    """Print {"ready": part, …} on stdout: whoever started the part waits for it. From here on people wait, too."""
    rare_pauses()
    sys.stdout.write(msgspec.json.encode({"ready": part, **found}).decode() + "\n")
    sys.stdout.flush()

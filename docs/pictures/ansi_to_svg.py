"""Turns what a terminal shows into a picture: `tmux capture-pane -e -p | python ansi_to_svg.py OUT.svg TITLE`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 110
"""Columns of the terminal that was captured."""


def svg(screen: str, title: str) -> str:
    """The screen as an SVG that fetches nothing: Rich's own names a font on the web, ours a font of the reader's."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    for line in screen.rstrip().split("\n"):
        console.print(Text.from_ansi(line, no_wrap=True), no_wrap=True, crop=True, overflow="crop")
    drawn = console.export_svg(title=title)
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<!--.*?-->", "", drawn)
    return drawn.replace("Fira Code", "DejaVu Sans Mono")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(svg(sys.stdin.read(), sys.argv[2]), "utf-8")

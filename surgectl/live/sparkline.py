"""Numbers as a row of little bars."""

from __future__ import annotations

from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"
PLAIN = " .:-=+*#@"


def sparkline(values: Sequence[float], width: int, *, plain: bool = False) -> str:
    """The last `width` values, scaled to the largest; nothing at all is blank, anything above nothing is visible."""
    marks = PLAIN if plain else BARS
    shown = list(values)[-width:]
    top = max(shown, default=0)
    if top <= 0:
        return " " * min(width, len(shown))
    steps = len(marks) - 1
    return "".join(marks[0] if v <= 0 else marks[max(1, round(v / top * steps))] for v in shown)

"""Numbers as rows of little bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

BARS = " ▁▂▃▄▅▆▇█"
PLAIN = " .:-=+*#@"


def sparkline(values: Sequence[float], width: int, *, plain: bool = False) -> str:
    """The last `width` values, scaled to the largest; nothing at all is blank, anything above nothing is visible."""
    return bars(values[-width:] if width > 0 else (), 1, plain=plain)[0]


def bars(values: Sequence[float], rows: int, *, plain: bool = False) -> list[str]:
    """The values as bars `rows` lines high, from the top line down, scaled to the largest."""
    marks = PLAIN if plain else BARS
    steps = len(marks) - 1
    top = max(values, default=0)
    if top <= 0:
        return [" " * len(values)] * rows
    heights = [0 if v <= 0 else max(1, round(v / top * steps * rows)) for v in values]
    return ["".join(marks[min(steps, max(0, h - row * steps))] for h in heights) for row in reversed(range(rows))]


def on_axis(
    values: Sequence[float], columns: int, span: float, fold: Callable[[Sequence[float]], float] = max
) -> list[float]:
    """One value a second, on an axis of `columns` columns that is `span` seconds long: `fold` joins what shares one.

    The answer ends where the values end: what has not happened yet takes no column.
    """
    laid: list[float] = []
    for column in range(columns):
        first = int(column * span / columns)
        if first >= len(values):
            break
        after = max(first + 1, int((column + 1) * span / columns))
        laid.append(fold(values[first:after]))
    return laid

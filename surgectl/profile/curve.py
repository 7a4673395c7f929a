"""A recorded rush: a CSV of how many people came when, to be played again.

Columns: seconds, arrivals per second; a header line is optional, `#` begins a comment.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from surgectl.profile.node import BadFile, Issue, Place

MOST_POINTS = 100_000
_LARGEST_BYTES = 8 * 1024 * 1024


class RecordedCurve(msgspec.Struct, frozen=True):
    """Points (seconds from the phase's start, rate per second), strictly later each; straight lines between them."""

    points: tuple[tuple[float, float], ...]


def read_curve(path: Path, source: str) -> RecordedCurve:
    """The curve of a CSV file, moved so that it begins at 0.

    Raises BadFile with the line that is wrong.
    """

    def bad(what: str, line: int = 0, hint: str | None = None) -> BadFile:
        return BadFile([Issue(Place(source, line), "", what, hint)])

    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise bad("is larger than 8 MiB", hint="one point a second is plenty")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise bad("no such file") from error
    except UnicodeDecodeError as error:
        raise bad("is not UTF-8 text") from error
    except OSError as error:
        raise bad(f"cannot be read: {error.strerror or error}") from error

    points: list[tuple[float, float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        row = line.partition("#")[0].strip()
        if not row:
            continue
        cells = [cell.strip() for cell in row.split(",")]
        try:
            seconds, rate = float(cells[0]), float(cells[1])
        except (ValueError, IndexError) as error:
            if not points and len(cells) >= 2 and number <= 2 and not any(c[:1].isdigit() for c in cells):
                continue  # the header
            raise bad(f'"{row[:60]}" is not two numbers', number, "seconds, arrivals per second") from error
        if not (0 <= rate < 1e9 and 0 <= seconds < 1e9):  # also false for nan
            raise bad(f'"{row[:60]}": seconds and rate must be 0 or more', number)
        if points and seconds <= points[-1][0]:
            raise bad(f"the time {seconds:g} does not come after {points[-1][0]:g}", number)
        points.append((seconds, rate))
        if len(points) > MOST_POINTS:
            raise bad(f"more than {MOST_POINTS} points", number)
    if len(points) < 2:
        raise bad("holds fewer than two points", hint="seconds, arrivals per second")
    start = points[0][0]
    return RecordedCurve(tuple((seconds - start, rate) for seconds, rate in points))

"""comparison.html: one offline page with both runs over each other, in the report's clothes and behind its walls."""

from __future__ import annotations

import base64
import gzip
import hashlib
from typing import Any

import jinja2
import msgspec
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from surgectl.report.compare import words
from surgectl.report.compare.lines import figure
from surgectl.report.compare.model import Comparison, Row
from surgectl.report.compare.side import Side
from surgectl.report.series import coarser
from surgectl.text import shown, tamed

COLOUR = {"same": "pass", "better": "pass", "worse": "fail", "can't tell": "unknown"}
_MOST_OF_A_TEXT = 600
_MOST_ROWS = 600
_EDGE = {"relative": 0.5, "points": 0.05}
"""What the ends of a row's little scale stand for."""
_COLUMNS = ("due", "resolved", "confirmed", "sent", "shed", "in_doubt", "pay_p50_ms", "pay_p95_ms")


def render(comparison: Comparison, baseline: Side, candidate: Side) -> str:
    """The page. All text passes through autoescape; its own policy lets two scripts run, by their SHA-256."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("surgectl.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals.update(
        amount=words.amount, change=words.change, interval=words.interval, colour=COLOUR, scale=_scale
    )
    library, draw = get_plotlyjs(), environment.get_template("draw.js").render()
    seconds, step = _table(baseline, candidate)
    return environment.get_template("compare.html.j2").render(
        c=tamed(comparison, lambda text: shown(text, _MOST_OF_A_TEXT)),
        seconds=seconds,
        step=step,
        columns=[name.replace("_", " ") for name in _COLUMNS],
        scripts=" ".join(f"'{_sha256(script)}'" for script in (library, draw)),
        # These three alone are not escaped: JSON that cannot end its element, base64, and our own file.
        figure=Markup(_script_json(figure(baseline, candidate))),
        library=Markup(base64.b64encode(gzip.compress(library.encode(), 9, mtime=0)).decode()),
        draw=Markup(draw),
    )


def _sha256(script: str) -> str:
    """The name by which the policy lets a script run (CSP level 3, hash-source)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in (OWASP: escape <, >, & inside script data)."""
    text = msgspec.json.encode(value).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _scale(row: Row) -> dict[str, float] | None:
    """Where a row's interval, its value and the band lie on a scale from 0 to 100; None = it has no interval."""
    if row.low is None or row.high is None or row.difference is None:
        return None
    edge = _EDGE[row.scale]

    def at(value: float) -> float:
        return round(50 + 50 * min(1.0, max(-1.0, value / edge)), 1)

    low, high = at(row.low), at(row.high)
    return {
        "low": low,
        "width": max(1.0, high - low),
        "at": at(row.difference),
        "band_low": at(-row.band),
        "band_width": at(row.band) - at(-row.band),
    }


def _table(baseline: Side, candidate: Side) -> tuple[list[tuple[int, list[tuple[Any, Any]]]], int]:
    """The charts as rows: the second, and each column's value in both runs."""
    runs = [side.summary.over_time for side in (baseline, candidate)]
    longest = max((len(over.second) for over in runs if over is not None), default=0)
    step = max(1, -(-longest // _MOST_ROWS))
    shown_runs = [None if over is None else coarser(over, step) for over in runs]
    rows = []
    for n in range(-(-longest // step)):
        cells = []
        for name in _COLUMNS:
            pair = [
                getattr(over, name)[n] if over is not None and n < len(over.second) else None for over in shown_runs
            ]
            cells.append((pair[0], pair[1]))
        rows.append((n * step, cells))
    return rows, step

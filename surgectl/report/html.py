"""The report that people open: one file, no network, readable without JavaScript, safe with whatever the shop said."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import jinja2
import msgspec
from plotly.offline import get_plotlyjs

from surgectl.report.charts import figure
from surgectl.report.summary import Summary, in_order
from surgectl.report.words import meaning

_LANES = ("fan", "shop", "provider", "link")


def render(summary: Summary) -> str:
    """report.html. Everything that came from outside passes through autoescape; data for scripts is escaped JSON."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("surgectl.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["thousands"] = lambda n: f"{n:,}"
    environment.filters["seconds"] = lambda s: "" if s is None else f"{s:.3f}"
    environment.globals["meaning"] = meaning
    return environment.get_template("report.html.j2").render(
        s=summary,
        findings=in_order(summary.invariants),
        lanes=_LANES,
        figure=_script_json(figure(summary)),
        plotly=base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode(),
        seconds=_table(summary),
        faults=summary.chaos,
    )


def _script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in (OWASP: escape <, >, & inside script data)."""
    text = msgspec.json.encode(value).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _table(summary: Summary) -> list[dict[str, Any]]:
    """The charts as rows; a run of over ten minutes is shown by every n-th second, so that the page stays small."""
    over = summary.over_time
    if over is None:
        return []
    step = max(1, len(over.second) // 600)
    names = [name for name in over.__struct_fields__]
    return [{name: getattr(over, name)[i] for name in names} for i in range(0, len(over.second), step)]

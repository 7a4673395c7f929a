"""The report that people open: one file, no network, readable without JavaScript, safe with whatever the shop said.

Two walls stand between a hostile shop and the reader: everything passes through autoescape, and the page's own
Content-Security-Policy (CSP level 3) runs exactly two scripts, named by their SHA-256.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from typing import Any

import jinja2
import msgspec
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from surgectl.report.charts import figure, shares, step_s
from surgectl.report.marks import MOST_NOTES
from surgectl.report.series import OverTime, coarser
from surgectl.report.summary import Summary, ThresholdLine, in_order
from surgectl.report.swimlane import LANE_HEIGHT, LANES, STRIP_LEFT, STRIP_WIDTH, stories
from surgectl.report.words import bearing, fair, glance, meaning
from surgectl.text import shown, tamed

MOST_ROWS = 600
"""Rows of the table under the charts; a longer run is shown in coarser steps."""
_MOST_OF_A_TEXT = 600
_MOST_STRETCHES = 20
_PERCENTILES = ("p50", "p90", "p95", "p99")


def render(summary: Summary) -> str:
    """report.html. Everything that came from outside passes through autoescape; data for scripts is escaped JSON."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("surgectl.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["thousands"] = lambda n: f"{n:,}" if isinstance(n, int) else str(n)
    environment.filters["number"] = _number
    environment.filters["seconds"] = _seconds
    environment.filters["share"] = lambda share: "unknown" if share is None else f"{100 * share:.1f} %"
    environment.globals.update(meaning=meaning, stretches=_stretches, most_notes=MOST_NOTES)
    environment.globals.update(lanes=LANES, strip_left=STRIP_LEFT, strip_width=STRIP_WIDTH, lane_height=LANE_HEIGHT)
    library = get_plotlyjs()
    draw = environment.get_template("draw.js").render()
    run = tamed(summary.run, shown)
    summary = msgspec.structs.replace(tamed(summary, lambda text: shown(text, _MOST_OF_A_TEXT)), run=run)
    findings = in_order(summary.invariants)
    over = summary.over_time
    drawn = figure(summary)
    return environment.get_template("report.html.j2").render(
        s=summary,
        findings=findings,
        glance=glance(summary),
        generator=_further(summary.generator),
        workers=_workers(summary.generator),
        stories=stories(findings, summary.chaos),
        fair=fair(findings),
        seconds=_table(over),
        charts_px=drawn["layout"].get("height", 0),
        step_names=list(over.steps_p95_ms) if over else [],
        steps=_steps(summary.metrics),
        bearing=bearing(summary.metrics),
        further=_further(summary.metrics),
        step=step_s(over, MOST_ROWS) if over else 1,
        scripts=f"'{_sha256(library)}' '{_sha256(draw)}'",
        # These three alone are not escaped: JSON that cannot end its element, base64, and our own file.
        figure=Markup(_script_json(drawn)),
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


def _number(value: Any) -> str:
    """A number as people read it; None is an unknown, not a nothing."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return str(value)


def _steps(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """What each step took, as rows: `step`, its counts, its percentiles from due and from sent; last, `confirm`."""
    steps = metrics.get("steps")
    rows = []
    for step, found in steps.items() if isinstance(steps, dict) else ():
        if isinstance(found, dict):
            row = {"step": step} | {name: found.get(name) for name in ("sends", "ok", "fail", "info")}
            for side in ("due", "sent"):
                taken = found.get(f"from_{side}_ms")
                row[side] = [taken.get(p) if isinstance(taken, dict) else None for p in _PERCENTILES]
            rows.append(row)
    confirm = metrics.get("confirm")
    if rows and isinstance(confirm, dict) and confirm.get("count"):
        counts = {"sends": confirm["count"], "ok": None, "fail": None, "info": confirm.get("unresolved")}
        due = [_at_least(confirm, name) for name in _PERCENTILES]
        rows.append({"step": "confirm"} | counts | {"due": due, "sent": [None] * len(_PERCENTILES)})
    return rows


def _at_least(durations: dict[str, Any], name: str) -> Any:
    """A percentile in milliseconds; where too many never knew, what it was at the least."""
    value, least = durations.get(f"{name}_ms"), durations.get(f"{name}_at_least_ms")
    return f"≥ {_number(least)}" if value is None and least is not None else value


def _further(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Every single number that stands in no table or chart of its own, with its path as its name."""
    found: list[tuple[str, str]] = []

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(f"{path} {key}".strip().replace("_", " "), item)
        elif not isinstance(value, list) and len(str(value)) <= 100:
            found.append((path, _number(value)))

    walk("", {key: value for key, value in metrics.items() if key not in ("funnel", "steps", "bearing", "confirm")})
    return found


def _workers(generator: dict[str, Any]) -> list[dict[str, Any]]:
    """How each worker did, where the report tells."""
    found = generator.get("by_worker")
    return [worker for worker in found if isinstance(worker, dict)] if isinstance(found, list) else []


def _seconds(value: float | None) -> str:
    """Seconds as people read them; a dash where it never came to that."""
    return "–" if value is None else f"{value:.3f} s" if value < 1 else f"{value:,.1f} s"


def _stretches(threshold: ThresholdLine) -> str:
    """When a demand was broken, in words."""
    told = [f"{from_s:.1f}–{to_s:.1f} s" for from_s, to_s in threshold.broken[:_MOST_STRETCHES]]
    more = len(threshold.broken) - len(told)
    return ", ".join(told) + (f" and {more:,} more" if more > 0 else "")


def _table(over: OverTime | None) -> list[dict[str, Any]]:
    """The charts as rows; what an older report does not tell is None."""
    if over is None:
        return []
    over = coarser(over, step_s(over, MOST_ROWS))
    length = len(over.second)
    names = [name for name in over.__struct_fields__ if name != "steps_p95_ms"]
    columns = [getattr(over, name) or [None] * length for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    fans, provider = shares(over.operation_sends, over.operations), shares(over.payment_posts, over.payments)
    for n, row in enumerate(rows):
        row["fans_amplification"] = fans[n] if fans else None
        row["provider_amplification"] = provider[n] if provider else None
        steps = [values[n] for values in over.steps_p95_ms.values()]
        row["steps"] = [None if value is None else round(value, 1) for value in steps]
        for name, value in row.items():
            if name.endswith("_ms") and value is not None:
                row[name] = round(value, 1)
    return rows

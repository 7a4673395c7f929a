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
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from surgectl.audit.finding import Example, Finding
from surgectl.report.charts import figure, step_s, window_of
from surgectl.report.series import OverTime, coarser
from surgectl.report.summary import ChaosLine, Summary, in_order
from surgectl.report.words import bearing, glance, meaning
from surgectl.text import cut, shown, tamed

LANES = ("fan", "shop", "provider", "link")
MOST_ROWS = 600
"""Rows of the table under the charts; a longer run is shown in coarser steps."""
STORIES_BYTES = 1_500_000
"""What all stories together may weigh: with the charts' library (2 MB) and the rest the page stays below 5 MB."""
_MOST_OF_A_MOMENT = 400
_MOST_OF_A_TEXT = 600
_ROUNDED_S = 0.001  # windows are told in milliseconds, moments in microseconds
_PERCENTILES = ("p50", "p90", "p95", "p99")


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a swim-lane: an instant, which lane it happened in, and whether a fault was on."""

    at: str
    since: str
    """After the row before."""
    lane: str
    text: str
    where: str
    fault: str
    """The faults that were on, by name; empty = none."""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """An example with its timeline as the page shows it."""

    example: Example
    beats: list[Beat]
    missing: int
    """Moments that are left to report.json, because the page would grow too heavy."""


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
    environment.globals.update(meaning=meaning)
    library = get_plotlyjs()
    draw = environment.get_template("draw.js").render()
    run = tamed(summary.run, shown)
    summary = msgspec.structs.replace(tamed(summary, lambda text: shown(text, _MOST_OF_A_TEXT)), run=run)
    findings = in_order(summary.invariants)
    over = summary.over_time
    return environment.get_template("report.html.j2").render(
        s=summary,
        findings=findings,
        glance=glance(summary),
        generator=_further(summary.generator),
        workers=_workers(summary.generator),
        stories=_stories(findings, summary.chaos),
        lanes=LANES,
        seconds=_table(over),
        steps=_steps(summary.metrics),
        bearing=bearing(summary.metrics),
        further=_further(summary.metrics),
        step=step_s(over, MOST_ROWS) if over else 1,
        scripts=f"'{_sha256(library)}' '{_sha256(draw)}'",
        # These three alone are not escaped: JSON that cannot end its element, base64, and our own file.
        figure=Markup(_script_json(figure(summary))),
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
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _stories(findings: list[Finding], chaos: list[ChaosLine]) -> dict[str, list[Story]]:
    """Finding → its examples, until the page has had enough: the first ones of each finding come first."""
    windows = [
        (*window_of(fault), f"{fault.brownout} on {fault.link or 'a command'}") for fault in chaos if fault.applied
    ]
    told: dict[str, list[Story]] = {finding.id: [] for finding in findings}
    left = STORIES_BYTES
    for turn in range(max((len(f.examples) for f in findings), default=0)):
        for finding in findings:
            if turn >= len(finding.examples):
                continue
            example = finding.examples[turn]
            beats = _beats(example, windows)
            weight = 500 + sum(400 + len(escape(b.text)) + len(escape(b.where)) + len(escape(b.fault)) for b in beats)
            weight += len(escape(example.what)) + sum(len(escape(k + v)) for k, v in example.keys.items())
            fits = weight <= left
            left -= weight if fits else 1_000
            if left > 0:
                missing = 0 if fits else len(beats)
                told[finding.id].append(Story(example=example, beats=beats if fits else [], missing=missing))
    return told


def _beats(example: Example, windows: list[tuple[float, float, str]]) -> list[Beat]:
    beats = []
    before: float | None = None
    for moment in example.timeline:
        at_s = moment.at_s
        on = (
            []
            if at_s is None
            else [name for begin, end, name in windows if begin - _ROUNDED_S <= at_s <= end + _ROUNDED_S]
        )
        beats.append(
            Beat(
                at="no time" if at_s is None else f"{at_s:.3f}",
                since="" if at_s is None or before is None else f"{at_s - before:+.3f}",
                lane=moment.lane,
                text=cut(moment.text, _MOST_OF_A_MOMENT),
                where=cut(moment.where, _MOST_OF_A_MOMENT),
                fault=cut(", ".join(dict.fromkeys(on)), _MOST_OF_A_MOMENT),
            )
        )
        before = before if at_s is None else at_s
    return beats


def _steps(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """What each step of the journey took, as rows: `step`, its counts, and its percentiles from due and from sent."""
    steps = metrics.get("steps")
    rows = []
    for step, found in steps.items() if isinstance(steps, dict) else ():
        if isinstance(found, dict):
            row = {"step": step} | {name: found.get(name) for name in ("sends", "ok", "fail", "info")}
            for side in ("due", "sent"):
                taken = found.get(f"from_{side}_ms")
                row[side] = [taken.get(p) if isinstance(taken, dict) else None for p in _PERCENTILES]
            rows.append(row)
    return rows


def _further(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Every single number that stands in no table or chart of its own, with its path as its name."""
    found: list[tuple[str, str]] = []

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(f"{path} {key}".strip().replace("_", " "), item)
        elif not isinstance(value, list) and len(str(value)) <= 100:
            found.append((path, _number(value)))

    walk("", {key: value for key, value in metrics.items() if key not in ("funnel", "steps", "bearing")})
    return found


def _workers(generator: dict[str, Any]) -> list[dict[str, Any]]:
    """How each worker did, where the report tells."""
    found = generator.get("by_worker")
    return [worker for worker in found if isinstance(worker, dict)] if isinstance(found, list) else []


def _table(over: OverTime | None) -> list[dict[str, Any]]:
    """The charts as rows."""
    if over is None:
        return []
    over = coarser(over, step_s(over, MOST_ROWS))
    names = over.__struct_fields__
    columns = [getattr(over, name) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

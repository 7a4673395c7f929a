"""readiness.html: one page for the go/no-go meeting, each rehearsal's own report a click away. No script at all."""

from __future__ import annotations

import jinja2

from surgectl.report.readiness.model import ReadinessReport
from surgectl.text import shown, tamed

_COLOUR = {"go": "pass", "no-go": "fail", "not shown": "unknown"}
_MOST_OF_A_TEXT = 600


def render(report: ReadinessReport) -> str:
    """The page: a few kilobytes, offline, nothing that runs (CSP `default-src 'none'`), all text escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("surgectl.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    r = tamed(report, lambda text: shown(text, _MOST_OF_A_TEXT))
    return environment.get_template("readiness.html.j2").render(r=r, colour=_COLOUR[r.decision])

"""Both runs over each other on one time axis: the baseline in grey, the new run in colour."""

from __future__ import annotations

from typing import Any

from surgectl.report.charts import MOST_POINTS, PALETTE
from surgectl.report.compare.side import Side
from surgectl.report.marks import GREY, RED
from surgectl.report.summary import ChaosLine

_NEW = "--blue"
_PANELS = (
    ("resolved", "know their fate", "per second"),
    ("confirmed", "confirmed", "per second"),
    ("sent", "attempts", "per second"),
    ("shed", "shed by the shop", "per second"),
    ("pay_p50_ms", "paying, median", "milliseconds"),
    ("pay_p95_ms", "paying, 95th percentile", "milliseconds"),
    ("open_intents", "on site", "fans"),
)
_PANEL_PX, _DRAWN = 170, 0.78


def figure(baseline: Side, candidate: Side) -> dict[str, Any]:
    """A Plotly figure as plain data; empty where neither holds seconds."""
    runs = [side.summary.over_time for side in (baseline, candidate)]
    if not any(over is not None and over.second for over in runs):
        return {"data": [], "layout": {}, "palette": PALETTE}
    end_s = max(over.second[-1] + 1 for over in runs if over is not None and over.second)
    share = 1 / (len(_PANELS) - 1 + _DRAWN)
    layout: dict[str, Any] = {
        "height": _PANEL_PX * len(_PANELS) + 90,
        "margin": {"l": 52, "r": 12, "t": 44, "b": 44},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
        "xaxis": {
            "title": {"text": "seconds since the start of each run"},
            "anchor": f"y{len(_PANELS)}",
            "range": [0, end_s],
            "ticksuffix": " s",
        },
        "shapes": [
            *(_window(fault, GREY) for fault in baseline.summary.chaos if fault.applied),
            *(_window(fault, RED) for fault in candidate.summary.chaos if fault.applied),
        ],
        "annotations": [],
    }
    data: list[dict[str, Any]] = []
    for index, (field, title, unit) in enumerate(_PANELS):
        number = "" if index == 0 else str(index + 1)
        top = 1 - index * share
        layout[f"yaxis{number}"] = {"domain": [max(0.0, top - share * _DRAWN), top], "rangemode": "tozero", "nticks": 4}
        layout["annotations"].append(
            {
                "x": 0,
                "y": top,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "text": f"<b>{title.capitalize()}</b>, {unit}",
                "font": {"size": 11},
            }
        )
        for over, name, colour in zip(runs, ("baseline", "new run"), (GREY, _NEW), strict=True):
            if over is None:
                continue
            step = -(-len(over.second) // MOST_POINTS)
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines" if unit != "milliseconds" else "lines+markers",
                    "name": name,
                    "legendgroup": name,
                    "showlegend": index == 0,
                    "x": over.second[::step],
                    "y": _coarse(getattr(over, field), step, mean=unit == "per second"),
                    "yaxis": f"y{number}",
                    "line": {
                        "color": colour,
                        "width": 1.8,
                        "dash": "solid" if name == "new run" else "dot",  # colour alone is not enough for everybody
                        "shape": "hv" if unit == "per second" else "linear",
                    },
                    "marker": {"size": 3},
                    "connectgaps": False,
                }
            )
    return {"data": data, "layout": layout, "palette": PALETTE}


def _coarse(values: list[Any], step: int, *, mean: bool) -> list[Any]:
    if step <= 1:
        return values
    found: list[Any] = []
    for at in range(0, len(values), step):
        part = [value for value in values[at : at + step] if value is not None]
        found.append(None if not part else round(sum(part) / len(part), 3) if mean else max(part))
    return found


def _window(fault: ChaosLine, colour: str) -> dict[str, Any]:
    begin = fault.planned_from_s if fault.applied_at_s is None else fault.applied_at_s
    end = fault.planned_to_s if fault.healed_at_s is None else fault.healed_at_s
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": begin,
        "x1": max(begin, end),
        "y0": 0,
        "y1": 1,
        "fillcolor": colour,
        "opacity": 0.12,
        "line": {"width": 0},
        "layer": "below",
    }

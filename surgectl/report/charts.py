"""The run over time: five charts on one time axis, with phases and fault windows drawn through all of them."""

from __future__ import annotations

from typing import Any

from surgectl.report.summary import Summary

_PANELS: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "goodput",
        "fans / s",
        (("arrived", "arrived", "#4c78a8"), ("resolved", "settled", "#54a24b"), ("confirmed", "confirmed", "#1b7f3b")),
    ),
    (
        "requests",
        "requests / s",
        (
            ("sent", "attempts", "#4c78a8"),
            ("polls", "polls", "#9ecae9"),
            ("shed", "shed", "#f58518"),
            ("in_doubt", "in doubt", "#e45756"),
        ),
    ),
    ("payment", "ms from due", (("pay_p50_ms", "pay p50", "#b279a2"), ("pay_p95_ms", "pay p95", "#7b4173"))),
    ("on site", "fans", (("open_intents", "on site", "#72b7b2"),)),
    ("generator", "ms late", (("lag_ms", "our lateness", "#9d755d"),)),
)


def figure(summary: Summary) -> dict[str, Any]:
    """A Plotly figure (plotly.com/javascript/reference) as plain data; empty where nothing was recorded."""
    over = summary.over_time
    if over is None:
        return {"data": [], "layout": {}}
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "height": 900,
        "margin": {"l": 60, "r": 10, "t": 30, "b": 40},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.04},
        "xaxis": {
            "title": {"text": "seconds since the start"},
            "anchor": f"y{len(_PANELS)}",
            "range": [0, over.second[-1] + 1],
        },
        "shapes": [],
        "annotations": [],
    }
    share = 1 / len(_PANELS)
    for index, (name, unit, lines) in enumerate(_PANELS):
        axis = "y" if index == 0 else f"y{index + 1}"
        top = 1 - index * share
        layout["yaxis" if index == 0 else f"yaxis{index + 1}"] = {
            "domain": [top - share * 0.82, top],
            "title": {"text": f"{name}<br>{unit}", "font": {"size": 11}},
            "rangemode": "tozero",
        }
        for field, label, colour in lines:
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": label,
                    "x": over.second,
                    "y": getattr(over, field),
                    "yaxis": axis,
                    "line": {"color": colour, "width": 1.6, "shape": "hvh" if unit.endswith("/ s") else "linear"},
                    "connectgaps": False,
                }
            )
    for fault in summary.chaos:
        begin = fault.planned_from_s if fault.applied_at_s is None else fault.applied_at_s
        end = fault.planned_to_s if fault.healed_at_s is None else fault.healed_at_s
        layout["shapes"].append(_band(begin, end, "#e45756", 0.14))
        layout["annotations"].append(_label(begin, f"{fault.brownout} on {fault.link}", "#e45756"))
    for phase in summary.run.phases:
        layout["shapes"].append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": phase["from_s"],
                "x1": phase["from_s"],
                "y0": 0,
                "y1": 1,
                "line": {"color": "#888", "width": 1, "dash": "dot"},
            }
        )
        layout["annotations"].append({**_label(phase["from_s"], phase["name"], "#888"), "y": 0, "yanchor": "bottom"})
    return {"data": data, "layout": layout}


def _band(begin: float, end: float, colour: str, opacity: float) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": begin,
        "x1": end,
        "y0": 0,
        "y1": 1,
        "fillcolor": colour,
        "opacity": opacity,
        "line": {"width": 0},
        "layer": "below",
    }


def _label(at: float, text: str, colour: str) -> dict[str, Any]:
    return {
        "x": at,
        "y": 1,
        "xref": "x",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "text": text.replace("<", "&lt;"),
        "font": {"size": 10, "color": colour},
    }

"""The run over time: five charts on one time axis, with phases and fault windows drawn through all of them."""

from __future__ import annotations

from typing import Any

from surgectl.report.series import OverTime, coarser
from surgectl.report.summary import ChaosLine, Summary

MOST_POINTS = 1_200
"""Points of one line; a longer run is drawn in coarser steps, so that the page stays small."""

# Colours keep apart for the colour-blind (after Okabe and Ito, 2008) and stand on white and on near-black.
_BLUE, _SKY, _GREEN, _ORANGE, _RED, _PURPLE, _GREY = (
    "#3b82d6",
    "#7db7e8",
    "#18a06c",
    "#e08a1e",
    "#e0534f",
    "#b06fd0",
    "#8b929a",
)
_PER_S, _MS, _FANS = "per second", "milliseconds", "fans"
_PANELS: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Fans",
        _PER_S,
        (("arrived", "arrived", _BLUE), ("resolved", "know their fate", _GREY), ("confirmed", "confirmed", _GREEN)),
    ),
    (
        "Requests",
        _PER_S,
        (
            ("sent", "attempts", _BLUE),
            ("polls", "polls", _SKY),
            ("shed", "shed by the shop", _ORANGE),
            ("in_doubt", "no definite reply", _RED),
        ),
    ),
    ("Paying, from when it was due", _MS, (("pay_p50_ms", "median", _PURPLE), ("pay_p95_ms", "95th percentile", _RED))),
    ("On site", _FANS, (("open_intents", "fans on site", _BLUE),)),
    ("The load generator", _MS, (("lag_ms", "our own lateness", _ORANGE),)),
)
_PANEL_PX, _LABEL_ROW_PX = 190, 15
_DRAWN = 0.8
"""Share of a panel's height that is drawn in; the rest is for its heading."""
_DRAWN_PX, _LETTER_PX = 1_000, 6.2  # how wide the page usually draws, to keep labels off each other


def figure(summary: Summary) -> dict[str, Any]:
    """A Plotly figure (plotly.com/javascript/reference) as plain data; empty where nothing was recorded."""
    over = summary.over_time
    if over is None or not over.second:
        return {"data": [], "layout": {}}
    step = step_s(over, MOST_POINTS)
    end_s = over.second[-1] + 1
    over = coarser(over, step)
    played = [fault for fault in summary.chaos if not fault.left_out]
    labels, rows = _fault_labels(played, end_s)
    layout: dict[str, Any] = {
        "height": _PANEL_PX * len(_PANELS) + _LABEL_ROW_PX * (rows + 1) + 60,
        "margin": {"l": 52, "r": 12, "t": 28 + _LABEL_ROW_PX * (rows + 1), "b": 44},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "showlegend": True,
        "xaxis": {
            "title": {"text": "seconds since the start"},
            "anchor": f"y{len(_PANELS)}",
            "range": [0, end_s],
            "hoverformat": ".0f",
            "ticksuffix": " s",
        },
        "shapes": [_window(fault) for fault in played],
        "annotations": labels,
    }
    data: list[dict[str, Any]] = []
    share = 1 / (len(_PANELS) - 1 + _DRAWN)  # the last one ends where the time axis is
    for index, panel in enumerate(_PANELS):
        data += _panel(layout, over, step, index, panel, top=1 - index * share, share=share)
    for phase in summary.run.phases:
        layout["shapes"].append(_line(phase["from_s"]))
        layout["annotations"].append(
            _label(phase["from_s"], _plain(str(phase["name"])), "#8b929a", shift=_LABEL_ROW_PX * rows + 20)
        )
    return {"data": data, "layout": layout}


def step_s(over: OverTime, most: int) -> int:
    """Seconds in one step, so that there are `most` steps at most."""
    return -(-len(over.second) // most)


def _panel(
    layout: dict[str, Any],
    over: OverTime,
    step: int,
    index: int,
    panel: tuple[str, str, tuple[tuple[str, str, str], ...]],
    *,
    top: float,
    share: float,
) -> list[dict[str, Any]]:
    """The lines of one chart; its axis, title and legend go into the layout."""
    title, unit, lines = panel
    number = "" if index == 0 else str(index + 1)
    layout[f"yaxis{number}"] = {"domain": [max(0.0, top - share * _DRAWN), top], "rangemode": "tozero", "nticks": 5}
    layout[f"legend{number}"] = {
        "orientation": "h",
        "x": 1,
        "xanchor": "right",
        "y": top + 0.002,
        "yanchor": "bottom",
        "bgcolor": "rgba(0,0,0,0)",
    }
    heading = _label(0, f"<b>{title}</b>, {unit}", "", shift=1)
    del heading["font"]["color"]
    layout["annotations"].append({**heading, "xref": "paper", "y": top})
    steps = unit == _PER_S
    drawn = []
    for field, name, colour in lines:
        values = getattr(over, field)
        if steps and step > 1:
            values = [round(v / step, 3) for v in values]
        drawn.append(
            {
                "type": "scatter",
                "mode": "lines" if unit != _MS else "lines+markers",  # a second alone between silent ones is a dot
                "name": name,
                "x": over.second,
                "y": values,
                "yaxis": f"y{number}",
                "legend": f"legend{number}",
                # A second's count belongs to the whole second that begins there: a stair, not a slope.
                "line": {"color": colour, "width": 1.6, "shape": "hv" if steps else "linear"},
                "marker": {"size": 3},
                "connectgaps": False,
            }
        )
    return drawn


def window_of(fault: ChaosLine) -> tuple[float, float]:
    """When a fault was really on, in seconds; what was planned where that is not known."""
    begin = fault.planned_from_s if fault.applied_at_s is None else fault.applied_at_s
    end = fault.planned_to_s if fault.healed_at_s is None else fault.healed_at_s
    return begin, max(begin, end)


def _window(fault: ChaosLine) -> dict[str, Any]:
    begin, end = window_of(fault)
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": begin,
        "x1": end,
        "y0": 0,
        "y1": 1,
        "fillcolor": _RED,
        # One that was planned and never came is outlined, not filled.
        "opacity": 0.16 if fault.applied else 0.5,
        "line": {"width": 0} if fault.applied else {"width": 1, "dash": "dot", "color": _RED},
        "layer": "below",
    } | ({} if fault.applied else {"fillcolor": "rgba(0,0,0,0)"})


def _line(at_s: float) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": at_s,
        "x1": at_s,
        "y0": 0,
        "y1": 1,
        "line": {"color": "#8b929a", "width": 1, "dash": "dot"},
        "layer": "below",
    }


def _fault_labels(chaos: list[ChaosLine], end_s: float) -> tuple[list[dict[str, Any]], int]:
    """A name over each fault's window, in as many rows as keep them apart (five at most), and how many those are."""
    labels: list[dict[str, Any]] = []
    free_from_px: list[float] = []
    for fault in sorted(chaos, key=lambda f: window_of(f)[0]):
        begin, _ = window_of(fault)
        text = f"{fault.brownout} on {fault.link or 'a command'}" + ("" if fault.applied else " (never applied)")
        at_px = begin / max(end_s, 1) * _DRAWN_PX
        row = next((i for i, free in enumerate(free_from_px) if free <= at_px), len(free_from_px))
        row = min(row, 4)
        if row == len(free_from_px):
            free_from_px.append(0)
        free_from_px[row] = at_px + len(text) * _LETTER_PX
        labels.append(_label(begin, _plain(text), _RED, shift=20 + _LABEL_ROW_PX * row))
    return labels, len(free_from_px)


def _label(at_s: float, text: str, colour: str, *, shift: float) -> dict[str, Any]:
    return {
        "x": at_s,
        "y": 1,
        "yshift": shift,
        "xref": "x",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "text": text,
        "font": {"size": 11, "color": colour},
    }


def _plain(text: str) -> str:
    """Text in which Plotly finds none of its tags."""
    return text[:80].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

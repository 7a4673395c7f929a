"""The run over time: charts on one time axis, with phases, faults and all that was done drawn through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from surgectl.report.marks import GREY, LABEL_ROW_PX, MOST_STRETCHES, ORANGE, PURPLE, broken, label, marks, plain
from surgectl.report.series import OverTime, coarser
from surgectl.report.summary import Summary

MOST_POINTS = 1_200
"""Points of one line; a longer run is drawn in coarser steps, so that the page stays small."""

PALETTE: dict[str, dict[str, str]] = {
    "light": {
        "paper": "#ffffff",
        "ink": "#1c2024",
        "rule": "#d9dde1",
        "blue": "#2f6fbd",
        "teal": "#0b8494",
        "green": "#15803d",
        "orange": "#b35c00",
        "red": "#c0242c",
        "purple": "#8b4bb3",
        "grey": "#5c646c",
        "brown": "#7a5230",
    },
    "dark": {
        "paper": "#14171a",
        "ink": "#e6e8ea",
        "rule": "#343a40",
        "blue": "#79b8ff",
        "teal": "#56c7d6",
        "green": "#56d364",
        "orange": "#f0a04b",
        "red": "#ff7b72",
        "purple": "#d2a8ff",
        "grey": "#a0a8b0",
        "brown": "#c9a27a",
    },
}
"""Name → colour, on white and on near-black: told apart by the colour-blind (after Okabe and Ito, 2008), and at least
3:1 against the paper (WCAG 2.2, 1.4.11); draw.js puts them in the place of `--name`."""
_BLUE, _TEAL, _GREEN, _RED, _BROWN = "--blue", "--teal", "--green", "--red", "--brown"
_TURNS = (_BLUE, _GREEN, ORANGE, PURPLE, _RED, _TEAL, GREY, _BROWN)
_PER_S, _MS, _FANS, _TIMES, _CORE = "per second", "milliseconds", "fans", "times", "% of its core"
_PANEL_PX = 176
_DRAWN = 0.8
"""Share of a panel's height that is drawn in; the rest is for its heading."""

Values = Sequence[float | None]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a chart."""

    name: str
    colour: str
    y: Values
    dash: str = "solid"


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One chart."""

    title: str
    unit: str
    curves: list[Curve]


def panels(over: OverTime, step: int) -> list[Panel]:
    """The charts of a run, each with what there is to draw; `step`: seconds that each value stands for."""

    def curve(name: str, colour: str, values: Values, dash: str = "solid") -> Curve:
        return Curve(name=name, colour=colour, y=values, dash=dash)

    def rate(name: str, colour: str, counts: Sequence[int], dash: str = "solid") -> Curve:
        return curve(name, colour, [round(n / step, 3) for n in counts] if step > 1 else counts, dash)

    found = [
        Panel(
            title="Goodput against offered load",
            unit=_PER_S,
            curves=[
                rate("due", GREY, over.due, "dot"),
                rate("arrived", _BLUE, over.arrived),
                rate("know their fate", PURPLE, over.resolved),
                rate("confirmed", _GREEN, over.confirmed),
            ],
        ),
        Panel(
            title="Requests",
            unit=_PER_S,
            curves=[
                rate("attempts", _BLUE, over.sent),
                rate("polls", _TEAL, over.polls),
                rate("shed by the shop", ORANGE, over.shed),
                rate("no definite reply", _RED, over.in_doubt),
            ],
        ),
        Panel(
            title="Paying",
            unit=_MS,
            curves=[
                curve("p50 from due", _BLUE, over.pay_p50_ms),
                curve("p95", PURPLE, over.pay_p95_ms),
                curve("p99", _RED, over.pay_p99_ms),
                curve("p50 from sent", _BLUE, over.pay_sent_p50_ms, "dot"),
                curve("p95", PURPLE, over.pay_sent_p95_ms, "dot"),
                curve("p99", _RED, over.pay_sent_p99_ms, "dot"),
            ],
        ),
        Panel(
            title="Each step, p95 from due",
            unit=_MS,
            curves=[
                curve(plain(step_name), colour, values)
                for (step_name, values), colour in zip(over.steps_p95_ms.items(), _TURNS, strict=False)
            ],
        ),
        Panel(
            title="Amplification",
            unit=_TIMES,
            curves=[
                curve("attempts an operation (fans)", _BLUE, shares(over.operation_sends, over.operations)),
                curve("POSTs a payment (provider)", _RED, shares(over.payment_posts, over.payments)),
            ],
        ),
        Panel(title="On site", unit=_FANS, curves=[curve("fans on site", _BLUE, over.open_intents)]),
        Panel(title="The load generator", unit=_MS, curves=[curve("our own lateness", ORANGE, over.lag_ms)]),
        Panel(
            title="Its busiest worker",
            unit=_CORE,
            curves=[curve("busy", ORANGE, [None if v is None else round(100 * v, 1) for v in over.cpu])],
        ),
    ]
    told = [msgspec.structs.replace(p, curves=[c for c in p.curves if any(v is not None for v in c.y)]) for p in found]
    return [panel for panel in told if panel.curves]


def figure(summary: Summary) -> dict[str, Any]:
    """A Plotly figure (plotly.com/javascript/reference) as plain data; empty where nothing was recorded."""
    over = summary.over_time
    if over is None or not over.second:
        return {"data": [], "layout": {}, "palette": PALETTE}
    step = step_s(over, MOST_POINTS)
    end_s = over.second[-1] + 1
    over = coarser(over, step)
    drawn = panels(over, step)
    broke = broken(summary.thresholds)
    count = len(drawn) + bool(broke)
    share = 1 / (count - 1 + _DRAWN)  # the last one ends where the time axis is
    tops = [1 - index * share for index in range(count)]
    feet = [max(0.0, top - share * _DRAWN) for top in tops]
    shapes, labels, rows = marks(summary, end_s, feet[: len(drawn)])
    layout: dict[str, Any] = {
        "height": _PANEL_PX * count + LABEL_ROW_PX * (rows + 1) + 64,
        "margin": {"l": 52, "r": 12, "t": 32 + LABEL_ROW_PX * (rows + 1), "b": 44},
        "hovermode": "x unified",
        "hoversubplots": "single",
        "hoverlabel": {"namelength": -1},
        "showlegend": True,
        "xaxis": {
            "title": {"text": "seconds since the start"},
            "anchor": f"y{count}" if count > 1 else "y",
            "range": [0, end_s],
            "hoverformat": ".0f",
            "ticksuffix": " s",
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": GREY,
        },
        "shapes": shapes,
        "annotations": labels,
    }
    data: list[dict[str, Any]] = []
    for index, panel in enumerate(drawn):
        data += _drawn(layout, over.second, index, panel, top=tops[index], foot=feet[index])
    if broke:
        data += _demands(layout, summary, count - 1, top=tops[-1], foot=feet[-1])
    return {"data": data, "layout": layout, "palette": PALETTE}


def shares(of: Sequence[int], those: Sequence[int]) -> list[float | None]:
    """One by the other, second by second; None where there was nothing to divide by."""
    return [round(n / m, 3) if m else None for n, m in zip(of, those, strict=True)]


def step_s(over: OverTime, most: int) -> int:
    """Seconds in one step, so that there are `most` steps at most."""
    return -(-len(over.second) // most)


def _axis(layout: dict[str, Any], index: int, heading: str, top: float, foot: float) -> str:
    """The y axis of one chart, its legend and its heading; returns the axis' number as Plotly writes it."""
    number = "" if index == 0 else str(index + 1)
    layout[f"yaxis{number}"] = {"domain": [foot, top], "rangemode": "tozero", "nticks": 5}
    layout[f"legend{number}"] = {
        "orientation": "h",
        "x": 1,
        "xanchor": "right",
        "y": top + 0.002,
        "yanchor": "bottom",
        "bgcolor": "rgba(0,0,0,0)",
    }
    layout["annotations"].append({**label(0, heading, "--ink", shift=1), "xref": "paper", "y": top})
    return number


def _drawn(
    layout: dict[str, Any], seconds: list[int], index: int, panel: Panel, *, top: float, foot: float
) -> list[dict[str, Any]]:
    """The lines of one chart; its axis, title and legend go into the layout."""
    number = _axis(layout, index, f"<b>{panel.title}</b>, {panel.unit}", top, foot)
    if panel.unit == _CORE:
        layout[f"yaxis{number}"]["range"] = [0, 100]
    stairs = panel.unit == _PER_S
    return [
        {
            "type": "scatter",
            # A second alone between silent ones is a dot.
            "mode": "lines" if stairs or panel.unit == _FANS else "lines+markers",
            "name": curve.name,
            "x": seconds,
            "y": curve.y,
            "yaxis": f"y{number}",
            "legend": f"legend{number}",
            # A second's count belongs to the whole second that begins there: a stair, not a slope.
            "line": {
                "color": curve.colour,
                "width": 1.6,
                "shape": "hv" if stairs else "linear",
                "dash": curve.dash,
            },
            "marker": {"size": 3},
            "connectgaps": False,
        }
        for curve in panel.curves
    ]


def _demands(layout: dict[str, Any], summary: Summary, index: int, *, top: float, foot: float) -> list[dict[str, Any]]:
    """When each demand was broken: one bar a stretch."""
    number = _axis(layout, index, "<b>Demands while they were broken</b>", top, foot)
    rows = broken(summary.thresholds)
    layout[f"yaxis{number}"] |= {
        "type": "linear",
        "range": [-0.6, len(rows) - 0.4],
        "showticklabels": False,
        "showgrid": False,
        "zeroline": False,
    }
    drawn = []
    for row, threshold in enumerate(rows):
        x: list[float | None] = []
        for from_s, to_s in threshold.broken[:MOST_STRETCHES]:
            x += [from_s, max(to_s, from_s + 0.05), None]
        drawn.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plain(threshold.expression),
                "x": x,
                "y": [None if at is None else row for at in x],
                "yaxis": f"y{number}",
                "legend": f"legend{number}",
                "line": {"color": _TURNS[(row + 2) % len(_TURNS)], "width": 9},
                "connectgaps": False,
                "hovertemplate": "broken",
            }
        )
    return drawn

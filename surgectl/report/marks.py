"""What is drawn through every chart at once: phases, faults, what was done by hand, broken demands, and recovery."""

from __future__ import annotations

from typing import Any

from surgectl.report.summary import ChaosLine, Summary, ThresholdLine

Shape = dict[str, Any]
LABEL_ROW_PX = 15
_MOST_ROWS = 6
_DRAWN_PX, _LETTER_PX = 1_000, 6.2  # how wide the page usually draws, to keep labels off each other
_STRIP = 0.005
"""How high a broken demand's stripe is under the foot of each chart, as a share of all charts."""
_LABELS_PX = 24
"""Of the lowest row above the first chart: its legend needs a line of its own."""
MOST_NOTES = 200
"""Of what was done by hand, on the charts and in the table; report.json has them all."""
_APART = 1 / 300
"""Of the time axis: stretches that are closer than this to each other look like one."""
MOST_STRETCHES = 200
"""Broken stretches of one demand that are drawn; the table says how many there were."""

# Colours are named here and looked up by draw.js: one palette for light paper, one for dark (charts.PALETTE).
RED, GREY, GREEN, PURPLE, ORANGE = "--red", "--grey", "--green", "--purple", "--orange"


def window_of(fault: ChaosLine) -> tuple[float, float]:
    """When a fault was really on, in seconds; what was planned where that is not known."""
    begin = fault.planned_from_s if fault.applied_at_s is None else fault.applied_at_s
    end = fault.planned_to_s if fault.healed_at_s is None else fault.healed_at_s
    return begin, max(begin, end)


def named(fault: ChaosLine) -> str:
    """A fault over the charts: what, where, and by whom where nobody had planned it."""
    name = f"{fault.brownout} on {fault.link or 'a command'}"
    return name + (" (by hand)" if fault.by == "hand" else "") + ("" if fault.applied else " (never applied)")


def marks(summary: Summary, end_s: float, feet: list[float]) -> tuple[list[Shape], list[Shape], int]:
    """Shapes, labels, and how many rows of labels stand over the charts. `feet`: where each chart ends, below."""
    played = [fault for fault in summary.chaos if not fault.left_out]
    shapes = [_window(fault) for fault in played]
    shapes += [_paused(from_s, to_s) for from_s, to_s in pauses(summary, end_s)]
    texts = [(window_of(fault)[0], named(fault), RED) for fault in played]
    for at_s, text in mended(summary):
        shapes.append(_line(at_s, GREEN, "dash"))
        texts.append((at_s, text, GREEN))
    for number, note in enumerate(summary.notes[:MOST_NOTES], start=1):
        shapes.append(_line(note.at_s, PURPLE, "dashdot"))
        texts.append((note.at_s, f"{note.kind} {number}", PURPLE))
    shapes += [_stripe(from_s, to_s, foot) for from_s, to_s in _merged(summary.thresholds, end_s) for foot in feet]
    labels, rows = _rows(texts, end_s)
    for phase in summary.run.phases:
        shapes.append(_line(phase["from_s"], GREY, "dot"))
        labels.append(label(phase["from_s"], plain(str(phase["name"])), GREY, shift=_LABELS_PX + LABEL_ROW_PX * rows))
    return shapes, labels, rows


def pauses(summary: Summary, end_s: float) -> list[tuple[float, float]]:
    """While nobody was let in, because somebody had said so; a pause that was never ended lasts to the end."""
    found, since = [], None
    for note in summary.notes:
        if note.kind == "pause" and since is None:
            since = note.at_s
        elif note.kind == "resume" and since is not None:
            found.append((since, note.at_s))
            since = None
    return found if since is None else [*found, (since, max(since, end_s))]


def mended(summary: Summary) -> list[tuple[float, str]]:
    """When the shop was itself again after a fault, and when its backlog was gone: where that was seen."""
    bearing = summary.metrics.get("bearing")
    faults = bearing.get("faults") if isinstance(bearing, dict) else None
    found = []
    for fault in faults if isinstance(faults, list) else ():
        healed_s = fault.get("to_s") if isinstance(fault, dict) else None
        if not isinstance(healed_s, int | float):
            continue
        for key, text in (("recovery_s", "itself again"), ("drain_s", "backlog gone")):
            taken_s = fault.get(key)
            if isinstance(taken_s, int | float):
                found.append((round(healed_s + taken_s, 3), text))
    return list(dict.fromkeys(found))


def broken(thresholds: list[ThresholdLine]) -> list[ThresholdLine]:
    """The demands of which it is known when they were broken."""
    return [threshold for threshold in thresholds if threshold.broken]


def _merged(thresholds: list[ThresholdLine], end_s: float) -> list[tuple[float, float]]:
    """When any demand was broken, as few stretches as the eye can tell apart."""
    found: list[tuple[float, float]] = []
    for from_s, to_s in sorted(stretch for threshold in thresholds for stretch in threshold.broken):
        if found and from_s - found[-1][1] <= end_s * _APART:
            found[-1] = (found[-1][0], max(found[-1][1], to_s))
        else:
            found.append((from_s, to_s))
    return found


def _window(fault: ChaosLine) -> Shape:
    begin, end = window_of(fault)
    # One that was planned and never came is outlined, not filled.
    filled = {"fillcolor": RED, "opacity": 0.16, "line": {"width": 0}}
    outlined = {"fillcolor": "rgba(0,0,0,0)", "opacity": 0.5, "line": {"width": 1, "dash": "dot", "color": RED}}
    return _stretch(begin, end) | (filled if fault.applied else outlined)


def _paused(from_s: float, to_s: float) -> Shape:
    return _stretch(from_s, to_s) | {"fillcolor": GREY, "opacity": 0.18, "line": {"width": 0}}


def _stripe(from_s: float, to_s: float, foot: float) -> Shape:
    thick = {"y0": foot - _STRIP - 0.001, "y1": foot - 0.001, "fillcolor": ORANGE, "opacity": 0.9, "line": {"width": 0}}
    return _stretch(from_s, to_s) | thick


def _stretch(from_s: float, to_s: float) -> Shape:
    axes = {"type": "rect", "xref": "x", "yref": "paper", "layer": "below"}
    return axes | {"x0": from_s, "x1": to_s, "y0": 0, "y1": 1}


def _line(at_s: float, colour: str, dash: str) -> Shape:
    axes = {"type": "line", "xref": "x", "yref": "paper", "layer": "below"}
    return axes | {"x0": at_s, "x1": at_s, "y0": 0, "y1": 1, "line": {"color": colour, "width": 1, "dash": dash}}


def _rows(texts: list[tuple[float, str, str]], end_s: float) -> tuple[list[Shape], int]:
    """Every text over its instant, in as many rows as keep them apart (six at most), and how many those are."""
    labels: list[Shape] = []
    free_from_px: list[float] = []
    for at_s, text, colour in sorted(texts, key=lambda found: found[0]):
        at_px = at_s / max(end_s, 1) * _DRAWN_PX
        row = next((i for i, free in enumerate(free_from_px) if free <= at_px), len(free_from_px))
        row = min(row, _MOST_ROWS - 1)
        if row == len(free_from_px):
            free_from_px.append(0)
        free_from_px[row] = at_px + len(text) * _LETTER_PX
        labels.append(label(at_s, plain(text), colour, shift=_LABELS_PX + LABEL_ROW_PX * row))
    return labels, len(free_from_px)


def label(at_s: float, text: str, colour: str, *, shift: float) -> Shape:
    """A text over the charts."""
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


def plain(text: str) -> str:
    """Text in which Plotly finds none of its tags."""
    return text[:80].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

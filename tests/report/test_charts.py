"""The charts: what each shows, and what is drawn through all of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from surgectl.report import charts, html
from surgectl.report.marks import mended, pauses
from surgectl.report.summary import ChaosLine, Summary, TimelineNote
from tests.report.full import full
from tests.report.sample import summary


def shapes(told: Summary, kind: str) -> list[dict[str, Any]]:
    return [shape for shape in charts.figure(told)["layout"]["shapes"] if shape["type"] == kind]


def texts(told: Summary) -> set[str]:
    return {note["text"] for note in charts.figure(told)["layout"]["annotations"]}


def test_each_line_has_a_value_a_second_and_all_share_one_time_axis() -> None:
    """Goodput, requests, paying, steps, amplification, crowd and generator stand over one axis of seconds."""
    told = summary()
    figure = charts.figure(told)
    assert figure["layout"]["xaxis"]["range"] == [0, told.over_time.second[-1] + 1]
    assert {trace["yaxis"] for trace in figure["data"]} == {"y", *(f"y{n}" for n in range(2, 9))}
    assert all(len(trace["x"]) == len(trace["y"]) == len(told.over_time.second) for trace in figure["data"])
    names = [trace["name"] for trace in figure["data"]]
    for name in ("due", "confirmed", "p99", "p50 from sent", "attempts an operation (fans)", "busy"):
        assert name in names


def test_a_chart_of_which_nothing_is_known_is_left_out() -> None:
    """A report of an older version, or a shop whose provider gives no log, has fewer charts and no empty one."""
    told = summary()
    older = msgspec.structs.replace(told.over_time, cpu=[], steps_p95_ms={}, operations=[], operation_sends=[])
    drawn = charts.panels(older, 1)
    assert [panel.title for panel in drawn] == [
        "Goodput against offered load",
        "Requests",
        "Paying",
        "On site",
        "The load generator",
    ]


def test_amplification_is_told_of_those_who_began() -> None:
    """Attempts by operations, POSTs by payments; a second in which nothing began says nothing."""
    assert charts.shares([6, 0, 3], [2, 0, 3]) == [3.0, None, 1.0]


def test_phases_and_faults_go_through_all_charts() -> None:
    """The fault's real window is filled, each phase has its line, and both have their names above."""
    told = summary()
    assert [(r["x0"], r["x1"], r["yref"]) for r in shapes(told, "rect")] == [(9.02, 21.03, "paper")]
    assert [line["x0"] for line in shapes(told, "line")] == [0, 5, 35]
    assert {"lost-reply on payments", "doors", "on-sale", "tail"} <= texts(told)


def test_a_fault_that_was_never_applied_is_outlined() -> None:
    """What was only planned is not filled, and shades no story."""
    told = summary()
    never = msgspec.structs.replace(told.chaos[0], applied=False, applied_at_s=None, healed_at_s=None)
    told = msgspec.structs.replace(told, chaos=[never])
    (window,) = shapes(told, "rect")
    assert window["fillcolor"] == "rgba(0,0,0,0)" and window["line"]["width"] == 1
    assert 'class="hot"' not in html.render(told)


def test_what_was_done_by_hand_is_marked_with_its_number() -> None:
    """Each note has a line and a number that the table explains; a fault by hand says so; a pause is shaded."""
    told = full()
    assert {"note 1", "inject 2", "pause 4", "slow on identity (by hand)"} <= texts(told)
    assert {30.2, 41.0, 52.5, 60.0, 66.0} <= {line["x0"] for line in shapes(told, "line")}
    assert (60.0, 66.0) in {(r["x0"], r["x1"]) for r in shapes(told, "rect")}


def test_a_pause_that_was_never_ended_lasts_to_the_end() -> None:
    """Whoever paused and stopped the run let nobody in any more."""
    note = TimelineNote(at_s=70.0, kind="pause", text="")
    assert pauses(msgspec.structs.replace(summary(), notes=[note]), 95.0) == [(70.0, 95.0)]


def test_where_the_shop_was_itself_again_is_marked() -> None:
    """Recovery and drain stand where they were reached; one that never came, or has no time, stands nowhere."""
    assert mended(full()) == [(28.23, "itself again"), (33.53, "backlog gone")]
    assert mended(summary()) == []  # an older report does not say when the fault ended


def test_a_broken_demand_is_drawn_when_it_was_broken() -> None:
    """A stripe under every chart for each stretch, and a chart of its own that names the demand."""
    told = full()
    stripes = [r for r in shapes(told, "rect") if r["fillcolor"] == "--orange"]
    assert {(r["x0"], r["x1"]) for r in stripes} == {(10.0, 16.0), (19.0, 22.0)} and len(stripes) == 2 * 8
    bar = charts.figure(told)["data"][-1]
    assert bar["name"] == "p95(pay) &lt; 2s for 5s" and bar["x"] == [10.0, 16.0, None, 19.0, 22.0, None]
    page = html.render(told)
    assert "10.0–16.0 s, 19.0–22.0 s" in page and "stops the run" in page


def test_labels_that_begin_together_stand_in_rows_of_their_own() -> None:
    """Faults that begin together are named above one another."""
    faults = [
        ChaosLine(
            link=f"link-{i}",
            brownout="slow",
            planned_from_s=10,
            planned_to_s=20,
            applied=True,
            verified=True,
            healed=True,
        )
        for i in range(3)
    ]
    notes = charts.figure(msgspec.structs.replace(summary(), chaos=faults))["layout"]["annotations"]
    assert len({note["yshift"] for note in notes if "slow on" in note["text"]}) == 3


@pytest.mark.parametrize("paper", ["light", "dark"])
def test_every_colour_that_a_figure_names_is_in_the_palette(paper: str) -> None:
    """What draw.js cannot look up would be drawn black."""
    text = msgspec.json.encode(charts.figure(full())).decode()
    named = {part.split('"')[0] for part in text.split('"--')[1:]}
    assert named and named <= charts.PALETTE[paper].keys()

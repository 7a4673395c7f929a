"""An example as a swim-lane: a table that reads aloud, arrows where the rows tell, and a strip to the scale of time."""

from __future__ import annotations

import re

import msgspec

from surgectl.audit.finding import Example, Moment
from surgectl.audit.story import COARSE
from surgectl.report import html
from surgectl.report.swimlane import LANES, STRIP_LEFT, STRIP_WIDTH, stories
from tests.report.full import full
from tests.report.sample import summary


def told(*moments: Moment):
    guilty = msgspec.structs.replace(summary().invariants[0], examples=[Example(what="x", timeline=list(moments))])
    return stories([guilty], summary().chaos)[guilty.id][0]


def moment(at_s: float | None, lane: str = "fan", text: str = "did", arrow: str = "") -> Moment:
    return Moment(at_s=at_s, lane=lane, text=text, arrow=arrow)


def test_a_story_has_a_lane_for_each_ledger_and_the_fault_is_shaded() -> None:
    """Each moment stands in its own lane; the rows inside the fault's window, and no others, are shaded."""
    page = html.render(summary())
    rows = re.findall(r'<tr class="g\d( hot)?"[^>]*><th scope="row" class="t">([\d.]+|no time)</th>.*?</tr>', page)
    first = rows[:16]
    shaded = [at for hot, at in first if hot]
    assert len(first) == 16 and shaded[0] == "9.020" and shaded[-1] == "21.030"
    assert "8.405" not in shaded and "no time" not in shaded
    assert set(re.findall(r'here(?: moves)?" data-lane="(\w+)"', page)[:16]) == set(LANES)


def test_the_link_lies_between_shop_and_provider() -> None:
    """A payment goes from the fan to the shop, over the link, to the provider: the lanes stand in that order."""
    page = html.render(summary())
    assert re.findall(r'<th scope="col" class="lane \w+">(\w+)</th>', page)[:4] == ["fan", "shop", "link", "provider"]


def test_arrows_go_where_the_rows_tell() -> None:
    """A send goes to the shop, a reply comes from it, and one that never came is broken."""
    story = told(
        moment(1.0, text="sends pay", arrow="to shop"),
        moment(1.1, "provider", "receives POST", "from shop"),
        moment(4.0, text="pay: info (timeout)", arrow="nothing from shop"),
        moment(5.0, text="leaves"),
    )
    assert [(beat.lane, beat.way) for beat in story.beats] == [
        ("fan", "to"),
        ("provider", "from"),
        ("fan", "none"),
        ("fan", ""),
    ]
    assert story.strip.waits == [(story.strip.points[0][0], story.strip.points[2][0])]
    assert [way for _, _, way in story.strip.ways] == ["to", "from", "none"]


def test_two_clicks_wait_each_for_its_own_reply() -> None:
    """Of two sends that are out at once the first reply ends the first wait."""
    ways = ((1.0, "to shop"), (2.0, "to shop"), (3.0, "from shop"), (4.0, "from shop"))
    strip = told(*(moment(at_s, arrow=arrow) for at_s, arrow in ways)).strip
    x = [at for at, _, _ in strip.points]
    assert strip.waits == [(x[0], x[2]), (x[1], x[3])]


def test_longer_pauses_are_drawn_wider() -> None:
    """Below a twentieth of a second there is no gap, beyond five seconds the widest."""
    beats = told(*(moment(at_s) for at_s in (0.0, 0.01, 0.2, 1.2, 9.0))).beats
    assert [beat.gap for beat in beats] == [0, 0, 1, 2, 3]
    assert [beat.since for beat in beats] == ["", "+0.010", "+0.190", "+1.000", "+7.800"]


def test_a_clock_of_whole_seconds_says_nothing_of_pauses() -> None:
    """The provider's whole second stands in its place without a difference to the row before."""
    story = told(moment(1.2), moment(1.0, "provider", "charge" + COARSE), moment(1.5))
    assert [beat.since for beat in story.beats] == ["", "", "+0.300"]
    assert [beat.at for beat in story.beats] == ["1.200", "1.0–2.0", "1.500"]
    assert [lane for _, _, lane, _ in story.strip.spans] == ["provider"] and len(story.strip.points) == 2
    (shaded,) = told(moment(8.4, "provider", "charge" + COARSE)).beats  # the fault began at 9.02, within its second
    assert shaded.fault == "lost-reply on payments"


def test_going_on_after_a_reply_is_no_row_of_its_own() -> None:
    """The belief that follows from a reply shares its row, with the lines of both; one that says more has its own."""
    reply = Moment(at_s=1.0, lane="fan", text="hold: ok (next, HTTP 201) after 1ms", where="ops/0:4")
    echo = Moment(at_s=1.0, lane="fan", text="hold is told next", where="ops/0:5")
    more = Moment(at_s=1.0, lane="fan", text="hold is told next (1 tickets)", where="ops/0:6")
    assert [beat.where for beat in told(reply, echo).beats] == ["ops/0:4, ops/0:5"]
    assert len(told(reply, more).beats) == 2 == len(told(echo, echo).beats)


def test_the_strip_is_to_scale_with_round_seconds() -> None:
    """Twice the time is twice the way; the fault's window is cut to what the strip shows."""
    strip = told(moment(8.0), moment(10.0), moment(14.0)).strip
    a, b, c = (x for x, _, _ in strip.points)
    assert abs((c - b) - 2 * (b - a)) < 0.3
    ((from_x, to_x, name),) = strip.windows
    assert STRIP_LEFT < from_x < to_x == STRIP_WIDTH and name == "lost-reply on payments"
    assert [label for _, label in strip.ticks] == ["8 s", "9 s", "10 s", "11 s", "12 s", "13 s", "14 s"]


def test_a_story_without_two_times_has_no_strip() -> None:
    """Where no time is known there is nothing to draw to scale: the table stands alone."""
    assert told(moment(None), moment(3.0)).strip is None
    assert told().strip is None
    assert told(moment(3.0), moment(3.0)).strip is None


def test_a_strip_is_named_for_those_who_do_not_see_it() -> None:
    """Every drawing says what it is and that the table tells the same; every dot has its words."""
    page = html.render(full())
    strips = re.findall(r"<svg.*?</svg>", page, flags=re.S)
    assert strips and all('role="img"' in s and "the table below tells them in words" in s for s in strips)
    assert all(s.count("<circle") == s.count("</title></circle>") > 0 for s in strips)

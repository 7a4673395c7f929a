"""A story is told in the order in which it happened, across all lanes, and every line can be looked up."""

from __future__ import annotations

import msgspec

from surgectl.audit.story import story
from surgectl.recording.rows import FaultRow
from tests.histories.night import EPOCH, Night


def test_lanes_are_merged_in_time() -> None:
    """Fan, link, shop and provider are merged by time; what has no time comes last; all have their line."""
    night = Night()
    night.chaos.append(FaultRow(fault="0", event="applied", at_ns=1, link="payments", brownout="slow"))
    night.buys(1).refund("ch1")
    night.chaos.append(FaultRow(fault="0", event="healed", at_ns=night.tick(), link="payments", brownout="slow"))
    night.buys(2)
    with night.relations() as relations:
        told = story(relations, night.expectations(), "run-i1")
    assert {moment.lane for moment in told} == {"fan", "link", "shop", "provider"}
    times = [moment.at_s for moment in told if moment.at_s is not None]
    assert times == sorted(times) and told[-1].text.startswith("refund") and told[-1].at_s is None
    assert all(moment.where for moment in told)
    assert "arrives and wants 1 at 89.00 EUR" in told[1].text and told[0].lane == "link"
    assert not any("o2" in moment.text or "ch2" in moment.text for moment in told)


def test_a_status_page_that_nobody_reached_says_nothing() -> None:
    """What came of asking is told, and not as if the shop had said it."""
    night = Night().buys(1).told(1, "status", "ok", "confirmed", op=9, status_read=True)
    night.told(1, "status", "fail", "not-sent", op=10, status_read=True)
    with night.relations() as relations:
        told = [moment.text for moment in story(relations, night.expectations(), "run-i1")]
    assert [text for text in told if "status page" in text] == [
        "status the status page says confirmed",
        "status the status page says nothing: not-sent",
    ]


def test_each_delivery_of_an_event_is_part_of_the_story() -> None:
    """How often the provider told the shop of this fan's payment, and whether it was the provider, is in its lane."""
    night = Night().buys(1).buys(2).delivers(1, number=1, times=2).delivers(2)
    night.delivers(1, event="evt-f", payment="pi-never", signature="bad", status=None, keys=["orders.order=o1"])
    with night.relations() as relations:
        told = [moment.text for moment in story(relations, night.expectations(), "run-i1") if "evt-" in moment.text]
    assert told == [
        "payment_intent.succeeded is delivered (evt-1-succeeded), the shop answers 200",
        "payment_intent.succeeded is delivered (evt-1-succeeded, time 2), the shop answers 200",
        "payment_intent.succeeded is delivered (evt-f), not signed by the provider, no answer",
    ]


def test_a_coarse_clock_stands_at_the_end_of_its_second() -> None:
    """A provider that shows whole seconds is not shown to have charged before the fan paid."""
    night = Night().buys(1)
    night.charges[0] = msgspec.structs.replace(night.charges[0], at_s=EPOCH)
    with night.relations() as relations:
        told = story(relations, night.expectations(), "run-i1")
    texts = [moment.text for moment in told]
    charge = next(n for n, text in enumerate(texts) if text.startswith("charge"))
    sent = next(n for n, text in enumerate(texts) if text.startswith("sends pay"))
    assert charge > sent and "whole seconds" in texts[charge]


def test_a_long_story_is_cut_in_the_middle() -> None:
    """A fan who tried hundreds of times keeps the beginning and the end of the story, and the gap is owned up to."""
    night = Night()
    night.fan(1)
    for _ in range(200):
        night.send(1, "hold", "fail", "again")
    with night.relations() as relations:
        told = story(relations, night.expectations(), "run-i1")
    assert len(told) == 121 and "more in between" in told[60].text
    assert (told[-1].at_s or 0) > (told[0].at_s or 0)

"""Attempt by attempt: what the shop saw is what the recording says, no more, no less and nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.acting import Ended
from tests.rehearsal.behind import behind_a_broken_front
from tests.rehearsal.plays import brownout
from tests.rehearsal.programme import Play

pytestmark = pytest.mark.real

# Faults between shop and provider: the fans' own connections are whole.
BEHIND = [brownout("lost-reply", "embedded"), brownout("flap", "embedded")]
# Faults between fans and shop.
BEFORE = [
    Play(f"front-{name}", behind_a_broken_front(name)) for name in ("reset", "lost-reply", "lost-request", "truncate")
]
EVERY = [*BEHIND, *BEFORE]


def seen_by_shop(played: Ended) -> list[dict[str, Any]]:
    """The shop's own log of the requests it served."""
    log = played.extra.get("log") or played.path / "stage" / "shop" / "requests.jsonl"
    rows = [json.loads(line) for line in Path(log).read_text().splitlines()]
    return [row for row in rows if row["attempt"] != "probe"]


def invoked(played: Ended) -> dict[str, dict[str, Any]]:
    return {row["attempt"]: row for row in played.rows if row["t"] == "invoke"}


def done(played: Ended) -> dict[str, dict[str, Any]]:
    return {row["attempt"]: row for row in played.rows if row["t"] == "done"}


@pytest.mark.parametrize("played", EVERY, indirect=True)
def test_the_shop_saw_no_attempt_twice_and_none_that_was_not_recorded(played: Ended) -> None:
    """Nothing below us sends again by itself, and every send was written down before it left."""
    counts = Counter(row["attempt"] for row in seen_by_shop(played))
    assert len(counts) > 100, "hardly anything was sent: this proves nothing"
    assert [attempt for attempt, count in counts.items() if count > 1] == []
    assert set(counts) - set(invoked(played)) == set()


@pytest.mark.parametrize("played", EVERY, indirect=True)
def test_the_shop_saw_every_attempt_whose_fate_is_known(played: Ended) -> None:
    """`ok` and refused attempts were served exactly once; what was never served is not-sent or in doubt."""
    seen = {row["attempt"] for row in seen_by_shop(played)}
    ends = done(played)
    for attempt, end in ends.items():
        never_sent = end["outcome"] == "fail" and end["why"] == "not-sent"
        if end["outcome"] != "info" and not never_sent:
            assert attempt in seen, end
        if never_sent:
            assert attempt not in seen, end
    for attempt in set(invoked(played)) - seen:
        assert attempt not in ends or ends[attempt]["outcome"] == "info" or ends[attempt]["why"] == "not-sent"


@pytest.mark.parametrize("played", EVERY, indirect=True)
def test_an_attempt_was_recorded_before_the_shop_saw_it(played: Ended) -> None:
    """By the clock that both share: invoke, then served."""
    start_s = played.manifest["started_epoch_s"]
    at = {attempt: start_s + row["at_ns"] / 1e9 for attempt, row in invoked(played).items()}
    early = [row for row in seen_by_shop(played) if row["at"] < at[row["attempt"]] - 0.005]
    assert early == []


@pytest.mark.parametrize("played", EVERY, indirect=True)
def test_every_attempt_has_one_end_and_its_instants_are_in_order(played: Ended) -> None:
    """One done for each invoke, and due ≤ sent ≤ done."""
    ends = Counter(row["attempt"] for row in played.rows if row["t"] == "done")
    assert ends == Counter(invoked(played).keys())
    for attempt, end in done(played).items():
        sent_ns = end.get("sent_ns")
        if sent_ns is not None:
            assert invoked(played)[attempt]["due_ns"] <= sent_ns <= end["done_ns"]


@pytest.mark.parametrize("played", BEFORE, indirect=True)
def test_a_broken_front_leaves_fans_in_doubt_and_a_correct_shop_acquitted(played: Ended) -> None:
    """Attempts end as info, some of them served and some not, and nobody is accused of what the link did."""
    assert played.code in (0, 12), played.said
    assert not [name for name, verdict in played.verdicts().items() if verdict == "fail"]
    doubtful = {attempt for attempt, end in done(played).items() if end["outcome"] == "info"}
    assert doubtful, "no attempt was hurt"
    served = {row["attempt"] for row in seen_by_shop(played)}
    if "lost-request" in str(played.folder):
        assert doubtful - served
    else:
        assert doubtful & served

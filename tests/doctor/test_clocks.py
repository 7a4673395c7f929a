"""Clocks that agree, and by how much they may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from surgectl.doctor.clocks import of_provider, of_rows, of_shop, skew_of
from surgectl.doctor.doors import Ring
from surgectl.journey.messages import Reply
from tests.doctor.patients import shop

NOW = datetime(2030, 1, 1, 12, 0, 0, 500_000, UTC)
SINCE: dict[str, Any] = {"orders": {"http": {"get": "/orders?since={since}"}}}
SINCE_ISO: dict[str, Any] = {"orders": {"http": {"get": "/orders?since={since_iso}"}}}


def told(ahead_s: float, took_s: float = 0.0) -> Ring:
    date = format_datetime(NOW + timedelta(seconds=ahead_s) - timedelta(seconds=took_s / 2), usegmt=True)
    return Ring(reply=Reply(status=200, headers=(("Date", date),)), took_ns=round(took_s * 1e9), heard_at=NOW)


@pytest.mark.parametrize(
    ("ahead_s", "evidence", "verdict", "words"),
    [
        (-3600, {}, "fail", "is 1.0h behind ours (± 0.5s)"),
        (3600, {}, "fail", "1.0h ahead of"),
        (-4, SINCE, "fail", "{since} would leave out"),
        (-4, SINCE_ISO, "fail", "{since} would leave out"),
        (-4, {}, "pass", "does no harm"),
        (4, SINCE, "pass", "4.0s ahead of ours"),
        (0, SINCE, "pass", "agrees with ours (± 0.5s)"),
    ],
)
def test_how_far_the_shops_clock_may_be_off(ahead_s: float, evidence: Any, verdict: str, words: str) -> None:
    """`staleness` (5s), but nothing behind us where a book is read from the run's start on."""
    found = of_shop("base_url", skew_of(told(ahead_s)), shop(evidence=evidence))
    assert found.verdict == verdict and words in found.what


def test_the_targets_staleness_is_the_bound() -> None:
    """A shop that may show what is a minute old is not accused of half a minute."""
    late = shop(promises={"staleness": "60s"})
    assert of_shop("x", skew_of(told(30)), late).verdict == "pass"
    assert of_shop("x", skew_of(told(90)), late).verdict == "fail"


def test_a_providers_list_looks_five_minutes_back() -> None:
    """Up to there a clock of the provider's costs nothing."""
    assert of_provider("x", skew_of(told(-200))).verdict == "pass"
    assert of_provider("x", skew_of(told(-3600))).verdict == "fail"


def test_a_slow_answer_accuses_nobody() -> None:
    """What the time that the answer took may explain is no skew."""
    assert of_shop("x", skew_of(told(-7, took_s=20)), shop()).verdict == "pass"


@pytest.mark.parametrize("headers", [(), (("Date", "yesterday"),), (("Date", ""),)])
def test_a_shop_that_says_no_time_is_unknown(headers: tuple[tuple[str, str], ...]) -> None:
    """No date, no verdict."""
    ring = Ring(reply=Reply(status=200, headers=headers), took_ns=0, heard_at=NOW)
    assert of_shop("x", skew_of(ring), shop()).verdict == "unknown"


def test_rows_of_tomorrow_are_a_time_zone() -> None:
    """A time without its zone is read as UTC: two hours in the future say so."""
    (found,) = of_rows("orders", [NOW.timestamp() - 10, NOW.timestamp() + 7200], NOW)
    assert found.verdict == "fail" and "2.0h ahead" in found.what and "zone" in found.fix
    assert of_rows("orders", [NOW.timestamp() + 2], NOW) == of_rows("orders", [], NOW) == []

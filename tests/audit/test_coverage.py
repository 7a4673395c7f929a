"""What must have happened is counted from the recording, and is the same whether the shop was right or wrong."""

from __future__ import annotations

import pytest

from surgectl.audit.coverage import Coverage, coverage
from surgectl.profile.words import COVERAGE
from tests.histories.night import Night


def counted(night: Night) -> dict[str, Coverage]:
    with night.relations() as relations:
        return {item.id: item for item in coverage(relations, night.expectations())}


def clicked_twice() -> Night:
    """Sends the payment twice at once, and once more."""
    night = Night().buys(1)
    night.send(1, "pay", "ok", "confirmed", double=True).send(1, "pay", "info", "timeout")
    return night.send(1, "browse", "ok", "next", double=True).send(1, "pay", "fail", "not-sent", double=True)


def two_tabs() -> Night:
    """Pays from two tabs; another only looks from two."""
    night = Night().buys(1)
    night.send(1, "pay", "info", "timeout", tab=1)
    return night.buys(2).send(2, "hold", "ok", "next", tab=1).send(2, "pay", "fail", "not-sent", tab=1)


def looks_again() -> Night:
    """Comes back to look after the confirmation; one before it, and one who got no answer."""
    night = Night().buys(1)
    night.send(1, "status", "ok", "confirmed", op=3).send(1, "status", "info", "unmatched", op=4)
    night.send(1, "status", "info", "timeout", op=5)
    return night.loses_reply(2).send(2, "status", "ok", "accepted", op=3)


def gives_back() -> Night:
    """Two of three charges, one of them twice, one failed."""
    night = Night().buys(1).buys(2).buys(3)
    night.refund("ch1", 100).refund("ch1", 100).refund("ch2")
    return night.refund("ch3", state="failed")


@pytest.mark.parametrize(
    ("name", "night", "seen"),
    [
        ("double_clicks", clicked_twice(), 1),
        ("second_tabs", two_tabs(), 1),
        ("limit_refusals", Night().refused(1, "limit").refused(2, "limit").refused(3), 2),
        ("declines", Night().buys(1).refused(2, "declined"), 1),
        ("refunds", gives_back(), 2),
        ("confirmed_reads", looks_again(), 2),
    ],
)
def test_it_is_counted(name: str, night: Night, seen: int) -> None:
    """What happened is counted once, what only almost happened is not; and in a quiet night there is none."""
    assert counted(night)[name].seen == seen
    assert counted(Night().buys(1))[name].seen == 0


def test_retries_are_further_attempts_of_an_operation() -> None:
    """A second try counts whatever the first came to; half a double click, or one unsent, does not."""
    night = Night().buys(1)  # the second send of this history is its second try
    before = counted(night)["retries"].seen
    night.send(1, "pay", "fail", "shed").send(1, "pay", "info", "timeout", double=True)
    night.send(1, "pay", "fail", "not-sent")
    assert counted(night)["retries"].seen == before + 1


def test_every_word_is_counted() -> None:
    """Whatever a profile may demand, somebody counts."""
    assert [item.note for item in counted(Night().buys(1)).values() if item.note == "nobody counts this"] == []
    assert set(counted(Night())) == set(COVERAGE)

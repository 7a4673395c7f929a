"""The till's numbers on the dashboard: what somebody reads, and never what nobody does."""

from __future__ import annotations

from surgectl.live.books import books


def test_sold_charged_and_net_are_told_first() -> None:
    """Sold from the stock, charged and what stayed of it from the charges, the provider's edge from its request log."""
    told = books(
        {
            "charges.captured_minor": 900,
            "charges.refunded_minor": 100,
            "charges.succeeded": 9,
            "requests.payments": 10,
            "requests.posts": 13,
            "stock.held": 2,
            "stock.sold": 10,
        }
    )
    assert told.counters == [("sold", 10, False), ("charged", 900, True), ("net", 800, True)]
    assert told.more == [("succeeded", 9, False), ("held", 2, False)]
    assert (told.tries_a_payment, told.missing) == (1.3, [])


def test_what_nobody_reads_is_missing() -> None:
    """Without a live source there is no number, and it is said which; no payment yet is no amplification."""
    assert books({}).missing == ["sold", "charged", "provider"]
    assert books({}).tries_a_payment is None
    told = books({"stock.sold": 0, "requests.posts": 0, "requests.payments": 0})
    assert told.counters == [("sold", 0, False)] and told.missing == ["charged", "provider"]

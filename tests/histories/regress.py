"""Confirmed, and then not any more; and how it only looks so."""

from __future__ import annotations

from surgectl.recording.rows import Outcome
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import S
from tests.histories.usual import PRICE, Night, stray_charge, usual, void_order


def read(end: str, outcome: Outcome = "ok", after_s: float = 0.0, night: Night | None = None, **how: object) -> Night:
    """The first fan's status page, so many seconds after the confirmation."""
    night = night or Night().buys(1)
    night.tick(round(after_s * S))
    how = {"op": 9, "status_read": True} | how
    return night.told(1, "status", outcome, end, **how)  # type: ignore[arg-type]


def given_back(amount: int = PRICE) -> Night:
    return void_order(Night().buys(1), "o1").refund("ch1", amount)


CHECKER = "REGRESS"
GUILTY = [
    Guilty(read("declined", "fail"), intent="run-i1", says="was told confirmed, and 0.2 s later declined"),
    Guilty(read("declined", "fail", night=usual()), intent="run-i1", severity="major"),
    Guilty(read("sold-out", "fail"), intent="run-i1"),
    Guilty(read("declined", "fail", claims={"order": "o1"}), intent="run-i1"),
    Guilty(read("declined", "fail", tab=1, claims={"order": "o1"}), intent="run-i1"),
    Guilty(read("accepted", after_s=5), intent="run-i1", says="accepted"),
    Guilty(read("gone", "fail", after_s=5), intent="run-i1", says="gone"),
    Guilty(read("gone", "info", after_s=6), intent="run-i1"),
    Guilty(read("accepted"), intent="run-i1", changes={"staleness_ns": S // 10}),
    Guilty(read("declined", "fail", night=given_back(PRICE - 1)), intent="run-i1"),
    Guilty(read("accepted", after_s=6, night=given_back(1)), intent="run-i1"),
    Guilty(read("accepted", after_s=9, night=read("declined", "fail")), intent="run-i1", says="declined"),
    # A page that lags convicts nobody even where refunds are not told of; later, no refund makes an order pending.
    Guilty(read("accepted", after_s=6).without("refunds"), intent="run-i1"),
    Guilty(
        read("declined", "fail", night=read("confirmed", claims={"order": "o1"}), claims={"order": "o1"}),
        intent="run-i1",
        says="later declined",
    ),
]
INNOCENT = [
    Innocent(read("confirmed"), considered=1),
    Innocent(read("confirmed", after_s=100), considered=1),
    Innocent(read("confirmed", night=read("not-sent", "info")), considered=1),
    Innocent(read("accepted"), considered=1),
    Innocent(read("gone", "fail")),
    # The shop was down, or turned the fan away: the page said nothing, and the one that was read agrees.
    Innocent(read("not-sent", "fail", after_s=6, night=read("confirmed")), considered=1),
    Innocent(read("shed", "fail", after_s=6, night=read("confirmed")), considered=1),
    Innocent(read("declined", "fail", night=given_back())),
    Innocent(read("accepted", after_s=6, night=given_back())),
    Innocent(read("gone", "fail", after_s=6, night=given_back())),
    # The other tab's order was declined, this one's was confirmed.
    Innocent(read("declined", "fail", tab=1, night=read("confirmed")), considered=1),
    Innocent(read("declined", "fail", night=read("confirmed"), claims={"order": "o1b"}), considered=1),
    Innocent(read("declined", "fail", night=read("confirmed"), status_read=False), considered=1),
    Innocent(
        read("confirmed", night=read("declined", "fail", night=Night().loses_reply(1))).told(
            1, "status", "ok", "confirmed", op=9, status_read=True
        )
    ),
    Innocent(read("accepted"), {"staleness_ns": S // 5}),
]
DOUBTFUL = [
    Doubtful(Night(), "no status was read", {"require": (CHECKER,)}, weighs=True),
    Doubtful(usual(), "no status was read", weighs=False),
    Doubtful(read("unknown", "info", after_s=6), "no status was read"),
    Doubtful(read("not-sent", "info"), "no status was read"),
    Doubtful(read("not-sent", "fail"), "no status was read"),
    Doubtful(read("declined", "fail", night=Night().loses_reply(1)), "no status was read"),
    Doubtful(read("declined", "fail").without("refunds"), "do not tell of refunds"),
    Doubtful(read("declined", "fail").without("charges"), "do not tell of refunds"),
    Doubtful(read("declined", "fail").flaw("charges", stable=False), "do not tell of refunds"),
    Doubtful(read("declined", "fail").flaw("refunds", complete=False), "do not tell of refunds"),
    Doubtful(stray_charge(read("declined", "fail")).without("refunds"), "do not tell of refunds"),
    Doubtful(
        read("declined", "fail", night=Night().loses_reply(1).told(1, "pay", "info", "confirmed")), "no status was read"
    ),
    Doubtful(read("confirmed", night=Night().loses_reply(1)), "no status was read"),
]

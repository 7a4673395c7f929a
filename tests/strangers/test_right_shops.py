"""Shops that are right in ways of their own: they are never accused."""

from __future__ import annotations

import pytest

from tests.strangers.street import Ended, Visit

pytestmark = pytest.mark.real

LATE = ("LEAVES=2", "DEADLINE=12s", "settle.at_most=25s")
"""Fans who want two tickets are content with "we have your order"."""


def slow(brownout: str) -> Visit:
    """Decides three to six seconds after it took the order, when many have left."""
    return Visit(
        f"slow-{brownout}",
        options=("--decides", "3-6"),
        change=(*LATE, f"chaos[0].brownout={brownout}"),
        retries="{brisk: 50%, leaver: 50%}",
    )


@pytest.mark.parametrize("ended", [slow("lost-reply"), slow("slow"), slow("reset")], indirect=True, ids=str)
def test_a_shop_that_decides_late_is_not_accused(ended: Ended) -> None:
    """Exit 0 although many left before the decision: the settling window waits for it."""
    assert ended.failed == set(), ended.said
    assert ended.code == 0, ended.said


EVERYTHING = "expect:\n  invariants: {require: [OVERSELL, money, promises]}\n"
WITHOUT_STATUS = "expect:\n  invariants: {require: [OVERSELL, money, LOST_TICKET, LIMIT, DUPORDER]}\n"
OWN_WAYS = [
    Visit("gallery", shop="gallery", expect=EVERYTHING),  # GraphQL, no tickets, an SQLite file, linked by e-mail alone
    Visit("theatre-capture", shop="theatre", options=("--how", "capture"), expect=EVERYTHING),
    # A door, forms, a wizard, 200 for every no, another way to pay again, books that are made first and that page on.
    Visit("operetta", shop="operetta", change=("sale.tickets=80",), expect=WITHOUT_STATUS),
    Visit("theatre-parts", shop="theatre", options=("--how", "parts"), expect=EVERYTHING),
]


@pytest.mark.parametrize("ended", OWN_WAYS, indirect=True, ids=str)
def test_a_shop_that_is_right_in_its_own_way_is_not_accused(ended: Ended) -> None:
    """Authorise and capture, deposit and rest, cancel and refund, books in a database: exit 0, everybody linked."""
    assert ended.failed == set(), ended.said
    assert ended.code == 0, ended.said
    assert ended.report["links"] == {"orders": 1.0, "charges": 1.0}
    for name in ("DUPCHARGE", "CHARGED_NO_TICKET", "TICKET_NO_CHARGE", "AMOUNT", "REFUND", "AUTH_LEFT", "LOST_TICKET"):
        assert ended.finding(name)["verdict"] == "pass", ended.said
        assert ended.finding(name)["considered"] > 5, ended.said

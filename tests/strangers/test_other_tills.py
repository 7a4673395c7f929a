"""Money that goes other ways: a bank's own page, a batch in the evening, gift cards, halves that are given back."""

from __future__ import annotations

import pytest

from tests.strangers.street import Ended, Visit
from tests.strangers.ways import BY_NAME

pytestmark = pytest.mark.real

RIGHT = [BY_NAME[name].visit for name in ("pier-dinar", "coach-right")]
WRONG = [BY_NAME[name].visit for name in ("pier-deaf", "fair-no-member")]


@pytest.mark.parametrize("ended", RIGHT, indirect=True, ids=str)
def test_a_shop_whose_money_goes_another_way_is_not_accused(ended: Ended) -> None:
    """Exit 0, and everybody linked: three decimals and a bank's page, paid too late and given back; a journal, an order
    that was split, half of it given back."""
    assert ended.code == 0 and ended.failed == set(), ended.said
    assert ended.report["links"] == {"orders": 1.0, "charges": 1.0}
    for name in ("DUPCHARGE", "CHARGED_NO_TICKET", "TICKET_NO_CHARGE", "AMOUNT", "REFUND", "LOST_TICKET"):
        assert ended.finding(name)["verdict"] == "pass" and ended.finding(name)["considered"] > 5, ended.said


@pytest.mark.parametrize(
    ("visit", "ended"), [(visit, visit) for visit in WRONG], indirect=["ended"], ids=map(str, WRONG)
)
def test_what_is_wrong_with_it_is_found_by_its_name(visit: Visit, ended: Ended) -> None:
    """Payments that came too late and were kept; members who paid the full price."""
    assert BY_NAME[visit.name].wrong(ended) == "", ended.said

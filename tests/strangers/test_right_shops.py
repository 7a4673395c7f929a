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

"""Shops that are wrong in a way that the stage's own defects are not: each is found, and its fan is named."""

from __future__ import annotations

import pytest

from tests.strangers.street import Ended, Visit

pytestmark = pytest.mark.real


def wrong(name: str, *options: str, change: tuple[str, ...] = (), **more: str) -> Visit:
    return Visit(f"wrong-{name}", options=("--wrong", name, *options), change=("DEADLINE=1s", *change), **more)


SCARCE = ("--capacity", "12")
TWELVE = ("sale.tickets=12",)
EIGHTY = ("sale.tickets=80",)
PROVABLE = "expect:\n  invariants: {require: [OVERSELL, money, LOST_TICKET, LIMIT]}\n"
# What must be found, and what the same mistake also breaks.
GUILTY: list[tuple[Visit, str, set[str]]] = [
    (wrong("fee"), "AMOUNT", set()),
    (wrong("currency"), "AMOUNT", set()),
    (wrong("revoke"), "LOST_TICKET", {"CHARGED_NO_TICKET", "REGRESS"}),
    (wrong("channel", *SCARCE, change=TWELVE), "OVERSELL", {"CONSERVE", "LEAK"}),
    (wrong("seat"), "SEAT2", set()),
    (wrong("declined"), "GHOST", {"CHARGED_NO_TICKET"}),
    (wrong("refund"), "REFUND", {"TICKET_NO_CHARGE"}),
    (wrong("limit", retries="{twotabs: 100%}"), "LIMIT", set()),
    (wrong("short"), "LOST_TICKET", {"CHARGED_NO_TICKET"}),
    (wrong("short-silent"), "CHARGED_NO_TICKET", {"LOST_TICKET"}),
    (wrong("ghost"), "GHOST", {"TICKET_NO_CHARGE"}),
    (wrong("twice", shop="operetta", change=EIGHTY, expect=PROVABLE), "TICKET_NO_CHARGE", {"LIMIT"}),
    (wrong("shared", shop="operetta", change=EIGHTY, expect=PROVABLE), "TICKET_NO_CHARGE", set()),
    (wrong("set-aside", shop="theatre"), "AUTH_LEFT", set()),
    (wrong("again", "--how", "parts", shop="theatre"), "DUPCHARGE", {"AMOUNT"}),
]


@pytest.mark.parametrize(
    ("ended", "finding", "besides"), GUILTY, indirect=["ended"], ids=[visit.name for visit, _, _ in GUILTY]
)
def test_a_wrong_shop_is_found_by_the_invariant_it_breaks(ended: Ended, finding: str, besides: set[str]) -> None:
    """Exit 11; the invariant fails, its example names the fan; nothing fails that the mistake does not break."""
    assert ended.code == 11, ended.said
    found = ended.finding(finding)
    assert found["verdict"] == "fail", ended.said
    assert ended.failed <= {finding} | besides, ended.said
    example = found["examples"][0]
    assert example["fan"] is not None and example["intent"], example
    assert any(moment["where"] for moment in example["timeline"]), example

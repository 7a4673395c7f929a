"""A rehearsal over the pages that people see: forms, cookies, tokens, redirects, pages that reload themselves."""

from __future__ import annotations

import pytest

from tests.rehearsal.acting import HERE, Ended
from tests.rehearsal.plays import through
from tests.rehearsal.programme import Play

pytestmark = pytest.mark.real

PAGES = HERE.parent.parent / "profiles" / "targets" / "boxoffice-pages.yaml"
RIGHT = Play("pages", through("embedded", "--target", PAGES))
WRONG = Play("pages-double-charge", through("embedded", "--target", PAGES, "--defect", "double-charge"))


@pytest.mark.parametrize("played", [RIGHT], indirect=True)
def test_the_pages_of_the_right_shop_are_acquitted(played: Ended) -> None:
    """Exit 0: every form was sent with its token, and every fan learnt what became of it from a page."""
    assert played.code == 0, played.said
    assert played.report["links"] == {"charges": 1.0, "orders": 1.0}
    assert played.report["metrics"]["funnel"]["confirmed"] > 20
    said = {row["why"] for row in played.rows if row["t"] == "done" and row.get("why")}
    assert "unmatched" not in said, "a page that no rule names"


@pytest.mark.parametrize("played", [RIGHT], indirect=True)
def test_what_the_pages_told_agrees_with_the_books(played: Ended) -> None:
    """Sums, seats and keys that were read from pages are compared: none of these invariants is empty."""
    for name in ("AMOUNT", "LOST_TICKET", "IDEM_REPLAY", "REGRESS"):
        found = played.finding(name)
        assert (found["verdict"], found["considered"] > 20) == ("pass", True), found


@pytest.mark.parametrize("played", [WRONG], indirect=True)
def test_a_defect_behind_the_pages_is_found(played: Ended) -> None:
    """Exit 11 by DUPCHARGE."""
    assert played.code == 11, played.said
    assert played.finding("DUPCHARGE")["verdict"] == "fail"

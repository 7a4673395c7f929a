"""Tests that share what is costly are run by one process, and what the README shares out is all there is."""

from __future__ import annotations

import pytest

from tests.share import PREPARED, REHEARSALS, SALES, together


@pytest.mark.parametrize(
    ("test", "shared"),
    [
        ("tests/rehearsal/test_again.py::test_a_plan_has_the_same_digest", REHEARSALS),
        ("tests/strangers/test_right_shops.py::test_a_shop[slow-reset]", REHEARSALS),
        ("tests/rehearsal/test_profiles.py::test_a_profile_keeps_its_promise[smoke-sqlite-embedded]", SALES),
        ("tests/rehearsal/test_refusals.py::test_a_profile[bomb]", None),
        ("tests/histories/test_histories.py::test_history[IDEM_REPLAY-guilty-0]", "nights of IDEM_REPLAY"),
        ("tests/histories/test_mutants.py::test_a_broken_checker_is_found_out[IDEM_REPLAY]", "nights of IDEM_REPLAY"),
        ("tests/histories/test_histories.py::test_every_checker_has_its_histories", None),
        ("tests/report/test_browser_large.py::test_a", f"{PREPARED}tests/report/test_browser_large.py"),
        ("tests/outlets/test_outlets_rehearsal.py::test_a", f"{PREPARED}tests/outlets/test_outlets_rehearsal.py"),
        ("tests/boxoffice/test_till_outage.py::test_a", None),
    ],
)
def test_what_is_costly_is_shared(test: str, shared: str | None) -> None:
    """Plays, whole sales and a checker's nights are each asked for by one process; other tests run anywhere."""
    assert together(test) == shared


def test_what_is_quiet_is_real(request: pytest.FixtureRequest) -> None:
    """Whoever measures time is not among the fast tests, whichever are collected."""
    loud = [item.nodeid for item in request.session.items if item.get_closest_marker("quiet")]
    real = {item.nodeid for item in request.session.items if item.get_closest_marker("real")}
    assert [test for test in loud if test not in real] == []

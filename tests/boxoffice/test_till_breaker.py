"""The breaker opens, knocks and closes as it should, and what comes out afterwards grows slowly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.stage.boxoffice.till.breaker import Breaker, Pass, Rules, State
from surgectl.stage.boxoffice.till.drain import Drain

S = 1_000_000_000
MS = 1_000_000
RULES = Rules(share=0.5, calls=20, least=8, pause_ns=S // 2, longest_pause_ns=2 * S)


def call(breaker: Breaker, now_ns: int, heard: bool, question: bool = False) -> bool:
    """One call, if it is let out → whether it was."""
    leave = breaker.let_out(now_ns, question=question)
    if leave is None:
        return False
    (breaker.heard if heard else breaker.silent)(leave, now_ns)
    return True


def opened(at_ns: int = 0) -> Breaker:
    breaker = Breaker(RULES, 0)
    for _ in range(RULES.least):
        assert call(breaker, at_ns, heard=False)
    assert breaker.state is State.OPEN
    return breaker


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("", State.CLOSED),
        ("." * 20, State.CLOSED),
        ("x" * 7, State.CLOSED),  # too few to say anything
        ("x" * 8, State.OPEN),
        ("....xxxx", State.OPEN),
        (".....xxx", State.CLOSED),
        ("." * 20 + "x" * 9, State.CLOSED),  # eleven of the last twenty were heard
        ("." * 20 + "x" * 10, State.OPEN),
        ("x." * 3 + "." * 20, State.CLOSED),
    ],
)
def test_it_opens_by_the_share_of_silences(said: str, state: State) -> None:
    """Half of the recent calls without an answer open it, once there are enough of them."""
    breaker = Breaker(RULES, 0)
    for at, heard in enumerate(said):
        call(breaker, at, heard=heard == ".")
    assert breaker.state is state


def test_what_is_long_ago_is_not_recent() -> None:
    """Seven silences yesterday and one today say nothing about today."""
    breaker = Breaker(RULES, 0)
    for _ in range(7):
        call(breaker, 0, heard=False)
    call(breaker, 11 * S, heard=False)
    assert breaker.state is State.CLOSED


def test_one_knock_at_a_time_and_pauses_that_double() -> None:
    """While it is open one payment is tried, and after each silence the pause doubles up to its limit."""
    breaker = opened()
    now_ns, pauses = 0, []
    for _ in range(5):
        free_ns = breaker.free_ns(now_ns)
        assert free_ns is not None
        pauses.append(free_ns - now_ns)
        assert breaker.let_out(free_ns - 1) is None
        leave = breaker.let_out(free_ns)
        assert leave is not None and leave.probe
        assert breaker.state is State.HALF_OPEN
        assert breaker.let_out(free_ns + 60 * S) is None  # the knock is still out
        assert breaker.free_ns(free_ns) is None
        now_ns = free_ns + 2 * S
        breaker.silent(leave, now_ns)
        assert breaker.state is State.OPEN
    assert pauses == [S // 2, S, 2 * S, 2 * S, 2 * S]


def test_a_payment_that_is_heard_closes_it_and_a_question_does_not() -> None:
    """A list that answers is worth reading, but only an answered payment says that payments work."""
    breaker = opened()
    assert call(breaker, S, heard=True, question=True)
    assert breaker.state is State.OPEN
    assert not call(breaker, S + 1, heard=True, question=True)  # not more often than knocks
    leave = breaker.let_out(S)
    assert leave is not None
    assert breaker.heard(leave, S + 1)
    assert (breaker.state, breaker.since_ns, breaker.opened) == (State.CLOSED, S + 1, 1)


def test_a_relapse_is_believed_sooner() -> None:
    """Just after it has closed two silences are enough; once as many were heard as it takes to judge, they are not."""
    breaker = opened()
    assert call(breaker, S, heard=True)
    call(breaker, S, heard=False)
    assert breaker.state is State.CLOSED
    call(breaker, S, heard=False)
    assert (breaker.state, breaker.opened) == (State.OPEN, 2)
    assert call(breaker, 10 * S, heard=True)
    for _ in range(8):
        call(breaker, 10 * S, heard=True)
    for _ in range(7):
        call(breaker, 10 * S, heard=False)
    assert breaker.state is State.CLOSED


def test_calls_from_before_it_opened_change_nothing() -> None:
    """What was sent before the door closed says nothing about now, however it ends."""
    breaker = Breaker(RULES, 0)
    early = [breaker.let_out(0) for _ in range(10)]
    for leave in early[:8]:
        assert leave is not None
        breaker.silent(leave, S)
    assert breaker.state is State.OPEN
    free_ns = breaker.free_ns(S)
    for leave, learn in zip(early[8:], (breaker.heard, breaker.silent), strict=True):
        assert leave is not None
        assert not learn(leave, S + 1)
    assert (breaker.state, breaker.free_ns(S)) == (State.OPEN, free_ns)


def test_a_pause_that_was_asked_for_is_kept() -> None:
    """After 429 nothing is paid before Retry-After, and the door stays closed: the house is there, it is full."""
    breaker = Breaker(RULES, 0)
    breaker.rest(3 * S)
    assert breaker.let_out(3 * S - 1) is None
    assert breaker.let_out(0, question=True) is not None
    assert breaker.let_out(3 * S) is not None
    assert breaker.state is State.CLOSED


@given(st.lists(st.tuples(st.sampled_from("ohsuq"), st.integers(0, S)), max_size=300))
def test_never_more_than_one_knock_and_never_stuck(moves: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order: open lets one payment out at a time, and each ended knock brings another."""
    breaker, now_ns, out = Breaker(RULES, 0), 0, list[Pass]()
    for move, later_ns in moves:
        now_ns += later_ns
        if move in "oq":
            was_open = breaker.state is not State.CLOSED
            leave = breaker.let_out(now_ns, question=move == "q")
            if leave is not None:
                assert leave.probe is was_open
                out.append(leave)
        elif out:
            leave = out.pop(later_ns % len(out))
            {"h": breaker.heard, "s": breaker.silent, "u": lambda x, _: breaker.unused(x)}[move](leave, now_ns)
        era = max((leave.era for leave in out), default=0)
        knocks = [leave for leave in out if leave.era == era and leave.probe and not leave.question]
        assert len(knocks) <= 1
    for leave in out:
        breaker.silent(leave, now_ns)
    assert breaker.let_out(now_ns + RULES.longest_pause_ns) is not None


def test_the_backlog_goes_out_slowly() -> None:
    """After an outage one payment at a time, then twice as many each second, up to all."""
    drain = Drain(24)
    assert drain.limit(0) == 24
    drain.reopened(10 * S)
    assert [drain.limit(10 * S + second * S) for second in range(7)] == [1, 2, 4, 8, 16, 24, 24]
    assert drain.grows_ns() is None


def test_too_many_halves_it_and_it_comes_back_one_by_one() -> None:
    """429 while sixteen are out makes eight of them; answers to one and the same rush count once."""
    drain = Drain(24)
    for later_ns in range(5):
        drain.set_back(16, S + later_ns)
    assert [drain.limit(S + second * S) for second in range(4)] == [8, 9, 10, 11]
    drain.set_back(1, 10 * S)
    assert drain.limit(10 * S) == 1


@given(st.lists(st.tuples(st.sampled_from("rsg"), st.integers(0, 3 * S), st.integers(0, 40)), max_size=100))
def test_it_always_lets_one_out_and_never_more_than_the_most(moves: list[tuple[str, int, int]]) -> None:
    """However it is set back, it stays between one and the most, and ends at the most when nothing happens."""
    drain, now_ns = Drain(24), 0
    for move, later_ns, out in moves:
        now_ns += later_ns
        if move == "r":
            drain.reopened(now_ns)
        elif move == "s":
            drain.set_back(out, now_ns)
        assert 1 <= drain.limit(now_ns) <= 24
    assert drain.limit(now_ns + 30 * S) == 24

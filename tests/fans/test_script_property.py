"""Whatever the shop answers and however the fan behaves, the script ends and never talks itself out of a doubt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.fans.dialogue import Script, Send, Told
from surgectl.fans.policy import Policy, compile_policy
from surgectl.journey.messages import Reply
from surgectl.profile.load import load_retry_profile
from tests.fans.talk import MS, Talk, converse, person, policy
from tests.fans.test_script import JUMPS, PAID, SHOP, WIZARD, at
from tests.fans.test_script_retries import AGAIN
from tests.journey.shop import journey, page

JOURNEYS = [SHOP, journey(AGAIN), journey(JUMPS), journey(WIZARD)]
NAMES = ("patient", "masher", "multitab", "backbutton", "sdk", "bot")
POLICIES: list[Policy] = [
    *(
        compile_policy(load_retry_profile(name))
        for name in ("patient", "masher", "multitab", "backbutton", "sdk", "bot")
    ),
    policy("{double: 100%, react: {pay: {info: {tries: 9, key: fresh, flow: pay-again}, declined: {tries: 9}}}}"),
    policy(
        "{react: {browse: {info: {tries: 9}, again: {tries: 9}}, hold: {again: {tries: 9}, info: {tries: 9}},"
        " pay: {declined: {tries: 9, flow: pay-again}, gone: {tries: 3}, shed: {tries: 9}, info: {tries: 2}}}}"
    ),
]

BODIES = st.sampled_from(
    [
        {"state": "admitted", "pass": "p"},
        {"state": "waiting", "after": 0},
        {"state": "confirmed", "total": 5},
        {"state": "failed"},
        {"state": "accepted"},
        {"id": 1, "order": "o"},
        {"id": None},
        {"code": "ALL_HELD"},
        {"code": "SOLD_OUT"},
    ]
)
REPLIES = st.one_of(
    st.sampled_from([Reply(broken=why) for why in ("not-sent", "timeout", "cut", "invalid")]),  # type: ignore[arg-type]
    st.builds(page, st.sampled_from([200, 200, 200, 201, 202, 302, 402, 409, 410, 429, 500, 502, 503]), BODIES),
    st.builds(page, st.sampled_from([200, 409, 503]), st.sampled_from(["", "<html>", '{"id":'])),
    st.sampled_from([at("questions"), at("payment"), at("confirm"), page(503, Retry_After="0")]),
)


def check(talk: Talk) -> None:
    """What must hold of every dialogue."""
    ids = [send.attempt for send in talk.sends] + [double.attempt for double in talk.doubles]
    assert len(set(ids)) == len(ids)
    tries: dict[int, int] = {}
    for send in talk.sends:
        if not send.poll:
            assert send.try_ == tries.get(send.op, 0) + 1
            tries[send.op] = send.try_
    told = [move.op for move in talk.of(Told)]
    assert len(set(told)) == len(told)
    assert {send.op for send in talk.sends} == set(told), "every operation that was sent came to something"


def check_doubt(talk: Talk, verdicts: dict[str, str]) -> None:
    """After a payment that may have landed, the fan never believes in a refusal."""
    lost: set[int] = set()
    for move in talk.moves:
        if isinstance(move, Send) and move.role == "pay" and not move.poll and verdicts[move.attempt] == "info":
            lost.add(move.op)
        if isinstance(move, Told) and move.role == "pay" and not move.status_read and move.op in lost:
            assert move.outcome != "fail"
            if move.outcome == "ok":
                lost.discard(move.op)
    if lost:
        assert talk.end[1] != "fail"


def run(script: Script, replies: st.DataObject) -> Talk:
    verdicts: dict[str, str] = {}

    def shop(send: Send) -> Reply:
        reply = replies.draw(REPLIES)
        verdicts[send.attempt] = send.judge(reply).outcome
        return reply

    talk = converse(script, shop, took_ns=MS)
    check(talk)
    check_doubt(talk, verdicts)
    return talk


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(JOURNEYS), st.sampled_from(POLICIES), st.integers(0, 50), st.data())
def test_any_shop_any_fan(journey_: object, behaves: Policy, seed: int, replies: st.DataObject) -> None:
    """Bounded sends, no attempt id twice, one belief an operation, and no `fail` over an open payment."""
    fan = person(journey_, behaves, seed=seed)  # type: ignore[arg-type]  # hypothesis draws it as an object
    talk = run(fan.script, replies)
    for fork in talk.forks:
        for script in fork.tabs:
            run(script, replies)
    status = fan.status()
    if status is not None:
        assert all(send.status_read for send in converse(status, lambda send: replies.draw(REPLIES)).sends)


@pytest.mark.parametrize("journey_", JOURNEYS)
@pytest.mark.parametrize("behaves", POLICIES)
@pytest.mark.parametrize(
    "reply",
    [
        Reply(broken="timeout"),
        Reply(broken="not-sent"),
        page(200, {}),
        page(409, {"code": "ALL_HELD"}),
        page(302),
        page(410),
        page(503, Retry_After="0"),
        PAID,
        at("questions"),
    ],
)
def test_a_shop_that_always_says_the_same(journey_: object, behaves: Policy, reply: Reply) -> None:
    """The stubbornest shop meets the stubbornest fan: it still ends, in bounded sends, and within bounded time."""
    fan = person(journey_, behaves)  # type: ignore[arg-type]
    check(converse(fan.script, lambda send: reply, took_ns=0, most=3000))

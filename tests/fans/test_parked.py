"""What a fan costs that waits: a million of them fit into a small machine."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path
from unittest import mock

import pytest

from surgectl.fans.dialogue import Answer, Leave, Script, Send, Think
from surgectl.fans.folding import names_of
from surgectl.fans.intent import Intent, mint_values, open_tab, shared_variables
from surgectl.fans.policy import Policy, compile_policy
from surgectl.fans.script import Tab
from surgectl.journey.compile import compile_target
from surgectl.journey.messages import Reply
from surgectl.journey.model import Journey
from surgectl.profile.load import load_retry_profile, open_target
from surgectl.profile.rehearsal import Sale
from surgectl.profile.values import Money
from tests.journey.shop import BASE, page

IN_LINE_AT_MOST, BACKING_OFF_AT_MOST = 900, 950
"""Bytes a fan. CPython 3.11 takes 870 and 906: 32 are its number, 283 its own texts, and 84 the place and the wait that
it was told in the line."""
FANS = 1000
SHARED = shared_variables(Sale(tickets=1000, price=Money(8900, "EUR")))


@pytest.fixture(scope="module")
def boxoffice() -> Journey:
    at = {name: BASE for name in ("SHOP_URL", "PAY_CONTROL", "PAY_URL")} | {"PAY_KEY": "k", "PAY_ADDR": "127.0.0.1:1"}
    with mock.patch.dict(os.environ, at):
        return compile_target(open_target(str(Path("profiles/targets/boxoffice.yaml")), {}).target)


def waiting(journey: Journey, policy: Policy, fan: int, why: str) -> Script | None:
    """A fan who waits for the third time for this reason. None: somebody who did not want to wait that long."""
    intent = Intent(run="r1", intent=f"r1-{fan}", fan=fan, seed=7, qty=1, shared=SHARED)
    script = open_tab(journey, intent, mint_values(journey, intent)).begin(policy, 0)
    answer, now_ns, waits = None, 0, 0
    while True:
        move = script.send(answer)
        answer = None
        match move:
            case Leave():
                return None
            case Think():
                now_ns += move.ns
                if move.why == why and (waits := waits + 1) == 3:
                    return script
            case Send():
                now_ns += 20_000_000
                reply = reply_to(move, fan, busy=why == "backoff")
                answer = Answer(reply=reply, verdict=move.judge(reply), now_ns=now_ns)


def reply_to(move: Send, fan: int, *, busy: bool) -> Reply:
    if move.step == "page":
        return page(200, {}, move.wire.url)
    if busy:
        return page(503, {"code": "BUSY"}, move.wire.url, Retry_After="2")
    place = {"position": fan + 300, "wait_s": fan / 7.5}
    if not move.poll:
        return page(202, {"id": fan + 1000, **place}, move.wire.url)
    return page(200, {"state": "waiting", "poll_after_ms": 2000, **place}, move.wire.url)


@pytest.mark.parametrize(("why", "at_most"), [("poll", IN_LINE_AT_MOST), ("backoff", BACKING_OFF_AT_MOST)])
def test_a_fan_who_waits_is_a_small_record(boxoffice: Journey, why: str, at_most: int) -> None:
    """All that a script holds of it, its values and their texts included: measured, not estimated."""
    patient = compile_policy(load_retry_profile("patient"))
    waiting(boxoffice, patient, 1, why)  # whatever is made once for all
    crowd: list[Script | None] = [None] * FANS
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for fan in range(FANS):
            crowd[fan] = waiting(boxoffice, patient, 1000 + fan, why)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    here = sum(script is not None for script in crowd)
    assert here > FANS * 0.9
    assert (after - before) / here < at_most


def test_variables_come_back_from_a_fold() -> None:
    """Two fans of a run share the names and what all have; one of another run does not get the first one's."""
    person = {"run": "r1", "sale": {"price": "1"}, "intent": "i1", "fan": 1, "tab": 0, "key": "k1", "place": 7}
    names = names_of(person)
    folded = names.fold({**person, "key": "k2", "place": 8, "attempt": "i2.0.1"})
    assert folded == ("k2", 8)
    assert names.unfold(folded, "i2", 2, 0) == {**person, "intent": "i2", "fan": 2, "key": "k2", "place": 8}
    assert names_of(dict(person)) is names and names_of({**person, "sale": {"price": "1"}}) is not names
    assert names.fit({**person, "attempt": "i1.0.2"}) and not names.fit({**person, "pass": "p"})


def test_a_tab_that_is_closed_says_nothing_more(boxoffice: Journey) -> None:
    """The engine may end it wherever it is; what it knows stays, and can be asked for."""
    patient = compile_policy(load_retry_profile("patient"))
    script = waiting(boxoffice, patient, 1, "poll")
    assert isinstance(script, Tab)
    script.close()
    with pytest.raises(StopIteration):
        script.send(None)
    assert script.variables["place"] == 1001 and script.variables["intent"] == "r1-1" and script.end is None

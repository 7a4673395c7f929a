"""What a fan costs that waits: a million of them fit into a small machine."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path
from unittest import mock

import pytest

from surgectl.fans.dialogue import Answer, Leave, Script, Send, Think
from surgectl.fans.intent import Intent, mint_values, open_tab, shared_variables
from surgectl.fans.policy import Policy, compile_policy
from surgectl.fans.script import play
from surgectl.journey.compile import compile_target
from surgectl.journey.messages import Reply
from surgectl.journey.model import Journey
from surgectl.profile.load import load_retry_profile, open_target
from surgectl.profile.rehearsal import Sale
from surgectl.profile.values import Money
from tests.journey.shop import BASE, page

AT_MOST_BYTES = 1000
FANS = 2000
SHARED = shared_variables(Sale(tickets=1000, price=Money(8900, "EUR")))


@pytest.fixture(scope="module")
def boxoffice() -> Journey:
    at = {name: BASE for name in ("SHOP_URL", "PAY_CONTROL", "PAY_URL")} | {"PAY_KEY": "k", "PAY_ADDR": "127.0.0.1:1"}
    with mock.patch.dict(os.environ, at):
        return compile_target(open_target(str(Path("profiles/targets/boxoffice.yaml")), {}).target)


def in_the_line(journey: Journey, policy: Policy, fan: int) -> Script | None:
    """A fan who has joined, asked twice, and waits to ask again. None: somebody who did not want to wait that long."""
    intent = Intent(run="r1", intent=f"r1-{fan}", fan=fan, seed=7, qty=1, shared=SHARED)
    script = play(journey, policy, intent, open_tab(journey, intent, mint_values(journey, intent)))
    answer, now_ns, polls = None, 0, 0
    while True:
        move = script.send(answer)
        answer = None
        match move:
            case Leave():
                return None
            case Think():
                now_ns += move.ns
                if move.why == "poll" and (polls := polls + 1) == 3:
                    return script
            case Send():
                now_ns += 20_000_000
                reply = reply_to(move, fan)
                answer = Answer(reply=reply, verdict=move.judge(reply), now_ns=now_ns)


def reply_to(move: Send, fan: int) -> Reply:
    if move.step == "page":
        return page(200, {}, move.wire.url)
    place = {"position": fan + 300, "wait_s": fan / 7.5}
    if not move.poll:
        return page(202, {"id": fan + 1000, **place}, move.wire.url)
    return page(200, {"state": "waiting", "poll_after_ms": 2000, **place}, move.wire.url)


def test_a_fan_in_the_waiting_room_is_a_small_record(boxoffice: Journey) -> None:
    """All that a script holds of it, its values and their texts included: measured, not estimated."""
    patient = compile_policy(load_retry_profile("patient"))
    in_the_line(boxoffice, patient, 1)  # whatever is made once for all
    waiting: list[Script | None] = [None] * FANS
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for fan in range(FANS):
            waiting[fan] = in_the_line(boxoffice, patient, 1000 + fan)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    here = sum(script is not None for script in waiting)
    assert here > FANS * 0.9
    assert (after - before) / here < AT_MOST_BYTES

"""The engine with the real scripts of all shipped kinds of fan, against a shop in memory, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec

from surgectl import chance
from surgectl.clock import LoopClock, VirtualLoop
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.run import Engine
from surgectl.engine.scene import Part, Scene
from surgectl.fans.intent import Intent, shared_variables
from surgectl.fans.person import Person
from surgectl.fans.policy import compile_policy
from surgectl.journey.compile import compile_target
from surgectl.journey.messages import Reply, Wire
from surgectl.plan.model import Arrival
from surgectl.profile.load import load_retry_profile
from surgectl.profile.rehearsal import Sale
from surgectl.profile.rule import Claim, Rule, Take, When
from surgectl.profile.step import Poll, Step
from surgectl.profile.target import Target
from surgectl.profile.values import Duration, Money
from surgectl.recording.journal import Journal
from surgectl.recording.rows import DoneRow, IntentRow, InvokeRow, LeftRow, MintRow, ToldRow
from tests.engine.stagehands import S, rows

KINDS = ["patient", "masher", "multitab", "doubleclick", "backbutton", "sdk", "bot"]


def target() -> Target:
    order = {"order": Claim(json="order")}
    return Target(
        surgectl_target=1,
        name="memory",
        base_url="http://127.0.0.1:1",
        headers={"X-Attempt": "{attempt}", "Idempotency-Key": "{key}"},
        mint={"key": "{uuid}", "email": "fan-{intent}@example.org"},
        journey=[
            Step(
                step="join",
                role="join",
                post="/join",
                outcomes=[
                    Rule(when=When(status=200), then="next"),
                    Rule(when=When(status=503), then="shed"),
                ],
            ),
            Step(
                step="hold",
                role="hold",
                post="/holds",
                json={"qty": "{qty}"},
                outcomes=[
                    Rule(when=When(status=201), then="next"),
                    Rule(when=When(status=409), end="sold-out"),
                ],
                take={"hold": Take(json="hold")},
            ),
            Step(
                step="pay",
                role="pay",
                post="/pay/{hold}",
                json={"email": "{email}"},
                outcomes=[
                    Rule(when=When(status=202), then="poll"),
                    Rule(when=When(status=402), end="declined"),
                ],
                poll=Poll(
                    get="/orders/{hold}",
                    every=Duration(S),
                    within=Duration(30 * S),
                    outcomes=[
                        Rule(when=When(json={"state": "paid"}), end="confirmed"),
                        Rule(when=When(json={"state": "failed"}), end="declined"),
                    ],
                    claims=order,
                ),
            ),
        ],
        flows={
            "status": [
                Step(
                    step="status",
                    role="status",
                    get="/orders/{hold}",
                    outcomes=[Rule(when=When(json={"state": "paid"}), end="confirmed")],
                    claims=order,
                )
            ]
        },
    )


class Shop:
    """Sheds, loses replies, declines, sells out, and pays late."""

    def __init__(self, seats: int) -> None:
        self.seats = seats
        self.paid: set[str] = set()
        self.seen: Counter[str] = Counter()

    async def __call__(self, wire: Wire) -> Reply:
        attempt = dict(wire.headers)["X-Attempt"]
        self.seen[attempt] += 1
        draw = chance.unit(7, "shop", len(self.seen))
        await asyncio.sleep(0.01 + 0.3 * draw)
        path = wire.url.split("/", 3)[3]
        if path == "join":
            return _json(503, {}) if draw < 0.2 else _json(200, {})
        if path == "holds":
            if self.seats == 0:
                return _json(409, {})
            self.seats -= 1
            return _json(201, {"hold": f"h{self.seats}"})
        if path.startswith("pay/"):
            hold = path.split("/")[1]
            if draw < 0.1:
                return _json(402, {})
            self.paid.add(hold)
            if draw < 0.3:
                return Reply(broken="cut")  # paid, and the answer is lost
            if draw < 0.4:
                await asyncio.sleep(100)
            return _json(202, {})
        hold = path.split("/")[1]
        return _json(200, {"state": "paid" if hold in self.paid and draw > 0.3 else "pending", "order": hold})


def _json(status: int, body: Any) -> Reply:
    return Reply(status=status, headers=(("Content-Type", "application/json"),), body=msgspec.json.encode(body))


def test_a_crowd_of_every_kind(tmp_path: Path) -> None:
    """Every kind of fan plays its script to an end, every send is in the recording once, every doubt is asked about."""
    journey = compile_target(target())
    policies = {kind: compile_policy(load_retry_profile(kind)) for kind in KINDS}
    clock = LoopClock()
    shop = Shop(seats=450)
    shared = shared_variables(Sale(tickets=450, price=Money(8900, "EUR")))

    def cast(arrival: Arrival, now_ns: int) -> Part:
        intent = Intent(run="r", intent=f"r-{arrival.fan}", fan=arrival.fan, seed=3, qty=arrival.qty, shared=shared)
        person = Person(journey, policies[arrival.profile], intent, start_ns=arrival.due_ns)
        row = IntentRow(
            intent=intent.intent,
            fan=arrival.fan,
            profile=arrival.profile,
            phase=arrival.phase,
            qty=arrival.qty,
            price_minor=8900,
            currency="EUR",
            due_ns=arrival.due_ns,
            at_ns=now_ns,
            mint=person.minted,
        )
        return Part(intent=row, script=person.script, status=lambda _: person.status(), cookies=journey.cookies)

    async def main() -> Engine:
        crowd = (Arrival(n, n * S // 20, "all", KINDS[n % len(KINDS)], 1 + n % 2) for n in range(700))
        async with Journal(tmp_path) as journal, MemoryDriver(shop, clock, 0) as driver:
            scene = Scene(clock=clock, start_ns=0, journal=journal, driver=driver)
            engine = Engine(scene, arrivals=crowd, load_ns=35 * S, casting=cast)
            async with engine:
                await storm_then_ask(engine)
        return engine

    async def storm_then_ask(engine: Engine) -> None:
        await engine.load()
        await engine.drain(600 * S)
        await engine.read_statuses(60 * S)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        tally = runner.run(main()).tally()
    assert (tally.script_errors, tally.first_script_error, tally.target_errors) == (0, "", 0)
    assert (tally.arrived, tally.left, tally.active, tally.statuses_unread) == (700, 700, 0, 0)

    story = rows(tmp_path / "ops" / "0.jsonl.zst")
    invoked = Counter(row.attempt for row in story if isinstance(row, InvokeRow))
    done = {row.attempt: row for row in story if isinstance(row, DoneRow)}
    assert max(invoked.values()) == 1 and set(invoked) == set(done)
    assert max(shop.seen.values()) == 1 and set(shop.seen) == set(invoked)
    assert any(row.double for row in story if isinstance(row, InvokeRow))
    assert any(row.tab > 1 for row in story if isinstance(row, InvokeRow))
    assert any(isinstance(row, MintRow) for row in story), "backbutton and sdk pay with fresh keys or say so"
    assert any(row.why == "shed" for row in done.values()) and any(row.why == "timeout" for row in done.values())

    told = defaultdict(list)
    for row in story:
        if isinstance(row, ToldRow):
            told[row.intent].append(row)
    confirmed = {intent for intent, words in told.items() if any(w.end == "confirmed" for w in words)}
    assert confirmed and len(confirmed) <= len(shop.paid)
    doubtful = {
        intent
        for intent, words in told.items()
        if any(w.outcome == "info" and w.role == "pay" for w in words)
        and not any(w.end == "confirmed" and not w.status_read for w in words)
    }
    asked = {row.intent for row in story if isinstance(row, InvokeRow) and row.role == "status"}
    assert doubtful and doubtful <= asked
    left = Counter(row.intent for row in story if isinstance(row, LeftRow) and row.tab == 0)
    assert set(left.values()) == {1} and len(left) == 700

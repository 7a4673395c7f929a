"""Made-up evenings, small and wild: every kind of row that a threshold may count, in the order of time."""

from __future__ import annotations

import random

from surgectl.recording.manifest import PhaseNote
from surgectl.recording.rows import (
    ChaosRow,
    DoneRow,
    DroppedRow,
    FaultRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    OpRow,
    ProbeRow,
    ToldRow,
)

S = 10**9
PROFILES = ("patient", "masher")
PHASES = (
    PhaseNote(name="doors", start_ns=0, end_ns=4_300_000_000, fans=10),
    PhaseNote(name="on-sale", start_ns=4_300_000_000, end_ns=12 * S, fans=10),
)
STEPS = (("page", "browse"), ("hold", "hold"), ("pay", "pay"))
WHYS = {"ok": "next", "fail": "refused", "info": "timeout"}


def evening(seed: int, fans: int = 25) -> tuple[list[OpRow], list[ChaosRow]]:
    """(ops, chaos) of one evening of some 20 s."""
    chance = random.Random(seed)
    told: list[tuple[int, OpRow]] = []
    for fan in range(fans):
        told += _fan(chance, fan)
    for n in range(30):
        due, lasted = n * S // 2 + chance.randrange(1000), chance.choice([10**6, 10**7, 2 * S])
        outcome = chance.choice(["ok", "ok", "ok", "fail", "info"])
        why = chance.choice(["", "late"])
        row = ProbeRow(step="about", due_ns=due, sent_ns=due, done_ns=due + lasted, outcome=outcome, why=why)  # type: ignore[arg-type]
        told.append((due + lasted, row))
    for fan in range(chance.randrange(3)):
        at = chance.randrange(10 * S)
        told.append((at + S, DroppedRow(fan=1000 + fan, due_ns=at, at_ns=at + S)))
    told.sort(key=lambda pair: pair[0])
    faults: list[ChaosRow] = []
    if chance.random() < 0.9:
        begin = chance.randrange(2 * S, 8 * S)
        faults.append(FaultRow(fault="0", event="applied", at_ns=begin, link="payments", brownout="slow"))
        faults.append(
            FaultRow(fault="0", event="healed", at_ns=begin + 3_100_000_000, link="payments", brownout="slow")
        )
    return [row for _, row in told], faults


def _fan(chance: random.Random, fan: int) -> list[tuple[int, OpRow]]:
    at, intent = chance.randrange(10 * S), f"run-i{fan}"
    rows: list[tuple[int, OpRow]] = [
        (
            at,
            IntentRow(
                intent=intent, fan=fan, profile=chance.choice(PROFILES), phase="on-sale", qty=1, price_minor=100,
                currency="EUR", due_ns=at, at_ns=at,
            ),
        )
    ]  # fmt: skip
    number = 0
    end, outcome = "closed", "fail"
    for op in range(chance.randrange(1, 6)):
        step, role = chance.choice(STEPS)
        for again in range(chance.randrange(1, 3)):
            number += 1
            due = at
            at += chance.choice([0, 1000, 20_000_000])
            rows.append(
                (
                    at,
                    InvokeRow(
                        attempt=f"{intent}.{number}", intent=intent, step=step, role=role, op=op, due_ns=due, at_ns=at,
                        try_=again + 1, double=chance.random() < 0.1, poll=chance.random() < 0.1,
                    ),
                )
            )  # fmt: skip
            at += chance.choice([5_000_000, 99_999_999, 100_000_000, 730_000_000, 1_000_000_000, 3_333_000_000])
            if chance.random() < 0.07:
                continue  # the run ended before anything came back
            outcome = chance.choice(["ok", "ok", "ok", "fail", "info"])
            why = chance.choice([WHYS[outcome], WHYS[outcome], "not-sent", "shed"])
            sent = None if why == "not-sent" else due + 1000
            rows.append(
                (
                    at,
                    DoneRow(attempt=f"{intent}.{number}", outcome=outcome, why=why, sent_ns=sent, done_ns=at),  # type: ignore[arg-type]
                )
            )
        end = {"ok": chance.choice(["confirmed", "accepted"]), "fail": chance.choice(["declined", "sold-out"])}.get(
            outcome, "unknown"
        )
        if chance.random() < 0.9:
            rows.append(
                (
                    at,
                    ToldRow(intent=intent, op=op, step=step, role=role, outcome=outcome, end=end, at_ns=at),  # type: ignore[arg-type]
                )
            )
    if chance.random() < 0.9:
        rows.append((at + 1, LeftRow(intent=intent, end=end, outcome=outcome, at_ns=at + 1)))  # type: ignore[arg-type]
    return rows

"""A made-up rehearsal, row by row in the order of time: a drop, a brownout of the payments, people who try again."""

from __future__ import annotations

import random
from collections.abc import Iterator

from surgectl.plan.model import PlannedFault, PlannedPhase
from surgectl.recording.rows import (
    ChaosRow,
    DoneRow,
    FaultRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    OpRow,
    ProbeRow,
    ToldRow,
    VitalsRow,
)

Row = OpRow | ChaosRow | VitalsRow
S = 1_000_000_000
MS = 1_000_000
TICKETS = 900
LOAD_ENDS_NS = 85 * S
FAULT_FROM_S, FAULT_TO_S = 9.0, 21.0
PHASES = (
    PlannedPhase(name="doors", start_ns=0, end_ns=5 * S, first_fan=0, fans=100, peak_rate_per_s=20),
    PlannedPhase(name="on-sale", start_ns=5 * S, end_ns=35 * S, first_fan=100, fans=1000, peak_rate_per_s=92),
    PlannedPhase(name="tail", start_ns=35 * S, end_ns=LOAD_ENDS_NS, first_fan=1100, fans=500, peak_rate_per_s=10),
)
FAULTS = (
    PlannedFault(
        fault="0",
        from_ns=round(FAULT_FROM_S * S),
        to_ns=round(FAULT_TO_S * S),
        link="payments",
        brownout="lost-reply",
    ),
)
FANS = sum(phase.fans for phase in PHASES)


def rows(seed: int = 1) -> list[Row]:
    """The whole rehearsal, in the order in which it was written down."""
    chance = random.Random(seed)
    told: list[tuple[int, Row]] = []
    sold = 0
    for fan, due_ns in _arrivals(chance):
        won = sold < TICKETS
        story = list(_fan(chance, fan, due_ns, won))
        sold += any(isinstance(row, ToldRow) and row.end == "confirmed" for _, row in story)
        told += story
    told += _faults() + list(_probes()) + list(_vitals(chance))
    told.sort(key=lambda pair: pair[0])
    return [row for _, row in told]


def when_ns(row: Row) -> int:
    """When a row was written down."""
    return row.done_ns if isinstance(row, DoneRow | ProbeRow) else row.at_ns


def _arrivals(chance: random.Random) -> Iterator[tuple[int, int]]:
    for phase in PHASES:
        span = phase.end_ns - phase.start_ns
        for i in range(phase.fans):
            share = i / phase.fans
            if phase.name == "on-sale":  # half of what is left comes within each 8 seconds
                share = min(1.0, -8 * _log2(1 - share * 0.926) / 30)
            yield phase.first_fan + i, phase.start_ns + round(share * span) + chance.randrange(20 * MS)


def _log2(x: float) -> float:
    from math import log2

    return log2(x)


def _fan(chance: random.Random, fan: int, due_ns: int, won: bool) -> Iterator[tuple[int, Row]]:
    intent = f"i{fan}"
    at_ns = due_ns + chance.randrange(2 * MS)
    phase = next(p.name for p in reversed(PHASES) if p.first_fan <= fan)
    yield (
        at_ns,
        IntentRow(
            intent=intent,
            fan=fan,
            profile="patient",
            phase=phase,
            qty=1,
            price_minor=8900,
            currency="EUR",
            due_ns=due_ns,
            at_ns=at_ns,
        ),
    )
    count = 0

    def attempt(step: str, role: str, op: int, took_ms: float, outcome: str, why: str, **more: object) -> list:
        nonlocal at_ns, count
        count += 1
        name = f"{intent}.{count}"
        invoke = InvokeRow(
            attempt=name,
            intent=intent,
            step=step,
            role=role,
            op=op,
            due_ns=at_ns,
            at_ns=at_ns,
            try_=more.get("try_", 1),
            poll=more.get("poll", False),
        )
        done_ns = at_ns + round(took_ms * MS)
        done = DoneRow(attempt=name, outcome=outcome, why=why, sent_ns=at_ns + MS // 10, done_ns=done_ns)
        pair = [(at_ns, invoke), (done_ns, done)]
        at_ns = done_ns
        return pair

    def told(step: str, role: str, op: int, outcome: str, end: str) -> tuple[int, Row]:
        row = ToldRow(intent=intent, op=op, step=step, role=role, outcome=outcome, end=end, at_ns=at_ns)
        return at_ns, row

    yield from attempt("open", "browse", 1, 4 + chance.random() * 6, "ok", "next")
    at_ns += chance.randrange(800 * MS)
    yield from attempt("join", "join", 2, 5 + chance.random() * 9, "ok", "next")
    yield told("join", "join", 2, "ok", "next")
    for _ in range(chance.randrange(1, 5)):
        at_ns += 900 * MS
        yield from attempt("wait", "poll", 3, 4 + chance.random() * 5, "ok", "wait", poll=True)
    if not won:
        yield from attempt("hold", "hold", 4, 12, "fail", "sold-out")
        yield told("hold", "hold", 4, "fail", "sold-out")
        yield at_ns, LeftRow(intent=intent, end="sold-out", outcome="fail", at_ns=at_ns)
        return
    if chance.random() < 0.2:
        yield from attempt("hold", "hold", 4, 3, "fail", "shed")
        at_ns += 400 * MS
        yield from attempt("hold", "hold", 4, 20, "ok", "next", try_=2)
    else:
        yield from attempt("hold", "hold", 4, 10 + chance.random() * 20, "ok", "next")
    yield told("hold", "hold", 4, "ok", "next")
    at_ns += chance.randrange(1500 * MS)
    for number in range(1, 6):
        broken = FAULT_FROM_S * S <= at_ns <= FAULT_TO_S * S and chance.random() < 0.5
        if not broken:
            yield from attempt("pay", "pay", 5, 60 + chance.random() * 300, "ok", "confirmed", try_=number)
            yield told("pay", "pay", 5, "ok", "confirmed")
            yield at_ns, LeftRow(intent=intent, end="confirmed", outcome="ok", at_ns=at_ns)
            return
        yield from attempt("pay", "pay", 5, 3000, "info", "timeout", try_=number)
        at_ns += 1000 * MS
    yield told("pay", "pay", 5, "info", "unknown")
    yield at_ns, LeftRow(intent=intent, end="unknown", outcome="info", at_ns=at_ns)


def _faults() -> list[tuple[int, Row]]:
    steps = (
        ("applied", FAULT_FROM_S + 0.02, "1 toxic on payments", {}),
        ("verified", FAULT_FROM_S + 1.1, "14 replies lost", {"cut": 14}),
        ("healed", FAULT_TO_S + 0.03, "gone, a probe passed", {}),
    )
    return [
        (
            round(at_s * S),
            FaultRow(
                fault="0",
                event=event,
                at_ns=round(at_s * S),
                link="payments",
                brownout="lost-reply",
                detail=detail,
                observed=observed,
            ),
        )
        for event, at_s, detail, observed in steps
    ]


def _probes() -> Iterator[tuple[int, Row]]:
    for i in range(85):
        due_ns = i * S
        yield (
            due_ns + 5 * MS,
            ProbeRow(step="about", due_ns=due_ns, sent_ns=due_ns, done_ns=due_ns + 5 * MS, outcome="ok", status=200),
        )


def _vitals(chance: random.Random) -> Iterator[tuple[int, Row]]:
    for second in range(1, 95):
        crowd = 0.7 if 5 <= second < 25 else 0.2
        yield (
            second * S,
            VitalsRow(
                at_ns=second * S,
                lag_ns=round((2 + 9 * crowd * chance.random()) * MS),
                cpu=crowd * (0.8 + 0.2 * chance.random()),
                sockets=round(300 * crowd),
                rss_bytes=(90 + second // 4) * 2**20,
                arrival_lag_ns=round((1 + 4 * crowd * chance.random()) * MS),
            ),
        )

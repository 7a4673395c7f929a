"""A rush on a night, second by second: fans in line who ask how far they have come, probes, refusals for overload."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from surgectl.recording.rows import DoneRow, FaultRow, IntentRow, InvokeRow, LeftRow, Outcome, ProbeRow, ToldRow
from tests.histories.night import PRICE, Night, S

EVERYBODY = range(60)


def comes(night: Night, fan: int, at_s: float, profile: str = "patient") -> Night:
    """A fan arrives, once."""
    intent = f"run-i{fan}"
    if intent not in night.tries:
        night.tries[intent] = 0
        at_ns = round(at_s * S)
        night.ops.append(
            IntentRow(
                intent=intent,
                fan=fan,
                profile=profile,
                phase="on-sale",
                qty=1,
                price_minor=PRICE,
                currency="EUR",
                due_ns=at_ns,
                at_ns=at_ns,
            )
        )
    return night


def asks(
    night: Night,
    fan: int,
    at_s: float,
    *,
    role: str = "join",
    outcome: Outcome = "ok",
    why: str = "not-yet",
    then: str = "poll",
    took_s: float = 0.1,
    poll: bool = True,
    tab: int = 0,
    op: int = 1,
    claims: dict[str, object] | None = None,
    sent: bool = True,
) -> Night:
    """One request and its reply, at these seconds."""
    intent = f"run-i{fan}"
    night.tries[intent] = number = night.tries.get(intent, 0) + 1
    at_ns, attempt = round(at_s * S), f"{intent}.{tab}.{number}"
    night.ops.append(
        InvokeRow(
            attempt=attempt, intent=intent, step=role, role=role, op=op, due_ns=at_ns, at_ns=at_ns, tab=tab, poll=poll
        )
    )
    night.ops.append(
        DoneRow(
            attempt=attempt,
            outcome=outcome,
            why=why,
            then=then,
            sent_ns=at_ns if sent else None,
            done_ns=round((at_s + took_s) * S),
            claims=claims or {},
        )
    )
    return night


def joins(night: Night, fan: int, at_s: float, position: int | None = None, **more: object) -> Night:
    """Enters the line and is told to wait, perhaps at a position."""
    comes(night, fan, at_s)
    return polls(night, fan, at_s, position, poll=False, why="poll", **more)


def polls(night: Night, fan: int, at_s: float, position: int | None = None, **more: object) -> Night:
    """Asks how far the line has come, and is told "not yet"."""
    claims = {} if position is None else {"position": position}
    return asks(night, fan, at_s, claims=claims, **more)  # type: ignore[arg-type]


def is_let_in(night: Night, fan: int, at_s: float, **more: object) -> Night:
    return asks(night, fan, at_s, why="next", then="next", **more)  # type: ignore[arg-type]


def line(
    night: Night,
    joined_s: Mapping[int, float],
    let_in_s: Mapping[int, float],
    *,
    every_s: float = 2.0,
    hidden_until_s: Mapping[int, float] | None = None,
    numbered: bool = True,
    left_s: float = 60.0,
) -> Night:
    """A line whose fans join and are let in at these seconds and ask every so often in between. Who is never let in
    leaves at `left_s`. Positions are true, and hidden until the seconds that are given."""
    turns = sorted(let_in_s.values())
    for fan, joined in joined_s.items():
        inside = let_in_s.get(fan, left_s)
        at_s, first = joined, True
        while at_s < inside:
            ahead = bisect_right(turns, inside) - bisect_right(turns, at_s) + (fan not in let_in_s)
            shown = numbered and at_s >= (hidden_until_s or {}).get(fan, 0.0)
            (joins if first else polls)(night, fan, at_s, max(1, ahead) if shown else None)
            at_s, first = at_s + every_s, False
        if fan in let_in_s:
            is_let_in(night, fan, at_s)
        else:
            night.ops.append(LeftRow(intent=f"run-i{fan}", end="quit", outcome="fail", at_ns=round(left_s * S)))
    return night


def in_turn(order: Iterable[int], from_s: float = 15.0, each_s: float = 0.25) -> dict[int, float]:
    """Let in one after the other."""
    return {fan: from_s + place * each_s for place, fan in enumerate(order)}


def evenly(fans: Iterable[int], from_s: float = 0.0, each_s: float = 0.2) -> dict[int, float]:
    """They join one after the other."""
    return {fan: from_s + place * each_s for place, fan in enumerate(fans)}


def buys_with(night: Night, fan: int, tabs: int, *, wins: bool, at_s: float = 1.0, profile: str = "tabs") -> Night:
    """Joins the line in the first of so many tabs, and is confirmed or not."""
    comes(night, fan, at_s, profile)
    is_let_in(night, fan, at_s, poll=False)
    end, outcome = ("confirmed", "ok") if wins else ("quit", "fail")
    at_ns = round((at_s + 1) * S)
    night.ops.append(
        ToldRow(intent=f"run-i{fan}", op=2, step="pay", role="pay", outcome=outcome, end=end, at_ns=at_ns)  # type: ignore[arg-type]
    )
    for tab in range(tabs):
        night.ops.append(
            LeftRow(intent=f"run-i{fan}", tab=tab, end=end if not tab else "closed", outcome=outcome, at_ns=at_ns)  # type: ignore[arg-type]
        )
    return night


def probes(
    night: Night,
    count: int,
    *,
    from_s: float = 0.0,
    per_s: float = 50.0,
    failed: int = 0,
    took_ms: float = 3.0,
    slow: int = 0,
    slow_ms: float = 0.0,
    step: str = "about",
    late: int = 0,
) -> Night:
    """Probes at a steady rate; the first `failed` are not answered, then some are slow, then some our fault."""
    for number in range(count):
        due_ns = round((from_s + number / per_s) * S)
        slowly = failed <= number < failed + slow
        ours = failed + slow <= number < failed + slow + late
        took_ns = round((slow_ms if slowly else took_ms) * 1_000_000)
        night.ops.append(
            ProbeRow(
                step=step,
                due_ns=due_ns,
                sent_ns=due_ns,
                done_ns=due_ns + took_ns,
                outcome="info" if number < failed or ours else "ok",
                why="timeout" if number < failed else "late" if ours else "next",
            )
        )
    return night


def broken(night: Night, from_s: float, to_s: float, link: str = "payments", number: str = "0") -> Night:
    """A fault on a link, or by command where `link` is empty."""
    for event, at_s in (("applied", from_s), ("verified", from_s), ("healed", to_s)):
        row = FaultRow(fault=number, event=event, at_ns=round(at_s * S), link=link, brownout="down")  # type: ignore[arg-type]
        night.chaos.append(row)
    return night


def turned_away(
    night: Night,
    fans: Iterable[int],
    *,
    took_ms: float = 10.0,
    wait_s: Iterable[float | None] = (1.0, 2.0, 3.0),
    looked: bool = True,
    back_s: float = 3.0,
    from_s: float = 2.0,
) -> Night:
    """Each pays, is too many, and comes back after a while; the waits that they are told take turns."""
    waits = list(wait_s)
    for place, fan in enumerate(fans):
        at_s = from_s + place * 0.05
        comes(night, fan, at_s)
        asks(
            night,
            fan,
            at_s,
            role="pay",
            outcome="fail",
            why="shed",
            then="shed",
            took_s=took_ms / 1000,
            poll=False,
            claims={"wait_s": waits[place % len(waits)]} if looked else {},
        )
        asks(night, fan, at_s + took_ms / 1000 + back_s, role="pay", why="confirmed", then="end", poll=False)
    return night


def times_out(night: Night, fans: Iterable[int]) -> Night:
    """Each pays and hears nothing."""
    for fan in fans:
        comes(night, fan, 1.0)
        asks(night, fan, 1.0, role="pay", outcome="info", why="timeout", then="unknown", took_s=10.0, poll=False)
    return night

"""Whole evenings of a correct shop: what truly happened to each fan, and how little of it came through.

The books follow from what really happened, the history from what was seen. Around both lies what a stranger's evening
is like: ledgers whose clocks are an hour off, rows in any order, a page that repeats itself, stories of other runs.
"""

from __future__ import annotations

import random
from typing import Any, Literal

import msgspec
from hypothesis import strategies as st

from surgectl.recording.rows import DoneRow, InvokeRow, Outcome, ToldRow
from tests.histories.night import EPOCH, PRICE, Night, S

Fate = Literal[
    "sold",
    "declined",
    "declined-then-sold",
    "late-money",
    "sold-out",
    "never-reached",
    "abandoned",
    "fewer",
]
"""late-money: the hold was gone when the charge landed, and it went back; fewer: wanted two, took the last one."""


class Life(msgspec.Struct, frozen=True):
    """One fan: what truly became of the order, and what of it came through."""

    fate: Fate = "sold"
    qty: int = 1
    lost: int = 0
    """Replies to the payment that got lost before one came through."""
    last: Literal["answer", "ack", "silence", "nameless"] = "answer"
    """What came of the last send: the answer, an acknowledgement with the answer later, nothing ever, or a page that
    says "confirmed" without a number."""
    double: bool = False
    fresh_key: bool = False
    """Each retry mints a new key; a correct shop still sells once."""
    second_charge: Literal["no", "refunded", "voided"] = "no"
    """The shop's own retry charged twice, and gave one back or let it go."""
    parts: int = 1
    """Captures that make the sum together."""
    status: bool = False
    tab: Literal["none", "refused", "lost", "declined-late"] = "none"
    """A second tab, which gets nothing."""
    delay_s: int = 0
    """How much later than the fan before this one begins; below zero, they overlap."""


class Surroundings(msgspec.Struct, frozen=True):
    """What is around an evening and no fault of the shop."""

    shop_ahead_s: int = 0
    provider_ahead_s: int = 0
    shuffled: int = 0
    """Seed of the order of all rows; 0 = as they came."""
    repeated: int = 0
    """Every so-many-th row of a book stands twice; 0 = none."""
    strays: int = 0
    """Orders with their charges that belong to another run."""
    stray_age_s: int = 0


def lives() -> st.SearchStrategy[list[Life]]:
    """A crowd."""
    fates: list[Fate] = [
        "sold", "sold", "sold", "declined", "declined-then-sold", "late-money", "sold-out", "never-reached",
        "abandoned", "fewer",
    ]  # fmt: skip
    life = st.builds(
        Life,
        fate=st.sampled_from(fates),
        qty=st.integers(1, 2),
        lost=st.integers(0, 2),
        last=st.sampled_from(["answer", "ack", "silence", "nameless"]),
        double=st.booleans(),
        fresh_key=st.booleans(),
        second_charge=st.sampled_from(["no", "no", "refunded", "voided"]),
        parts=st.integers(1, 3),
        status=st.booleans(),
        tab=st.sampled_from(["none", "none", "refused", "lost", "declined-late"]),
        delay_s=st.integers(-3, 8),
    )
    return st.lists(life, min_size=1, max_size=8)


def surroundings(strays: bool = True) -> st.SearchStrategy[Surroundings]:
    hour = st.sampled_from([0, 0, 3600, -3600, 59, -59, 1])
    return st.builds(
        Surroundings,
        shop_ahead_s=hour,
        provider_ahead_s=hour,
        shuffled=st.integers(0, 5),
        repeated=st.integers(0, 3),
        strays=st.integers(0, 2) if strays else st.just(0),
        stray_age_s=st.sampled_from([0, 30, 3600, 86400]),
    )


def play(crowd: list[Life]) -> Night:
    """A night on which a correct shop met this crowd."""
    wanted, sold = sum(life.qty for life in crowd), sum(_sold(life) for life in crowd)
    # Who is told that all is sold is told the truth; where nothing was sold at all, it was the limit.
    refused = any(life.fate == "sold-out" for life in crowd)
    night = Night(capacity=sold if refused and sold else wanted)
    for fan, life in enumerate(crowd):
        if life.fate == "sold-out":
            night.clock = max(0, night.clock + life.delay_s * S)
            night.refused(fan, "sold-out" if sold else "limit")
            continue
        night.clock = max(0, night.clock + life.delay_s * S)
        _play_one(night, fan, life)
    return night


def surround(night: Night, around: Surroundings) -> Night:
    """The same night in the world as it is. It changes the night."""
    if night.stock is None:
        sold = len({ticket.ticket for ticket in night.tickets if ticket.state == "valid"})
        night.stands(available=max(0, night.capacity - sold), held=0, sold=sold)
    for number in range(around.strays):
        fan = 900 + number
        night.order(fan, order=f"stray-{number}", linked=False).charge(fan, linked=False)
        night.orders[-1] = _moved(night.orders[-1], -around.stray_age_s)
        night.tickets[-1] = _moved(night.tickets[-1], -around.stray_age_s)
        night.charges[-1] = _moved(night.charges[-1], -around.stray_age_s)
    for kind in ("orders", "tickets", "holds"):
        setattr(night, kind, [_moved(row, around.shop_ahead_s) for row in getattr(night, kind)])
    for kind in ("charges", "refunds"):
        setattr(night, kind, [_moved(row, around.provider_ahead_s) for row in getattr(night, kind)])
    chance = random.Random(around.shuffled)
    for kind in ("orders", "tickets", "holds", "charges", "refunds", "ops"):
        rows = list(getattr(night, kind))
        if around.repeated and kind != "ops":
            rows += rows[:: around.repeated]
        if around.shuffled:
            chance.shuffle(rows)
        setattr(night, kind, rows)
    return night


def _moved(row: Any, ahead_s: int) -> Any:
    return row if row.at_s is None else msgspec.structs.replace(row, at_s=row.at_s + ahead_s)


def _sold(life: Life) -> int:
    """How many tickets it ends with."""
    if life.fate == "fewer":
        return 1
    return life.qty if life.fate in ("sold", "declined-then-sold") else 0


def _play_one(night: Night, fan: int, life: Life) -> None:
    if life.fate == "abandoned":
        night.abandons(fan)
        return
    sold = _sold(life) > 0
    qty = 1 if life.fate == "fewer" else life.qty
    night.fan(fan, life.qty)
    night.hold(fan, qty, state="used" if sold else "released")
    if life.fate == "never-reached":
        night.send(fan, "pay", "fail", "not-sent").told(fan, "pay", "fail", "not-sent").left(fan, "not-sent", "fail")
        return
    op = 2
    if life.fate == "declined-then-sold":
        night.send(fan, "pay", "fail", "declined", key=f"key-{fan:06d}-no").told(fan, "pay", "fail", "declined")
        op = 3
    _pay(night, fan, life, qty, sold, op)
    _second_tab(night, fan, life)
    _book(night, fan, life, qty, sold)


def _pay(night: Night, fan: int, life: Life, qty: int, sold: bool, op: int) -> None:
    for number in range(life.lost):
        key = f"key-{fan:06d}" + (f"-{number}" if life.fresh_key else "")
        night.send(fan, "pay", "info", "timeout", then="unknown", key=key, op=op)
    claims: dict[str, object] = {"order": f"o{fan}", "qty": qty, "amount_minor": qty * PRICE, "currency": "EUR"}
    end, outcome = _truth(life, sold)
    told = claims if sold else {}
    if life.last == "silence":
        night.send(fan, "pay", None, "", op=op).told(fan, "pay", "info", "unknown", op=op).left(fan, "unknown", "info")
    elif life.last == "ack":
        night.send(fan, "pay", "ok", "accepted", then="poll", op=op)
        night.told(fan, "pay", outcome, end, op=op, claims=told).left(fan, end, outcome)
    else:
        shown = {} if life.last == "nameless" else told
        night.send(fan, "pay", outcome, end, op=op, claims=shown)
        if life.double:
            night.send(fan, "pay", "info", "cut", then="unknown", double=True, op=op)
        night.told(fan, "pay", outcome, end, op=op, claims=shown).left(fan, end, outcome)
    if life.status:
        night.tick(7 * S)
        night.told(fan, "status", outcome, end, op=9, status_read=True, claims=told)


def _truth(life: Life, sold: bool) -> tuple[str, Outcome]:
    return ("confirmed", "ok") if sold else ("declined", "fail")


def _second_tab(night: Night, fan: int, life: Life) -> None:
    """Another tab of the same fan: refused, never answered, or told late that it was declined."""
    if life.tab == "none":
        return
    key = f"key-{fan:06d}-tab"
    if life.tab == "refused":
        night.send(fan, "pay", "fail", "limit", tab=1, key=key).told(fan, "pay", "fail", "limit", tab=1)
        return
    night.send(fan, "pay", "info", "timeout", tab=1, key=key).told(fan, "pay", "info", "unknown", tab=1)
    if life.tab == "declined-late":
        night.tick(7 * S)
        night.told(fan, "status", "fail", "declined", op=9, tab=1, status_read=True)


def _book(night: Night, fan: int, life: Life, qty: int, sold: bool) -> None:
    """What shop and provider write down."""
    due = qty * PRICE
    if sold:
        night.order(fan, qty)
        for part in range(life.parts):
            amount = due - (life.parts - 1) * 1000 if part == 0 else 1000
            night.charge(fan, amount=amount, charge=f"ch{fan}" + (f"-{part}" if part else ""))
        if life.fate == "declined-then-sold":
            night.charge(fan, amount=0, state="failed", charge=f"ch{fan}-no")
        if life.second_charge == "refunded":
            night.charge(fan, qty, charge=f"ch{fan}b").refund(f"ch{fan}b", due)
        elif life.second_charge == "voided":
            night.charge(fan, amount=0, authorised=due, state="voided", charge=f"ch{fan}b").refund(f"ch{fan}b", due)
    elif life.fate == "late-money":
        night.order(fan, qty, state="void").charge(fan, qty).refund(f"ch{fan}", due)
    else:
        night.order(fan, qty, state="void").charge(fan, amount=0, state="failed")


def seen(night: Night) -> list[InvokeRow | DoneRow | ToldRow]:
    """What fans sent and were told."""
    return [row for row in night.ops if isinstance(row, InvokeRow | DoneRow | ToldRow)]


__all__ = ["EPOCH", "Life", "Surroundings", "lives", "play", "seen", "surround", "surroundings"]

"""One fan's story across all ledgers, in the order it happened: what was sent, told, ordered, charged and broken.

The fan's lane is our own clock; shop and provider put their own times on their rows, which are shown where they fall
on our axis and prove no order among themselves (a foreign clock may be off by more than the gap).
"""

from __future__ import annotations

from typing import Literal

from surgectl.audit.answers import UNANSWERED
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Moment
from surgectl.recording.relations import Relations, where
from surgectl.units import NS_PER_S, show_duration, show_money

Lane = Literal["fan", "shop", "provider", "link"]
_LANES: tuple[Lane, ...] = ("fan", "link", "shop", "provider")
_AT_MOST = 120
COARSE = " (its clock shows whole seconds)"
"""Such a row stands at the end of its second: before that it may not have happened yet."""


def story(
    relations: Relations,
    expectations: Expectations,
    intent: str | None,
    *,
    orders: tuple[str, ...] = (),
    charges: tuple[str, ...] = (),
) -> list[Moment]:
    """The merged timeline of an intent, with orders and charges that belong to it or are named beside it."""
    moments: list[Moment] = []
    if intent is not None:
        moments += _fan(relations, intent)
    moments += _shop(relations, expectations, intent, orders)
    moments += _provider(relations, expectations, intent, charges)
    moments += _letters(relations, expectations, intent, orders)
    times = [moment.at_s for moment in moments if moment.lane == "fan" and moment.at_s is not None]
    if times:
        moments += _link(relations, min(times), max(times))
    moments.sort(key=_order)
    if len(moments) > _AT_MOST:
        middle = Moment(at_s=None, lane="fan", text=f"… {len(moments) - _AT_MOST} more in between …")
        half = _AT_MOST // 2
        return [*moments[:half], middle, *moments[-half:]]
    return moments


def _order(moment: Moment) -> tuple[bool, float, int, str, str]:
    # Without a time a row goes to the end: it is known to be there, not when.
    timeless = moment.at_s is None
    late_s = 1.0 if moment.text.endswith(COARSE) else 0.0
    return (timeless, (moment.at_s or 0.0) + late_s, _LANES.index(moment.lane), moment.where, moment.text)


def _s(at_ns: int | None) -> float | None:
    return None if at_ns is None else round(at_ns / NS_PER_S, 6)


def _fan(relations: Relations, intent: str) -> list[Moment]:
    moments: list[Moment] = []
    query = """SELECT fan, profile, qty, price_minor, currency, due_ns, at_ns, file, line FROM intents WHERE intent = ?
               ORDER BY file, line"""
    for fan, profile, qty, price, currency, _, at_ns, file, line in relations.rows(query, [intent]):
        text = f"fan {fan} ({profile}) arrives and wants {qty} at {show_money(price, currency)}"
        moments.append(Moment(at_s=_s(at_ns), lane="fan", text=text, where=where(file, line)))
    moments += _sends(relations, intent) + _polls(relations, intent)
    query = f"""SELECT step, outcome, "end", at_ns, order_id, amount_minor, currency, qty, seats, status_read,
                 {UNANSWERED}, file, line
               FROM tolds WHERE intent = ? ORDER BY at_ns, file, line"""
    for step, outcome, end, at_ns, order, amount, currency, qty, seats, status, silent, file, line in relations.rows(
        query, [intent]
    ):
        claims = [f"order {order}"] if order else []
        if amount is not None:
            claims.append(show_money(amount, currency) if currency else f"{amount} minor units")
        if qty is not None:
            claims.append(f"{qty} tickets")
        if seats:
            claims.append("seats " + ", ".join(seats))
        who = ("the status page says nothing:" if silent else "the status page says") if status else "is told"
        said = end if status or outcome != "info" else f"{end}: may or may not have happened"
        text = f"{step} {who} {said}" + (f" ({', '.join(claims)})" if claims else "")
        moments.append(Moment(at_s=_s(at_ns), lane="fan", text=text, where=where(file, line)))
    query = 'SELECT "end", at_ns, tab, file, line FROM lefts WHERE intent = ? ORDER BY at_ns, file, line'
    for end, at_ns, tab, file, line in relations.rows(query, [intent]):
        tab_text = f" (tab {tab})" if tab else ""
        moments.append(Moment(at_s=_s(at_ns), lane="fan", text=f"leaves{tab_text}: {end}", where=where(file, line)))
    return moments


def _sends(relations: Relations, intent: str) -> list[Moment]:
    moments: list[Moment] = []
    query = """SELECT step, tab, try, double, key, at_ns, sent_ns, done_ns, outcome, why, status, detail, file,
                 invoke_line, done_line
               FROM attempts WHERE intent = ? AND NOT poll ORDER BY at_ns, file, invoke_line"""
    for (
        step,
        tab,
        try_,
        double,
        key,
        at_ns,
        sent_ns,
        done_ns,
        outcome,
        why,
        status,
        detail,
        file,
        first,
        last,
    ) in relations.rows(query, [intent]):
        name = step + (f", try {try_}" if try_ > 1 else "") + (", second click" if double else "")
        name += f", tab {tab}" if tab else ""
        with_key = f" with key {key}" if key else ""
        start = at_ns if sent_ns is None else sent_ns
        left = outcome != "fail" or why != "not-sent"  # not one byte of those ever reached the shop
        moments.append(
            Moment(
                at_s=_s(start),
                lane="fan",
                text=f"sends {name}{with_key}",
                where=where(file, first),
                arrow="to shop" if left else "",
            )
        )
        if last is None:
            text = f"{name}: no end was recorded"
            moments.append(Moment(at_s=None, lane="fan", text=text, where=where(file, first)))
            continue
        text = f"{name}: {outcome} ({why}" + (f", HTTP {status}" if status else "") + ")"
        if detail:
            text += f" {detail}"
        if done_ns is not None:
            text += f" after {show_duration(max(0, done_ns - start))}"
        moments.append(
            Moment(
                at_s=_s(done_ns),
                lane="fan",
                text=text,
                where=where(file, last),
                # Whatever has a status came from the shop; what is in doubt without one never came.
                arrow="from shop" if status else "nothing from shop" if outcome == "info" else "",
            )
        )
    return moments


def _polls(relations: Relations, intent: str) -> list[Moment]:
    """Waiting pages are asked dozens of times, or say something themselves: one line an operation."""
    query = """SELECT step, op, tab, count(*) FILTER (method <> ''), count(*) FILTER (method = ''), max(done_ns),
                 arg_max(why, invoke_line), min(file), max(done_line)
               FROM attempts WHERE intent = ? AND poll GROUP BY step, op, tab ORDER BY op, tab"""
    return [
        Moment(at_s=_s(at_ns), lane="fan", text=f"{step}: {_waited(asked, told)}, last {why}", where=where(file, line))
        for step, _, _, asked, told, at_ns, why, file, line in relations.rows(query, [intent])
    ]


def _waited(asked: int, told: int) -> str:
    """How a wait went: by asking, or by listening on connections that each brought a first word."""
    times = f"{asked:,} times" if asked != 1 else "once"
    return f"asked {times}" if not told else f"listened, connected {times}, told {told:,} times more"


def _axis(expectations: Expectations, at_s: float | None) -> float | None:
    """A foreign clock's reading on our axis; None where it gave none or the run's start is not known."""
    if at_s is None or not expectations.started_epoch_s:
        return None
    return round(at_s - expectations.started_epoch_s, 3)


def _coarse(at_s: float | None) -> str:
    return COARSE if at_s is not None and at_s == int(at_s) else ""


def _with(relations: Relations, links: str, column: str, intent: str | None, named: tuple[str, ...]) -> list[str]:
    """The ids that belong to an intent, and those named beside it."""
    # Looked up first: a join over half a million rows for each of a dozen stories is what an audit would wait for.
    found = relations.rows(f"SELECT {column} FROM {links} WHERE intent = ? ORDER BY {column}", [intent])
    return list(dict.fromkeys([*named, *(name for (name,) in found)]))


def _shop(
    relations: Relations, expectations: Expectations, intent: str | None, orders: tuple[str, ...]
) -> list[Moment]:
    moments: list[Moment] = []
    query = """SELECT o.order_id, o.state, o.qty, o.amount_minor, o.currency, o.at_s, l.via, o.file, o.line
               FROM (SELECT * FROM orders WHERE list_contains($1, order_id)) o
                 LEFT JOIN (SELECT * FROM links_orders WHERE list_contains($1, order_id)) l USING (order_id)
               ORDER BY o.file, o.line"""
    ours = _with(relations, "links_orders", "order_id", intent, orders)
    for order, state, qty, amount, currency, at_s, via, file, line in relations.rows(query, [ours]):
        text = f"order {order} is {state}" + (f", {qty} tickets" if qty is not None else "")
        if amount is not None:
            text += f", {show_money(amount, currency)}" if currency else f", {amount} minor units"
        text += (f" [found by {via}]" if via else "") + _coarse(at_s)
        moments.append(Moment(at_s=_axis(expectations, at_s), lane="shop", text=text, where=where(file, line)))
    query = """SELECT ticket, order_id, state, seat, at_s, file, line FROM tickets WHERE list_contains(?, order_id)
               ORDER BY file, line"""
    for ticket, order, state, seat, at_s, file, line in relations.rows(query, [ours]):
        text = f"ticket {ticket} of order {order} is {state}" + (f", seat {seat}" if seat else "")
        moments.append(Moment(at_s=_axis(expectations, at_s), lane="shop", text=text, where=where(file, line)))
    return moments


def _provider(
    relations: Relations, expectations: Expectations, intent: str | None, charges: tuple[str, ...]
) -> list[Moment]:
    moments: list[Moment] = []
    query = """SELECT c.charge, c.state, c.captured_minor, c.currency, c.key, c.payment, c.at_s, l.via, c.file, c.line
               FROM (SELECT * FROM charges WHERE list_contains($1, charge)) c
                 LEFT JOIN (SELECT * FROM links_charges WHERE list_contains($1, charge)) l USING (charge)
               ORDER BY c.file, c.line"""
    ours = _with(relations, "links_charges", "charge", intent, charges)
    keys: list[str] = []
    payments: list[str] = []
    for charge, state, captured, currency, key, payment, at_s, via, file, line in relations.rows(query, [ours]):
        keys += [key] if key else []
        payments += [payment] if payment else []
        text = f"charge {charge} {state}: {show_money(captured, currency.upper())}"
        text += (f" with key {key}" if key else "") + (f" [found by {via}]" if via else "") + _coarse(at_s)
        moments.append(Moment(at_s=_axis(expectations, at_s), lane="provider", text=text, where=where(file, line)))
    query = """SELECT refund, charge, amount_minor, state, at_s, file, line FROM refunds WHERE list_contains(?, charge)
               ORDER BY file, line"""
    for refund, charge, amount, state, at_s, file, line in relations.rows(query, [ours]):
        text = f"refund {refund} of {charge} {state}: {amount} minor units" + _coarse(at_s)
        moments.append(Moment(at_s=_axis(expectations, at_s), lane="provider", text=text, where=where(file, line)))
    query = """SELECT method, key, status, at_s, file, line FROM requests
               WHERE list_contains(?, key) OR list_contains(?, payment) ORDER BY file, line LIMIT 20"""
    for method, key, status, at_s, file, line in relations.rows(query, [keys, payments]):
        text = f"receives {method}" + (f" with key {key}" if key else "")
        text += f", answers {status}" if status is not None else ", no answer left"
        moments.append(
            Moment(
                at_s=_axis(expectations, at_s), lane="provider", text=text, where=where(file, line), arrow="from shop"
            )
        )
    return moments


def _letters(
    relations: Relations, expectations: Expectations, intent: str | None, orders: tuple[str, ...]
) -> list[Moment]:
    """What the provider told the shop of these orders' payments, each time."""
    query = """WITH ours AS (SELECT order_id, payments FROM orders WHERE list_contains(?, order_id))
               SELECT event, type, delivery, signature, status, at_s, file, line FROM webhooks w
               WHERE payment IN (SELECT unnest(payments) FROM ours)
                 OR list_has_any(w.keys, (SELECT list('orders.order=' || order_id) FROM ours))
               ORDER BY file, line LIMIT 20"""
    moments: list[Moment] = []
    ours = _with(relations, "links_orders", "order_id", intent, orders)
    for event, type_, delivery, signature, status, at_s, file, line in relations.rows(query, [ours]):
        text = f"{type_} is delivered ({event}" + (f", time {delivery}" if delivery and delivery > 1 else "") + ")"
        text += ", not signed by the provider" if signature == "bad" else ""
        text += f", the shop answers {status}" if status is not None else ", no answer"
        moments.append(
            Moment(at_s=_axis(expectations, at_s), lane="provider", text=text, where=where(file, line), arrow="to shop")
        )
    return moments


def _link(relations: Relations, from_s: float, to_s: float) -> list[Moment]:
    """The faults that were on while the fan was there."""
    query = """SELECT fault, event, at_ns, link, brownout, file, line FROM faults WHERE event IN ('applied', 'healed')
               AND fault IN (SELECT fault FROM faults GROUP BY fault
                 HAVING coalesce(min(at_ns) FILTER (event = 'applied'), 0) <= ?
                   AND coalesce(max(at_ns) FILTER (event = 'healed'), 9223372036854775807) >= ?)
               ORDER BY at_ns, file, line"""
    return [
        Moment(at_s=_s(at_ns), lane="link", text=f"{link or 'command'}: {brownout} {event}", where=where(file, line))
        for _, event, at_ns, link, brownout, file, line in relations.rows(
            query, [round(to_s * NS_PER_S), round(from_s * NS_PER_S)]
        )
    ]

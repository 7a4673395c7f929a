"""Whose order, whose money: each way a ledger row may find its intent, and each way it must not."""

from __future__ import annotations

from typing import Any

import pytest

from surgectl.recording.evidence_rows import ChargeRow, OrderRow
from surgectl.recording.relations import Relations
from surgectl.recording.rows import DoneRow, IntentRow, InvokeRow, MintRow, OpRow, ToldRow


def intent(name: str, **mint: str) -> IntentRow:
    return IntentRow(
        intent=name,
        fan=int(name.removeprefix("i")),
        profile="patient",
        phase="on-sale",
        qty=1,
        price_minor=100,
        currency="EUR",
        due_ns=0,
        at_ns=0,
        mint=mint,
    )


def told(name: str, order: str) -> ToldRow:
    return ToldRow(
        intent=name, op=1, step="pay", role="pay", outcome="ok", end="confirmed", at_ns=1, claims={"order": order}
    )


def order(name: str, *keys: str, **more: Any) -> OrderRow:
    return OrderRow(order=name, state="valid", keys=list(keys), **more)


def charge(name: str, *keys: str, **more: Any) -> ChargeRow:
    return ChargeRow(charge=name, captured_minor=100, currency="EUR", keys=list(keys), **more)


TWO = [
    intent("i1", email="fan-run9-i1@example.org", key="key-of-the-first", buyer="Fan One Eleven"),
    intent("i2", email="fan-run9-i2@example.org", key="key-of-the-second", buyer="Fan One Twelve"),
]


def links(
    ops: list[OpRow], orders: list[OrderRow] | None = None, charges: list[ChargeRow] | None = None
) -> dict[str, tuple[Any, ...]]:
    """Row id → (intent, via, ambiguous)."""
    with Relations.from_rows(ops, {"orders": orders or [], "charges": charges or []}) as relations:
        found = relations.rows(
            "SELECT order_id, intent, via, ambiguous FROM links_orders UNION ALL "
            "SELECT charge, intent, via, ambiguous FROM links_charges"
        )
    return {row[0]: row[1:] for row in found}


NOT_LINKED = (None, None, False)
AMBIGUOUS = (None, None, True)

ORDER_LINKS = {
    "a minted value": (order("o", "fan-run9-i1@example.org"), ("i1", "email", False)),
    "the intent's id": (order("o", "i2"), ("i2", "intent", False)),
    "the idempotency key": (order("o", key="key-of-the-second"), ("i2", "key", False)),
    "an e-mail in other letters": (order("o", "Fan-Run9-I1@Example.org"), ("i1", "email", False)),
    "a word of a text": (order("o", "ticket for <fan-run9-i1@example.org>."), ("i1", "email in text", False)),
    "several words of a text": (order("o", "Seat A1, Fan One Eleven."), ("i1", "buyer in text", False)),
    "part of an address": (order("o", "https://shop/o?k=key-of-the-first&x=1"), ("i1", "key in text", False)),
    "the first key that fits": (order("o", "nobody", "i1", "key-of-the-first"), ("i1", "intent", False)),
    "nothing": (order("o"), NOT_LINKED),
    "a stranger's value": (order("o", "someone@example.org"), NOT_LINKED),
    "a part of a word": (order("o", "xfan-run9-i1@example.orgx key-of-the-firsts"), NOT_LINKED),
    "the intent's id inside a text": (order("o", "order i1 of 2"), NOT_LINKED),
    "values of two intents": (order("o", "fan-run9-i1@example.org", key="key-of-the-second"), AMBIGUOUS),
}


@pytest.mark.parametrize(("row", "expected"), ORDER_LINKS.values(), ids=ORDER_LINKS)
def test_an_order_finds_its_intent(row: OrderRow, expected: tuple[Any, ...]) -> None:
    """An order links by a value minted for one intent and found word for word, and by nothing else."""
    assert links([*TWO], [row]) == {"o": expected}


def test_a_told_order_links() -> None:
    """An order id that the shop told a fan links the order to the fan's intent, also from an unfinished attempt."""
    attempt = InvokeRow(attempt="a", intent="i2", step="pay", role="pay", op=1, due_ns=0, at_ns=0)
    reply = DoneRow(attempt="a", outcome="ok", why="poll", claims={"order": 12})
    found = links([*TWO, told("i1", "11"), attempt, reply], [order("11"), order("12"), order("13")])
    assert found == {"11": ("i1", "told", False), "12": ("i2", "told", False), "13": NOT_LINKED}


def test_one_order_told_to_two_intents_is_ambiguous() -> None:
    """Where the shop told two intents the same order, it is nobody's until a key says otherwise; both are listed."""
    ops = [*TWO, told("i1", "11"), told("i2", "11")]
    assert links(ops, [order("11")]) == {"11": AMBIGUOUS}
    with Relations.from_rows(ops, {"orders": [order("11")]}) as relations:
        assert relations.rows("SELECT intent FROM order_candidates ORDER BY 1") == [("i1",), ("i2",)]


def test_a_charge_follows_its_order() -> None:
    """A charge whose metadata names an order belongs to the order's intent, and knows the order."""
    orders = [order("11", "fan-run9-i1@example.org"), order("12")]
    charges = [charge("c1", "orders.order=11"), charge("c2", "orders.order=12"), charge("c3", "orders.order=13")]
    with Relations.from_rows([*TWO, told("i2", "13")], {"orders": orders, "charges": charges}) as relations:
        assert relations.rows("SELECT charge, intent, order_id, via FROM links_charges ORDER BY 1") == [
            ("c1", "i1", "11", "order"),
            ("c2", None, "12", None),
            ("c3", "i2", None, "told"),  # the shop lost the order, but it told its number
        ]


def test_a_payment_links_both_ways() -> None:
    """An order that names the charge's payment gives it its intent, and takes it from a charge that has one."""
    orders = [order("11", "i1", payments=["pi_1", "ch_9"]), order("12", payments=["pi_2"])]
    charges = [charge("c1", payment="pi_1"), charge("ch_9"), charge("c2", "key-of-the-second", payment="pi_2")]
    assert links([*TWO], orders, charges) == {
        "11": ("i1", "intent", False),
        "12": ("i2", "payment", False),
        "c1": ("i1", "payment", False),
        "ch_9": ("i1", "payment", False),
        "c2": ("i2", "key", False),
    }


def test_a_charge_with_our_idempotency_key_links() -> None:
    """A key minted at first, minted later or carried by an attempt is the intent's own."""
    ops = [
        *TWO,
        MintRow(intent="i1", name="key", value="fresh-key", at_ns=5),
        InvokeRow(attempt="a", intent="i2", step="pay", role="pay", op=1, due_ns=0, at_ns=0, key="key-from-the-page"),
    ]
    charges = [
        charge("c1", key="key-of-the-first"),
        charge("c2", key="fresh-key"),
        charge("c3", key="key-from-the-page"),
        charge("c4", key="key-of-a-stranger"),
    ]
    assert links(ops, [], charges) == {
        "c1": ("i1", "key", False),
        "c2": ("i1", "key", False),
        "c3": ("i2", "key", False),
        "c4": NOT_LINKED,
    }


def test_a_charge_between_two_intents_is_ambiguous() -> None:
    """A charge whose key says one intent and whose order says another convicts neither."""
    orders = [order("11", "i1")]
    charges = [charge("c", "orders.order=11", key="key-of-the-second")]
    assert links([*TWO], orders, charges) == {"11": ("i1", "intent", False), "c": AMBIGUOUS}


def test_what_a_row_says_itself_goes_first() -> None:
    """An order that names another's payment, or whose number another was told, stays its own fan's, and so a charge."""
    orders = [order("11", "i1", payments=["pi_1"]), order("12", "i2", payments=["pi_1"])]
    owned = links([*TWO, told("i1", "12")], orders, [charge("c", "fan-run9-i1@example.org", payment="pi_1")])
    assert owned == {"11": ("i1", "intent", False), "12": ("i2", "intent", False), "c": ("i1", "email", False)}
    named = links([*TWO], orders, [charge("c", "orders.order=12", payment="pi_1")])
    assert named["c"] == ("i2", "order", False)
    assert links([*TWO], orders, [charge("c", payment="pi_1")])["c"] == AMBIGUOUS


def test_a_charge_of_an_ambiguous_order_is_ambiguous() -> None:
    """An order's doubt is its charge's doubt."""
    orders = [order("11", "i1", "i2")]
    assert links([*TWO], orders, [charge("c", "orders.order=11")])["c"] == AMBIGUOUS


def test_a_value_of_several_intents_is_no_key() -> None:
    """A buyer name that all fans share links nothing, and does not spoil a key that is unique."""
    ops: list[OpRow] = [intent("i1", buyer="Fan Fanson", key="key-1"), intent("i2", buyer="Fan Fanson", key="key-2")]
    found = links(ops, [order("11", "Fan Fanson", "key-2"), order("12", "Fan Fanson")])
    assert found == {"11": ("i2", "key", False), "12": AMBIGUOUS}


def test_coverage_counts_every_row_once() -> None:
    """Linked, ambiguous and unlinked rows add up to all rows; nothing is left out of the list."""
    orders = [order("11", "i1"), order("12", "i1", "i2"), order("13"), order("14", "x")]
    with Relations.from_rows([*TWO], {"orders": orders, "charges": [charge("c", "i1")]}) as relations:
        assert relations.rows("FROM link_coverage ORDER BY kind") == [("charges", 1, 1, 0, 0), ("orders", 4, 1, 1, 2)]


NIGHT_S = 1_900_000_000.7
KNOWN = [
    intent("i1", **{"key": "key-of-the-first", "account.email": "anna@example.org"}),
    intent("i2", **{"key": "key-of-the-second", "account.email": "bert@example.org"}),
]
ACCOUNT_LINKS = {
    "an order of the run": (order("o", "Anna@example.org", at_s=NIGHT_S + 3), ("i1", "account.email", False)),
    "in whole seconds": (order("o", "anna@example.org", at_s=1_900_000_000.0), ("i1", "account.email", False)),
    "an order of an earlier run": (order("o", "anna@example.org", at_s=NIGHT_S - 2), AMBIGUOUS),
    "an order without a date": (order("o", "anna@example.org"), AMBIGUOUS),
    "an earlier order with a key of ours": (
        order("o", "anna@example.org", "key-of-the-first", at_s=NIGHT_S - 2),
        ("i1", "key", False),
    ),
    "another's key on it": (
        order("o", "anna@example.org", "key-of-the-second", at_s=NIGHT_S + 3),
        AMBIGUOUS,
    ),
    "in a text": (order("o", "for anna@example.org!", at_s=NIGHT_S + 3), ("i1", "account.email in text", False)),
    "a stranger's": (order("o", "dora@example.org", at_s=NIGHT_S + 3), NOT_LINKED),
}


@pytest.mark.parametrize(("row", "expected"), ACCOUNT_LINKS.values(), ids=ACCOUNT_LINKS)
def test_an_account_links_what_came_since_the_run_began(row: OrderRow, expected: tuple[Any, ...]) -> None:
    """The same account may have bought before: what is not dated since the start is nobody's for certain."""
    with Relations.from_rows(KNOWN, {"orders": [row]}, between_s=(NIGHT_S, NIGHT_S + 90)) as relations:
        assert relations.rows("SELECT intent, via, ambiguous FROM links_orders") == [expected]


def test_an_account_links_nothing_where_nobody_knows_when_the_run_began() -> None:
    """Without the start of the run no date says anything."""
    row = charge("c", "anna@example.org", at_s=NIGHT_S + 3)
    with Relations.from_rows(KNOWN, {"charges": [row]}) as relations:
        assert relations.rows("SELECT intent, via, ambiguous FROM links_charges") == [AMBIGUOUS]


def test_a_ledger_that_dates_what_is_to_come_is_not_believed() -> None:
    """An hour ahead, as a shop that keeps its summer time: the order of half an hour ago would look like ours."""
    rows = [order("ours", "anna@example.org", at_s=NIGHT_S + 3605), order("old", "bert@example.org", at_s=NIGHT_S + 30)]
    money = charge("c", "bert@example.org", at_s=NIGHT_S + 30)
    between_s = (NIGHT_S, NIGHT_S + 90)
    with Relations.from_rows(KNOWN, {"orders": rows, "charges": [money]}, between_s=between_s) as relations:
        assert set(relations.rows("SELECT intent, ambiguous FROM links_orders")) == {(None, True)}
        assert relations.rows("SELECT intent FROM links_charges") == [("i2",)], "the provider keeps its own time"

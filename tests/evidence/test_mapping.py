"""A stranger's row becomes ours exactly as the target says, or is refused with the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from surgectl.errors import UsageError
from surgectl.evidence.mapping import MappingError, compile_keys, compile_mapping
from surgectl.evidence.values import instant_s
from surgectl.profile.source import Source
from surgectl.recording.evidence_rows import ChargeRow, HoldRow, OrderRow, RefundRow, StockRow, TicketRow

AT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC).timestamp()


def source(**fields: Any) -> Source:
    return msgspec.convert({"jsonl": {"file": "x"}, **fields}, Source)


def mapped(kind: str, raw: dict[str, Any], **fields: Any) -> list[Any]:
    return compile_mapping(kind, source(**fields), f"evidence.{kind}")(raw)


def test_same_named_columns_need_no_mapping() -> None:
    """A row whose columns are called as ours are is taken as it is."""
    raw = {"order": 17, "state": "valid", "qty": "2", "amount": 17800, "currency": "eur", "at": AT, "payments": "pi_1"}
    assert mapped("orders", raw) == [
        OrderRow(
            order="17", state="valid", qty=2, amount_minor=17800, currency="EUR", at_s=AT, payments=["pi_1"], keys=[]
        )
    ]


def test_columns_are_found_by_name_path_and_constant() -> None:
    """A heading with blanks, a path into the row, a list of a path and a number each give a column."""
    raw = {"Order ID": "A-7", "customer": {"email": "x@example.org"}, "payments": [{"id": "p1"}, {"id": "p2"}]}
    row = {"order": "Order ID", "identity": "customer.email", "payments": "payments[].id", "qty": 1, "state": "status"}
    assert mapped("orders", {**raw, "status": "valid"}, row=row) == [
        OrderRow(order="A-7", state="valid", qty=1, identity="x@example.org", payments=["p1", "p2"])
    ]


MONEY: dict[str, tuple[Any, str, int | str]] = {
    "minor as number": (4200, "minor EUR", 4200),
    "minor as digits": ("4200", "minor EUR", 4200),
    "minor written like major": ("42.00", "minor EUR", "not written as minor units"),
    "minor as fraction": (Decimal("42.00"), "minor EUR", "not written as minor units"),
    "minor as float": (4200.0, "minor EUR", "not written as minor units"),
    "major": ("42.00", "major EUR", 4200),
    "major as number": (42.5, "major EUR", 4250),
    "major finer than the currency": ("42.005", "major EUR", "not a whole number of EUR minor units"),
    "major without cents": ("4200", "major JPY", 4200),
    "major written for people": ("1.234,50", "major EUR", "say money: text EUR"),
    "major as binary fractions add up": (74.97000000000001, "major EUR", 7497),
    "major as a database casts it": (Decimal("12800.0000"), "major JPY", 12800),
    "major finer, however exactly": (Decimal("74.9700100000001"), "major EUR", "not a whole number of EUR minor units"),
    "mills": (42000, "1/1000 EUR", 4200),
    "micros as text": (" 42500000", "1/1000000 USD", 4250),
    "mills of a yen": (42000, "1/1000 JPY", 42),
    "finer than a cent": (42001, "1/1000 EUR", "not a whole number of EUR minor units"),
    "parts of nothing": ("many", "1/1000 EUR", "not an amount of money"),
    "parts without end": (Decimal("Infinity"), "1/1000 EUR", "no price of anything"),
    "text": ("42.00 EUR", "text", 4200),
    "text with a symbol": ("€ 1,042.00", "text", 104200),
    "text of nothing": ("free", "text", "names no currency"),
    "more than there is": (Decimal("1E+999999999"), "major EUR", "no price of anything"),
    "yes": (True, "minor EUR", "not a whole number"),
}


@pytest.mark.parametrize(("value", "money", "expected"), MONEY.values(), ids=MONEY)
def test_money_is_read_in_its_scale_or_refused(value: Any, money: str, expected: int | str) -> None:
    """An amount in another scale than the target says is refused where its writing betrays it."""
    raw = {"refund": "r", "charge": "c", "total": value}
    row = {"amount": {"from": "total", "money": money}}
    if isinstance(expected, int):
        assert mapped("refunds", raw, row=row) == [RefundRow(refund="r", charge="c", amount_minor=expected)]
    else:
        with pytest.raises(MappingError, match=f"amount: .*{expected}"):
            mapped("refunds", raw, row=row)


def test_a_currency_may_be_a_path() -> None:
    """The currency stands in the row, and names the amount's places."""
    raw = {"charge": "c", "sum": "1.5", "cur": "kwd"}
    assert mapped("charges", raw, row={"captured": {"from": "sum", "money": "major cur"}})[0] == ChargeRow(
        charge="c", captured_minor=1500, currency="KWD"
    )


def test_what_was_never_mapped_need_not_be_read() -> None:
    """A column that the source only happens to call as we do: the message says how to leave it, and null does."""
    raw = {"charge": "c", "captured": 1, "currency": "EUR", "refunded": True, "at": "23/11/2026 20:15", "key": {"a": 1}}
    with pytest.raises(MappingError, match="at: '23/11/2026 20:15' is not an instant as ISO 8601 .*`at: null`"):
        mapped("charges", raw)
    with pytest.raises(MappingError, match="refunded: True is not a whole .*`refunded: null`"):
        mapped("charges", raw, row={"at": None, "key": None})
    row = {"refunded": None, "at": None, "key": None}
    assert mapped("charges", raw, row=row) == [ChargeRow(charge="c", captured_minor=1, currency="EUR")]
    with pytest.raises(MappingError, match="at: '23/11/2026 20:15' is not an instant as ISO 8601[^`]*$"):
        mapped("charges", {**raw, "when": raw["at"]}, row={**row, "at": "when"})


@pytest.mark.parametrize(("written", "qty"), [("2.0000", 2), ("2.5", None), ("2.", None), (Decimal("3.00"), 3)])
def test_a_number_of_tickets_may_have_places(written: Any, qty: int | None) -> None:
    """2.0000 is two; 2.5 is nobody's."""
    raw = {"order": "1", "state": "valid", "qty": written}
    if qty is None:
        with pytest.raises(MappingError, match="qty: .* is not a whole number"):
            mapped("orders", raw)
    else:
        assert mapped("orders", raw)[0].qty == qty


def test_two_currencies_in_a_row_are_refused() -> None:
    """An amount in one currency and a column that names another is no row to rely on."""
    row = {"captured": {"from": "sum", "money": "minor EUR"}}
    with pytest.raises(MappingError, match="EUR and USD in one row"):
        mapped("charges", {"charge": "c", "sum": 1, "currency": "USD"}, row=row)


def test_an_unknown_state_is_an_error() -> None:
    """A state that the target does not translate is refused, never guessed."""
    states = {"valid": ["PaymentSettled", True], "void": ["Cancelled", 3]}
    states = {ours: [str(word) for word in theirs] for ours, theirs in states.items()}
    assert mapped("orders", {"order": "1", "state": "PaymentSettled"}, states=states)[0].state == "valid"
    assert mapped("orders", {"order": "1", "state": 3}, states=states)[0].state == "void"
    with pytest.raises(MappingError, match=r'state: "Shipped" is none of the target\'s states \(known: PaymentSettled'):
        mapped("orders", {"order": "1", "state": "Shipped"}, states=states)
    with pytest.raises(MappingError, match='"paid" is none'):
        mapped("orders", {"order": "1", "state": "paid"})


NEEDED = {
    "orders": {"order": "1", "state": "valid"},
    "tickets": {"ticket": "1", "order": "1", "state": "valid"},
    "holds": {"hold": "1", "state": "active"},
    "stock": {"capacity": 1, "available": 1},
    "charges": {"charge": "1", "captured": 1, "currency": "EUR"},
    "refunds": {"refund": "1", "charge": "1", "amount": 1},
}


@pytest.mark.parametrize(("kind", "column"), [(kind, column) for kind, raw in NEEDED.items() for column in raw])
def test_a_row_without_a_needed_column_is_refused(kind: str, column: str) -> None:
    """Each column that the language calls needed is needed: neither absent, nor null, nor empty."""
    whole = NEEDED[kind]
    assert len(mapped(kind, dict(whole))) == 1
    for broken in ({name: whole[name] for name in whole if name != column}, {**whole, column: None}):
        with pytest.raises(MappingError, match=f"{column}: is not there"):
            mapped(kind, broken)


@pytest.mark.parametrize(
    "value",
    [
        AT,
        int(AT),
        str(AT),
        AT * 1e3,
        AT * 1e6,
        int(AT) * 10**9,
        "2026-11-22T15:30:00Z",
        "2026-11-22 16:30:00+01:00",
        "2026-11-22T15:30:00",
        datetime(2026, 11, 22, 15, 30),
        Decimal(str(AT)),
    ],
)
def test_instants_are_read_however_they_are_written(value: Any) -> None:
    """Seconds, milliseconds, micro- and nanoseconds, ISO 8601 and a database's timestamp are the same instant."""
    assert instant_s(value) == pytest.approx(AT)


def test_an_instant_that_is_none_is_refused() -> None:
    """A date that cannot be read names its column."""
    with pytest.raises(MappingError, match="expires: .*tomorrow"):
        mapped("holds", {"hold": "h", "state": "active", "expires": "tomorrow"})
    raw, row = {"hold": "h", "state": "active", "expires": 5}, {"expires": {"from": "expires", "unit": "ms"}}
    assert mapped("holds", raw, row=row) == [HoldRow(hold="h", state="active", expires_s=0.005)]


def test_each_gives_a_row_per_item() -> None:
    """A list, a text to be split and a list of objects each give a row per item."""
    order = {"order": "7", "state": "valid"}
    assert mapped("tickets", {**order, "Tickets": "A1 A2 "}, each={"from": "Tickets", "split": " "}) == [
        TicketRow(ticket="A1", order="7", state="valid"),
        TicketRow(ticket="A2", order="7", state="valid"),
    ]
    lines = [{"code": "t1", "seat": "A1"}, {"code": "t2", "seat": None, "state": "void"}]
    assert mapped("tickets", {**order, "lines": lines}, each={"from": "lines"}, row={"ticket": "code"}) == [
        TicketRow(ticket="t1", order="7", state="valid", seat="A1"),
        TicketRow(ticket="t2", order="7", state="void"),
    ]
    assert mapped("tickets", {**order, "lines": []}, each={"from": "lines"}) == []
    with pytest.raises(MappingError, match="lines: is no list"):
        mapped("tickets", {**order, "lines": "A1,A2"}, each={"from": "lines"})


def test_keys_keep_the_targets_order() -> None:
    """Keys stand in the order of the target's list, each once; a reference keeps what it refers to."""
    keys = compile_keys(["metadata.order_id -> orders.order", "tags", "email", "nothing"], "evidence.charges.key")
    raw = {"email": "x@example.org", "tags": ["b", "a", "x@example.org", None], "metadata": {"order_id": 17}}
    assert keys(raw) == ["orders.order=17", "b", "a", "x@example.org"]
    assert keys({}) == []


def test_a_reference_that_cannot_be_followed_is_an_error_of_the_target() -> None:
    """A key that points anywhere but to an order is refused at once."""
    with pytest.raises(UsageError, match=r"evidence.charges.key\[0\]: cannot follow \"-> holds.hold\""):
        compile_keys(["metadata.hold -> holds.hold"], "evidence.charges.key")


def test_numbers_that_are_none_are_refused() -> None:
    """A count with a fraction, or one that no column can hold, is refused."""
    for bad in ("1.5", 2**63, True, [1], Decimal("1E+999999999"), float("nan"), float("inf")):
        with pytest.raises(MappingError, match="capacity: "):
            mapped("stock", {"capacity": bad, "available": 0})
    assert mapped("stock", {"capacity": Decimal(5), "available": 0.0}) == [StockRow(capacity=5, available=0)]

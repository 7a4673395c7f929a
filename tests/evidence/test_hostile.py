"""Books written by somebody who never heard of us: a row is understood, or counted as not understood. Nothing third."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.clock import SystemClock
from surgectl.evidence.books import Books
from surgectl.evidence.collect import collect
from surgectl.evidence.mapping import MappingError, compile_mapping
from surgectl.evidence.reading import Found
from surgectl.profile.source import Source
from surgectl.recording.evidence_rows import KINDS
from surgectl.recording.relations import Relations
from surgectl.recording.sense import nonsense
from tests.evidence.ledgers import QUICK, target

MS = 1_000_000
ORDER = {"order": "o1", "state": "valid", "qty": 2, "amount": 5000, "currency": "EUR", "at": 1_900_000_000}
CHARGE = {"charge": "ch1", "captured": 5000, "currency": "EUR", "state": "succeeded", "payment": "pi1"}
REFUND = {"refund": "re1", "charge": "ch1", "amount": 5000}
TICKET = {"ticket": "t1", "order": "o1", "state": "valid", "seat": "A1"}
HOLD = {"hold": "h1", "state": "active", "qty": 1, "expires": 1_900_000_000}
STOCK = {"capacity": 10, "available": 4, "held": 1, "sold": 5}
REQUEST = {"payment": "pi1", "key": "k", "status": 200}
WEBHOOK = {"event": "ev1", "type": "charge.refunded", "payment": "pi1", "number": 3}
WHOLE: dict[str, dict[str, Any]] = {
    "orders": ORDER,
    "tickets": TICKET,
    "holds": HOLD,
    "stock": STOCK,
    "charges": CHARGE,
    "refunds": REFUND,
    "requests": REQUEST,
    "webhooks": WEBHOOK,
}


def read(kind: str, rows: list[dict[str, Any]], folder: Path, **source: Any) -> Found:
    """What Books makes of these rows, as lines of a file."""
    (folder / "rows.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    shop = target("http://127.0.0.1:1", {kind: {"jsonl": {"file": "rows.jsonl"}, **source}})

    async def ask() -> Found:
        async with Books(shop, {}, 0.0, SystemClock(), root=folder, patience=QUICK) as books:
            return await books.read(kind)

    return asyncio.run(ask())


MAJOR = {"row": {"amount": {"from": "amount", "money": "major EUR"}}}
TEXT = {"row": {"amount": {"from": "amount", "money": "text"}}}
REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "major units where minor are meant": ("orders", {"amount": "25.00"}, {}, "amount: .*not written as minor units"),
    "a German sum where minor are meant": ("orders", {"amount": "1.234,50"}, {}, "amount: .*not written as minor"),
    "a German sum as a number": ("orders", {"amount": "1.234,50"}, MAJOR, "amount: "),
    "not a number": ("orders", {"amount": "NaN"}, {}, "amount: "),
    "not a number, in major units": ("orders", {"amount": "NaN"}, MAJOR, "amount: "),
    "endlessly much": ("orders", {"amount": "Infinity"}, MAJOR, "amount: "),
    "a refund as a negative charge": ("charges", {"captured": -2500}, {}, "captured: -2500 is no sum .*under refunds"),
    "a negative refund": ("refunds", {"amount": "-2500"}, {}, "amount: -2500 is no sum of money"),
    "more money than there is": ("charges", {"captured": 10**17}, {}, "captured: .* is no sum of money"),
    "a number beyond 64 bits": ("charges", {"captured": 2**64 - 1}, {}, "captured: "),
    "less than no tickets": ("orders", {"qty": -1}, {}, "qty: -1 is no number of tickets"),
    "half a ticket": ("orders", {"qty": 1.5}, {}, "qty: .*not a whole number"),
    "tickets as yes": ("orders", {"qty": True}, {}, "qty: .*not a whole number"),
    "an order without a number": ("orders", {"order": None}, {}, "order: is not there"),
    "an order called nothing": ("orders", {"order": ""}, {}, "order: is not there"),
    "an order called by a flood": ("orders", {"order": "x" * 1_001}, {}, "order: 1,001 characters"),
    "a state that is a flood": ("orders", {"state": "x" * 10**6}, {}, 'state: "xxx.* more characters'),
    "a flood of keys": ("orders", {"keys": ["x" * 60_000, "y" * 60_000]}, {"key": ["keys"]}, "keys: 120,000 char"),
    "a fan called by a flood": ("orders", {"identity": "x" * 100_001}, {}, "identity: 100,001 characters"),
    "an order called blank": ("orders", {"order": " \u2003"}, {}, "order: is empty"),
    "an order called by a thing": ("orders", {"order": {"id": 5}}, {}, "order: dict where a word"),
    "a state nobody declared": ("orders", {"state": "SHIPPED"}, {}, 'state: "SHIPPED" is none'),
    "a state that is a list": ("orders", {"state": ["valid"]}, {}, "state: list where a word"),
    "silence about a mapped state": ("charges", {"state": None}, {"row": {"state": "state"}}, "state: is not there"),
    "no currency": ("charges", {"currency": None}, {}, "currency: is not there"),
    "a currency of two letters": ("charges", {"currency": "eu"}, {}, "currency: 'eu' is not a currency"),
    "a refund of nothing in particular": ("refunds", {"charge": None}, {}, "charge: is not there"),
    "a day that is none": ("orders", {"at": "2026-13-45"}, {}, "at: "),
    "an instant of no number": ("orders", {"at": "NaN"}, {}, "at: "),
    "an instant after the end": ("orders", {"at": "1e400"}, {}, "at: "),
    "stock in words": ("stock", {"available": "plenty"}, {}, "available: 'plenty' is not a whole number"),
}


@pytest.mark.parametrize(("kind", "wrong", "source", "says"), REFUSED.values(), ids=REFUSED)
def test_a_row_that_cannot_be_meant_is_counted_and_said(
    tmp_path: Path, kind: str, wrong: dict[str, Any], source: dict[str, Any], says: str
) -> None:
    """It is left out, its column and the reason are named, its neighbours stay, and the list is not called whole."""
    good = dict(WHOLE[kind])
    if source is MAJOR:
        good["amount"] = "50.00"
    other = {name: f"{value}-b" if name == kind.removesuffix("s") else value for name, value in good.items()}
    found = read(kind, [good, {**good, **wrong}, other], tmp_path, **source)
    assert len(found.rows) == 2
    assert found.problem.startswith("1 of 3 rows cannot be mapped; the first (line 2): ")
    pytest.raises(ValueError, _raise, found.problem).match(says)


def _raise(text: str) -> None:
    raise ValueError(text)


UNDERSTOOD: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "minor units as digits": ("orders", {"amount": "2500"}, {}, {"amount_minor": 2500}),
    "a German sum with its currency": ("orders", {"amount": "1.234,50 EUR"}, TEXT, {"amount_minor": 123450}),
    "major units": ("orders", {"amount": "25.00"}, MAJOR, {"amount_minor": 2500}),
    "ids of other alphabets": ("orders", {"order": "закaз-№7 🎟"}, {}, {"order": "закaз-№7 🎟"}),
    "an id that is a number": ("orders", {"order": 17}, {}, {"order": "17"}),
    "no tickets": ("orders", {"qty": 0}, {}, {"qty": 0}),
    "a whole number with a point": ("orders", {"qty": 2.0}, {}, {"qty": 2}),
    "a clock that is an hour late": ("orders", {"at": 1_900_003_600}, {}, {"at_s": 1_900_003_600.0}),
    "columns nobody asked for": ("orders", {"colour": {"deep": [1, None]}}, {}, {"order": "o1"}),
    "more sold than there was": ("stock", {"available": -3}, {}, {"available": -3}),
    "silence where the shape has a word of its own": ("refunds", {"state": None}, {}, {"state": "succeeded"}),
}


@pytest.mark.parametrize(("kind", "odd", "source", "expected"), UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_an_odd_row_that_can_be_meant_is_read(
    tmp_path: Path, kind: str, odd: dict[str, Any], source: dict[str, Any], expected: dict[str, Any]
) -> None:
    """However oddly it is written: what the target declares decides, and nothing is doubted without need."""
    found = read(kind, [{**WHOLE[kind], **odd}], tmp_path, **source)
    assert found.problem == ""
    (row,) = found.rows
    assert {name: getattr(row, name) for name in expected} == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_with_any_usual_delimiter_is_read(tmp_path: Path, delimiter: str) -> None:
    """What parts the headings parts the cells."""
    text = "order,state,qty\no1,valid,2\n".replace(",", delimiter)
    (tmp_path / "orders.csv").write_text(text, "utf-8")
    shop = target("http://127.0.0.1:1", {"orders": {"csv": {"file": "orders.csv"}}})

    async def ask() -> Found:
        async with Books(shop, {}, 0.0, SystemClock(), root=tmp_path, patience=QUICK) as books:
            return await books.read("orders")

    found = asyncio.run(ask())
    assert [(row.order, row.qty) for row in found.rows] == [("o1", 2)]  # type: ignore[attr-defined]
    assert found.problem == ""


def test_one_charge_with_two_states_is_not_a_whole_list(tmp_path: Path) -> None:
    """A page that repeats a row in another state leaves both, and says that it did."""
    found = read("charges", [CHARGE, {**CHARGE, "state": "failed"}], tmp_path)
    assert len(found.rows) == 2 and "listed more than once; the first: ch1" in found.problem


async def test_what_one_source_gets_wrong_spoils_no_other(tmp_path: Path) -> None:
    """Rows that cannot be read make their kind incomplete, in the recording, too; the rest of the books stands."""
    evidence = {}
    for kind, row in WHOLE.items():
        rows = [row, {"nothing": "of use"}] if kind in ("refunds", "tickets") else [row]
        (tmp_path / f"{kind}.in").write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in rows))
        evidence[kind] = {"jsonl": {"file": f"{kind}.in"}}
    shop = target("http://127.0.0.1:1", evidence)
    await collect(shop, {}, 0.0, SystemClock(), tmp_path / "run", quiet_ns=MS, at_most_ns=5 * MS, root=tmp_path)
    with Relations.from_folder(tmp_path / "run") as relations:
        assert set(relations.rows("SELECT kind FROM sources WHERE NOT complete")) == {("refunds",), ("tickets",)}
        assert relations.one("SELECT count(*) FROM refunds") == (1,)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["", " ", "NaN", "-0", "1e999", "25.00", "1.234,50", "valid", "2026-11-22T10:00:00Z", 10**15 + 1]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def messy_rows(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A kind, and a row of it in which anything may stand in any column."""
    kind = draw(st.sampled_from(sorted(WHOLE)))
    row = dict(WHOLE[kind])
    for name in draw(st.lists(st.sampled_from(sorted({*row, "at", "keys"})), min_size=1, max_size=3)):
        row[name] = draw(json_values)
    return kind, row


SOURCES = [
    msgspec.convert({"jsonl": {"file": "x"}, "key": ["key", "keys", "keys[].id", "payment -> orders.order"]}, Source),
    msgspec.convert({"jsonl": {"file": "x"}, "row": {"at": {"from": "at", "unit": "ms"}}}, Source),
]


@settings(max_examples=300, deadline=None)
@given(messy_rows(), st.sampled_from(SOURCES))
def test_anything_in_any_column_is_a_row_or_a_refusal(messy: tuple[str, dict[str, Any]], source: Source) -> None:
    """Whatever JSON stands there: a row that can be written, read back and meant, or an error that names its column."""
    kind, raw = messy
    try:
        rows = compile_mapping(kind, source, f"evidence.{kind}")(raw)
    except MappingError as error:
        assert str(error)
        return
    for row in rows:
        assert msgspec.json.decode(msgspec.json.encode(row), type=KINDS[kind]) == row
        assert nonsense(row) == ""

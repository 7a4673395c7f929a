"""Evidence that somebody edited, that an older version wrote, or that a shop with a messy API gave: unknown, or right.

The evening is a correct one, told as files; then the files are hurt. Never a traceback, never a conviction for a
mess, and a crime is found wherever the mess is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surgectl.audit.checkers.registry import CHECKERS
from surgectl.audit.finding import Finding
from surgectl.profile.statistics import STATISTICAL
from surgectl.recording.relations import Relations
from tests.histories.night import EPOCH, PRICE, Night

Lines = dict[str, list[dict[str, Any]]]
"""Kind → its lines, as plain data that a test may bend."""


def evening() -> Night:
    """Four who buy, one of whom lost the reply, one refused, one basket that ran out, and a refund that was owed."""
    night = Night(capacity=5).buys(1, seat="A1").buys(2, 2, seat="B")
    night.loses_reply(3).order(3, seat="C1").charge(3)
    night.refused(4).abandons(5)
    night.loses_reply(6).order(6, state="void").charge(6).refund("ch6")
    night.request("shop-key-1", payment="o1").delivers(1)
    return night.stands(available=1, held=0, sold=4, at_s=night.now_s())


def crime() -> Night:
    """The same, and fan 1 paid twice."""
    return evening().charge(1, charge="ch1-again")


def lines_of(night: Night) -> Lines:
    kinds = ("orders", "tickets", "holds", "charges", "refunds", "stock", "requests", "webhooks")
    found = {kind: [msgspec.to_builtins(row) for row in getattr(night, kind) or []] for kind in kinds}
    found["sources"] = [{"kind": kind, "rows": len(rows), "complete": True} for kind, rows in found.items()]
    return found


def write(folder: Path, night: Night, lines: Lines) -> Path:
    (folder / "evidence").mkdir(parents=True)
    (folder / "ops").mkdir()
    ops = b"".join(msgspec.json.encode(row) + b"\n" for row in night.ops)
    (folder / "ops/0.jsonl.zst").write_bytes(zstandard.compress(ops))
    (folder / "vitals.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in night.vitals))
    for kind, rows in lines.items():
        (folder / f"evidence/{kind}.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return folder


LEDGER = tuple(name for name in CHECKERS if name not in STATISTICAL and name != "GENERATOR")
MONEY = ("DUPCHARGE", "CHARGED_NO_TICKET", "TICKET_NO_CHARGE", "AMOUNT", "REFUND", "GHOST")


def judged(folder: Path, night: Night, names: Iterable[str] = LEDGER) -> dict[str, Finding]:
    """What these checkers say, straight: one that stumbles fails the test."""
    with Relations.from_folder(folder) as relations:
        return {name: CHECKERS[name](relations, night.expectations()) for name in names}


def convicted(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if finding.verdict == "fail"}


def test_the_evening_is_correct_and_the_crime_is_one(tmp_path: Path) -> None:
    """Unhurt, the files give what the rows give: all that was exercised passes, and a double charge is found."""
    night = evening()
    found = judged(write(tmp_path / "good", night, lines_of(night)), night)
    assert convicted(found) == set()
    assert {found[name].verdict for name in ("OVERSELL", "DUPCHARGE", "REFUND", "LOST_TICKET")} == {"pass"}
    night = crime()
    assert convicted(judged(write(tmp_path / "bad", night, lines_of(night)), night)) == {"DUPCHARGE"}


Hurt = Callable[[Lines], object]


def bend(kind: str, at: int = 0, **changes: Any) -> Hurt:
    """One line with other values; … (Ellipsis) takes the member away."""

    def hurt(lines: Lines) -> None:
        row = lines[kind][at]
        row.update(changes)
        lines[kind][at] = {name: value for name, value in row.items() if value is not ...}

    return hurt


def bend_all(kind: str, **changes: Any) -> Hurt:
    return lambda lines: [bend(kind, at, **changes)(lines) for at in range(len(lines[kind]))]


def add(kind: str, **row: Any) -> Hurt:
    return lambda lines: lines[kind].append(row)


def shift(by_s: float) -> Hurt:
    """Another clock in every ledger."""

    def hurt(lines: Lines) -> None:
        for rows in lines.values():
            for row in rows:
                for name in ("at_s", "expires_s", "ended_s", "created_s"):
                    if row.get(name) is not None:
                        row[name] += by_s

    return hurt


def again(kind: str, **changes: Any) -> Hurt:
    """A page that comes twice, the second time with other values."""
    return lambda lines: lines[kind].extend([{**row, **changes} for row in list(lines[kind])])


# What is hurt → (how, invariants that must be unknown and say why, words of the reason, what must still pass)
SPOILT: dict[str, tuple[Hurt, tuple[str, ...], str, tuple[str, ...]]] = {
    "a refund that is no row": (
        bend("refunds", amount_minor="25.00"),
        ("DUPCHARGE", "CHARGED_NO_TICKET", "REFUND"),
        "refunds cannot be believed: 1 line says nothing .* evidence/refunds.jsonl:1",
        ("OVERSELL", "SEAT2", "LOST_TICKET", "CONSERVE"),
    ),
    "a charge of less than nothing": (
        bend("charges", captured_minor=-PRICE),
        ("DUPCHARGE", "AMOUNT", "TICKET_NO_CHARGE"),
        "charges cannot be believed: .* is no sum of money",
        ("OVERSELL", "SEAT2"),
    ),
    "a charge of all the money there is": (
        bend("charges", captured_minor=2**62),
        ("DUPCHARGE", "AMOUNT"),
        "charges cannot be believed",
        ("OVERSELL",),
    ),
    "an order in a state of its own": (
        bend("orders", state="shipped"),
        ("DUPCHARGE", "LOST_TICKET", "OVERSELL"),
        "orders cannot be believed: .* evidence/orders.jsonl:1",
        (),
    ),
    "money of no country": (
        bend("charges", currency="€"),
        ("AMOUNT", "DUPCHARGE"),
        "charges cannot be believed: .*currency: '€' is no currency",
        ("OVERSELL",),
    ),
    "an order without a number": (bend("orders", order=""), ("LOST_TICKET",), "order: is empty", ()),
    "more tickets than a column holds": (bend("orders", qty=2**63), ("OVERSELL",), "orders cannot be believed", ()),
    "a list where a line should be": (
        lambda lines: lines["stock"].append([1, 2]),  # type: ignore[arg-type]
        ("CONSERVE", "LEAK"),
        "stock cannot be believed",
        ("OVERSELL", "DUPCHARGE"),
    ),
    "sources that are none": (
        bend("sources", complete="yes"),
        ("DUPCHARGE", "CONSERVE"),
        "how they were read is not known",
        (),
    ),
    "one charge in two states": (
        again("charges", state="failed"),
        ("DUPCHARGE", "CHARGED_NO_TICKET", "TICKET_NO_CHARGE"),
        "charges cannot be believed: 4 of them are listed twice and say different things; the first: ch1",
        ("OVERSELL", "LOST_TICKET"),
    ),
    "one order in two states": (
        again("orders", state="void"),
        ("LOST_TICKET", "CHARGED_NO_TICKET"),
        "orders cannot be believed: .* listed twice and say different things",
        (),
    ),
    "refunds that name nobody's charge": (
        bend("refunds", charge="txn-77"),
        ("CHARGED_NO_TICKET", "REFUND"),
        "the books do not tell of refunds",
        ("OVERSELL", "LOST_TICKET"),
    ),
}


@pytest.mark.parametrize(("hurt", "doubted", "says", "stands"), SPOILT.values(), ids=SPOILT)
def test_a_mess_is_said_and_spoils_only_what_rests_on_it(
    tmp_path: Path, hurt: Hurt, doubted: tuple[str, ...], says: str, stands: tuple[str, ...]
) -> None:
    """Nobody is convicted; what needs the hurt books is unknown with file, line and reason; the rest stands."""
    night = evening()
    lines = lines_of(night)
    hurt(lines)
    found = judged(write(tmp_path / "run", night, lines), night, (*doubted, *stands))
    assert {name: found[name].verdict for name in (*doubted, *stands)} == {
        **dict.fromkeys(doubted, "unknown"),
        **dict.fromkeys(stands, "pass"),
    }
    for name in doubted:
        assert re.search(says, found[name].reason), found[name].reason


HARMLESS: dict[str, Hurt] = {
    "clocks an hour ahead": shift(3600.0),
    "clocks an hour behind": shift(-3600.0),
    "no clocks at all": lambda lines: [bend_all(kind, at_s=None)(lines) for kind in ("orders", "tickets", "charges")],
    "a page that comes twice": lambda lines: [
        again(kind)(lines) for kind in ("orders", "tickets", "charges", "refunds")
    ],
    "another evening's rows": lambda lines: [
        add("orders", order="x1", state="valid", qty=4, keys=["who@else.org"], at_s=EPOCH - 9000)(lines),
        add("charges", charge="x1", captured_minor=5, currency="EUR", keys=["who@else.org"], at_s=EPOCH - 9000)(lines),
    ],
    "a refund that names the payment": bend("refunds", charge="pi-o6"),
    "members of a newer version": bend("orders", colour={"deep": [1]}),
    "ids of other alphabets": lambda lines: [
        bend("holds", hold="закaз №7 🎟")(lines),
        bend("webhooks", event="\u0000\u202e'; DROP TABLE orders")(lines),
    ],
    "a charge that says little": bend("charges", payment=..., key=...),
}


@pytest.mark.parametrize("hurt", HARMLESS.values(), ids=HARMLESS)
def test_what_can_be_meant_is_no_mess(tmp_path: Path, hurt: Hurt) -> None:
    """Odd, late, repeated or strange rows change nothing: the correct evening passes, the crime is found, once."""
    for name, night, expected in (("good", evening(), set()), ("bad", crime(), {"DUPCHARGE"})):
        lines = lines_of(night)
        hurt(lines)
        found = judged(write(tmp_path / name, night, lines), night, (*MONEY, "OVERSELL", "LOST_TICKET"))
        assert convicted(found) == expected
        assert found["OVERSELL"].verdict == found["LOST_TICKET"].verdict == "pass", found["OVERSELL"].reason
        assert found["DUPCHARGE"].violations == len(expected)
        assert found["DUPCHARGE"].verdict == ("fail" if expected else "pass"), found["DUPCHARGE"].reason


def test_a_refund_of_more_than_was_taken_is_said(tmp_path: Path) -> None:
    """Giving back twice what was captured is a fact, whatever the rest looks like."""
    night = evening()
    lines = lines_of(night)
    bend("refunds", amount_minor=3 * PRICE)(lines)
    assert convicted(judged(write(tmp_path, night, lines), night, MONEY)) == {"REFUND"}


MESS = (
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=6) | st.lists(st.integers(), max_size=2)
)
MESS |= st.sampled_from(["25.00", "1.234,50", "", " ", -1, -(2**40), 2**62, 2**64 - 1, 1e300, {}, {"id": 1}, ...])
ELSEWHERE = ("holds", "stock", "tickets", "requests", "webhooks")
"""Kinds that a double charge is proven without."""


@st.composite
def messes(draw: st.DrawFn, kinds: tuple[str, ...]) -> list[tuple[str, int, str, Any]]:
    """Some members of some rows, and what stands there instead."""
    lines = lines_of(crime())
    found = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from([kind for kind in kinds if lines[kind]]))
        at = draw(st.integers(0, len(lines[kind]) - 1))
        found.append((kind, at, draw(st.sampled_from(sorted(lines[kind][at]))), draw(MESS)))
    return found


def hurt_by(messes: list[tuple[str, int, str, Any]], lines: Lines) -> None:
    for kind, at, name, value in messes:
        bend(kind, at, **{name: value})(lines)


SLOW = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(messes(ELSEWHERE))
def test_a_crime_is_found_beside_any_mess(tmp_path_factory: pytest.TempPathFactory, mess: list[Any]) -> None:
    """Whatever stands in the books that a double charge is proven without, it is proven."""
    night = crime()
    lines = lines_of(night)
    hurt_by(mess, lines)
    found = judged(write(tmp_path_factory.mktemp("run") / "run", night, lines), night, ("DUPCHARGE",))
    assert found["DUPCHARGE"].verdict == "fail"


@st.composite
def bad_manners(draw: st.DrawFn) -> list[tuple[str, int, str, Any]]:
    """What the API of a correct shop may give in place of a value that it has: nothing, or another way to write it."""
    lines = lines_of(evening())
    found = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([kind for kind in lines if lines[kind] and kind != "sources"]))
        at = draw(st.integers(0, len(lines[kind]) - 1))
        name = draw(st.sampled_from(sorted(set(lines[kind][at]) - {"keys"})))
        value = lines[kind][at][name]
        # Another id would be another fact; a number in another way of writing is the same one.
        wrong = [None, [], {"value": 1}, "", -(2**50), 2**63, ..., *([] if isinstance(value, str) else [f"{value}€"])]
        found.append((kind, at, name, draw(st.sampled_from(wrong))))
    return found


@SLOW
@given(bad_manners())
def test_bad_manners_convict_nobody(tmp_path_factory: pytest.TempPathFactory, mess: list[Any]) -> None:
    """A correct shop whose books are written badly is doubted, never convicted."""
    night = evening()
    lines = lines_of(night)
    hurt_by(mess, lines)
    assert convicted(judged(write(tmp_path_factory.mktemp("run") / "run", night, lines), night)) == set()


@SLOW
@given(messes(("orders", "charges", "refunds", *ELSEWHERE)))
def test_no_mess_makes_a_checker_stumble(tmp_path_factory: pytest.TempPathFactory, mess: list[Any]) -> None:
    """Whatever stands in any book, every checker comes to a verdict, and says why where it cannot."""
    night = crime()
    lines = lines_of(night)
    hurt_by(mess, lines)
    found = judged(write(tmp_path_factory.mktemp("run") / "run", night, lines), night)
    assert all(finding.reason for finding in found.values() if finding.verdict == "unknown")

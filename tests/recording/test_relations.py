"""The tables of a recording: the same from rows in memory and from the files of a run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import zstandard

from surgectl.errors import UsageError
from surgectl.recording import parquet
from surgectl.recording.evidence_rows import (
    ChargeRow,
    HoldRow,
    OrderRow,
    RefundRow,
    RequestRow,
    SourceRow,
    StockRow,
    TicketRow,
)
from surgectl.recording.relations import Relations, where
from surgectl.recording.repair import DamagedError
from surgectl.recording.rows import (
    DoneRow,
    DroppedRow,
    FaultRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    MintRow,
    NoteRow,
    ProbeRow,
    ToldRow,
    VitalsRow,
)
from surgectl.recording.tables import TABLES

OPS = [
    IntentRow(
        intent="i1",
        fan=7,
        profile="masher",
        phase="on-sale",
        qty=2,
        price_minor=8900,
        currency="EUR",
        due_ns=5,
        at_ns=6,
        mint={"email": "fan-i1@example.org", "key": "key-one"},
    ),
    InvokeRow(attempt="i1.1", intent="i1", step="pay", role="pay", op=3, due_ns=10, at_ns=11, method="POST", key="k"),
    DoneRow(
        attempt="i1.1",
        outcome="ok",
        why="confirmed",
        sent_ns=12,
        done_ns=20,
        status=200,
        size=310,
        then="end",
        claims={"order": 17, "qty": "2", "seats": ["A1", 2], "amount_minor": 17800, "currency": "EUR", "wait_s": 3},
    ),
    InvokeRow(attempt="i1.2", intent="i1", step="pay", role="pay", op=3, due_ns=30, at_ns=31, try_=2, double=True),
    MintRow(intent="i1", name="key", value="key-two", at_ns=33),
    ToldRow(intent="i1", op=3, step="pay", role="pay", outcome="ok", end="confirmed", at_ns=21, claims={"order": "17"}),
    LeftRow(intent="i1", end="confirmed", outcome="ok", at_ns=22),
    DroppedRow(fan=8, due_ns=40, at_ns=4000),
    ProbeRow(step="about", due_ns=1, sent_ns=2, done_ns=3, outcome="ok", status=200),
]
CHAOS = [
    FaultRow(fault="0", event="verified", at_ns=15, link="payments", brownout="slow", observed={"delayed": 3}),
    NoteRow(at_ns=16, text="doors"),
]
VITALS = [VitalsRow(at_ns=1, lag_ns=2, cpu=0.5, fans=3)]
EVIDENCE = {
    "orders": [OrderRow(order="17", state="valid", qty=2, keys=["fan-i1@example.org"], payments=["pi_1"], at_s=1.5)],
    "tickets": [TicketRow(ticket="t1", order="17", state="valid", seat="A1")],
    "holds": [HoldRow(hold="h1", state="used", qty=2)],
    "stock": [StockRow(capacity=10, available=8, held=0, sold=2), StockRow(capacity=10, snapshot=1)],
    "charges": [ChargeRow(charge="ch_1", captured_minor=17800, currency="EUR", payment="pi_1", source="stripe")],
    "refunds": [RefundRow(refund="re_1", charge="ch_1", amount_minor=5)],
    "requests": [RequestRow(payment="pi_1", key="k", status=200)],
    "sources": [SourceRow(kind="orders", rows=1, complete=False, error="page 3 repeated")],
}


def write_run(folder: Path) -> Path:
    """The same rows as files of a run."""
    encode = msgspec.json.encode
    (folder / "ops").mkdir(parents=True)
    (folder / "evidence").mkdir()
    frames = [b"".join(encode(row) + b"\n" for row in part) for part in (OPS[:4], OPS[4:])]
    (folder / "ops/0.jsonl.zst").write_bytes(b"".join(zstandard.compress(frame) for frame in frames))
    (folder / "chaos.jsonl").write_bytes(b"".join(encode(row) + b"\n" for row in CHAOS))
    (folder / "vitals.jsonl").write_bytes(b"".join(encode(row) + b"\n" for row in VITALS))
    for kind, found in EVIDENCE.items():
        (folder / f"evidence/{kind}.jsonl").write_bytes(b"".join(encode(row) + b"\n" for row in found))
    return folder


def dump(relations: Relations) -> dict[str, list[tuple[object, ...]]]:
    """Every table and view, with its columns first."""
    names = [*TABLES, "attempts", "links_orders", "links_charges", "link_coverage"]
    return {name: [tuple(relations.columns(name)), *sorted(relations.rows(f"FROM {name}"), key=repr)] for name in names}


@pytest.mark.parametrize("small_bytes", [1 << 30, 0])
def test_rows_and_files_give_the_same_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_bytes: int) -> None:
    """A checker sees the same tables, columns, values and pointers from a test's rows as from a run's files."""
    monkeypatch.setattr(parquet, "SMALL_BYTES", small_bytes)
    with (
        Relations.from_rows(OPS, EVIDENCE, CHAOS, VITALS) as memory,
        Relations.from_folder(write_run(tmp_path)) as files,
    ):
        assert dump(files) == dump(memory)


def test_every_table_and_column_exists_without_rows(tmp_path: Path) -> None:
    """A recording of nothing still answers every question, with no rows."""
    (tmp_path / "run.json").write_text("{}")
    with Relations.from_rows() as memory, Relations.from_folder(tmp_path) as files:
        empty = dump(memory)
        assert dump(files) == empty
        del empty["link_coverage"]
        assert {name: len(found) for name, found in empty.items()} == dict.fromkeys(empty, 1)


def test_an_attempt_without_an_end_is_info() -> None:
    """An attempt whose end was never written may have happened: it is info, and its line of ending is empty."""
    with Relations.from_rows(OPS) as relations:
        found = relations.dicts("SELECT * FROM attempts ORDER BY attempt")
    assert [(row["outcome"], row["why"], row["done_line"]) for row in found] == [
        ("ok", "confirmed", 3),
        ("info", "no-reply", None),
    ]
    assert (found[0]["order_id"], found[0]["qty"], found[0]["seats"], found[0]["wait_s"]) == ("17", 2, ["A1", "2"], 3.0)
    assert (found[1]["try"], found[1]["double"], found[1]["sent_ns"]) == (2, True, None)
    assert where(found[0]["file"], found[0]["invoke_line"]) == "ops/0.jsonl.zst:2"


def test_minted_values_are_listed_once_each() -> None:
    """What an arrival minted and what was minted later stand in one table."""
    with Relations.from_rows(OPS) as relations:
        found = relations.rows("SELECT intent, name, value, line FROM mints ORDER BY value")
    assert found == [
        ("i1", "email", "fan-i1@example.org", 1),
        ("i1", "key", "key-one", 1),
        ("i1", "key", "key-two", 5),
    ]


def test_a_torn_tail_is_left_out(tmp_path: Path) -> None:
    """After a kill in mid-write, everything before the torn frame can be asked."""
    run = write_run(tmp_path)
    whole = (run / "ops/0.jsonl.zst").read_bytes()
    (run / "ops/0.jsonl.zst").write_bytes(whole[:-7])
    (run / "chaos.jsonl").write_bytes((run / "chaos.jsonl").read_bytes()[:-3])
    with Relations.from_folder(run) as relations:
        assert relations.one("SELECT count(*) FROM attempts") == (2,)
        assert relations.one("SELECT count(*) FROM tolds") == (0,)
        assert relations.one("SELECT count(*) FROM faults") == (1,)
        assert relations.one("SELECT count(*) FROM notes") == (0,)


def test_the_cache_follows_its_source(tmp_path: Path) -> None:
    """A file that changed is converted again, one that did not is not."""
    run = write_run(tmp_path)
    Relations.from_folder(run).close()
    kept = (run / "parquet/ops-0/attempts.parquet").stat().st_mtime_ns
    with (run / "evidence/orders.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(OrderRow(order="18", state="void")) + b"\n")
    with Relations.from_folder(run) as relations:
        assert relations.rows("SELECT order_id, line FROM orders ORDER BY 1") == [("17", 1), ("18", 2)]
    assert (run / "parquet/ops-0/attempts.parquet").stat().st_mtime_ns == kept
    (run / "evidence/orders.jsonl").unlink()
    with Relations.from_folder(run) as relations:
        assert relations.one("SELECT count(*) FROM orders") == (0,)


def test_shards_are_one_recording(tmp_path: Path) -> None:
    """The files of several workers are asked as one, each line with its own file."""
    run = write_run(tmp_path)
    other = IntentRow(
        intent="i2", fan=9, profile="bot", phase="tail", qty=1, price_minor=1, currency="EUR", due_ns=1, at_ns=1
    )
    (run / "ops/10.jsonl.zst").write_bytes(zstandard.compress(msgspec.json.encode(other) + b"\n"))
    with Relations.from_folder(run) as relations:
        assert relations.rows("SELECT intent, file, line FROM intents ORDER BY 1") == [
            ("i1", "ops/0.jsonl.zst", 1),
            ("i2", "ops/10.jsonl.zst", 1),
        ]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(tmp_path: Path) -> None:
    """A recording whose cache cannot be written is converted elsewhere and is not touched."""
    run = write_run(tmp_path)
    (run / "parquet").write_text("in the way")
    with Relations.from_folder(run) as relations:
        assert relations.one("SELECT count(*) FROM attempts") == (2,)
    assert (run / "parquet").read_text() == "in the way"


def test_no_recording_is_said_in_one_line(tmp_path: Path) -> None:
    """A folder that holds no run is named, with what to try."""
    with pytest.raises(UsageError, match="no recording is here"):
        Relations.from_folder(tmp_path)


@pytest.mark.parametrize("small_bytes", [1 << 30, 0])
def test_a_foreign_line_of_evidence_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_bytes: int
) -> None:
    """A line of evidence that is none, or that nobody can mean, spoils its own kind alone: named, and counted."""
    monkeypatch.setattr(parquet, "SMALL_BYTES", small_bytes)
    run = write_run(tmp_path)
    lines = [
        b'{"order":"1","state":"valid"}',
        b'{"order":"2","state":"paid"}',
        b'{"order":"","state":"valid"}',
        b'{"order":"4","state":"valid","qty":-1}',
        b"",
        b'{"order":"6","state":"valid","qty":3}',
    ]
    (run / "evidence/orders.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    for _ in ("made", "found in the cache"):
        with Relations.from_folder(run) as relations:
            assert relations.rows("SELECT order_id, qty, line FROM orders ORDER BY line") == [
                ("1", None, 1),
                ("6", 3, 6),
            ]
            said = relations.rows("SELECT complete, error FROM sources WHERE kind = 'orders' AND error LIKE '%line%'")
            assert relations.one("SELECT count(*) FROM charges") == (1,)
        assert len(said) == 1 and not said[0][0]
        assert said[0][1].startswith("4 lines say nothing that can be relied on; the first, evidence/orders.jsonl:2: ")


def test_a_damaged_line_of_our_own_ends_the_reading(tmp_path: Path) -> None:
    """A line of operations that is none is named with its number: nobody knows what stood there."""
    run = write_run(tmp_path)
    whole = b"".join(msgspec.json.encode(row) + b"\n" for row in OPS)
    (run / "ops/0.jsonl.zst").write_bytes(zstandard.compress(whole + b'{"t":"left","intent":5}\n'))
    with pytest.raises(DamagedError, match=rf"ops/0\.jsonl\.zst:{len(OPS) + 1}: not a row of a recording"):
        Relations.from_folder(run)


def test_damaged_sources_make_all_evidence_doubtful(tmp_path: Path) -> None:
    """Where it cannot be read how the books were read, none of them is taken for whole."""
    run = write_run(tmp_path)
    (run / "evidence/sources.jsonl").write_bytes(b'{"kind":"orders"}\n')
    with Relations.from_folder(run) as relations:
        kinds = {kind for (kind,) in relations.rows("SELECT kind FROM sources WHERE NOT complete")}
    assert kinds == set(EVIDENCE)


def test_a_claim_too_large_for_its_column_stays_readable() -> None:
    """A shop may claim any number: what no column can hold is NULL there and verbatim in `claims`."""
    told = ToldRow(
        intent="i1", op=1, step="pay", role="pay", outcome="ok", end="confirmed", at_ns=1, claims={"qty": 2**63}
    )
    with Relations.from_rows([told]) as relations:
        assert relations.one("SELECT qty, claims FROM tolds") == (None, '{"qty":9223372036854775808}')

"""Lines taken apart by the thousand say what they say one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surgectl.recording import parquet
from surgectl.recording.evidence_rows import OrderRow
from surgectl.recording.relations import Relations
from surgectl.recording.repair import read_blocks, read_lines
from surgectl.recording.rows import DoneRow, IntentRow, InvokeRow, OpRow, ToldRow
from tests.recording.test_relations import EVIDENCE, OPS, dump, write_run


def invoke(name: str, **more: Any) -> InvokeRow:
    return InvokeRow(
        **{"attempt": name, "intent": "i1", "step": "pay", "role": "pay", "op": 1, "due_ns": 1, "at_ns": 2} | more
    )


def done(name: str, **more: Any) -> DoneRow:
    return DoneRow(**{"attempt": name, "outcome": "ok", "why": "next", "sent_ns": 3, "done_ns": 4} | more)


def write_ops(folder: Path, rows: list[OpRow], rows_a_frame: int = 3) -> Path:
    (folder / "ops").mkdir(parents=True)
    lines = [msgspec.json.encode(row) + b"\n" for row in rows]
    frames = [b"".join(lines[at : at + rows_a_frame]) for at in range(0, len(lines), rows_a_frame)]
    (folder / "ops/0.jsonl.zst").write_bytes(b"".join(zstandard.compress(frame) for frame in frames))
    return folder


def test_the_halves_of_an_attempt_meet_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far apart they stand: an attempt is one row; a half that stands alone is kept as what it is."""
    monkeypatch.setattr(parquet, "SMALL_BYTES", 0)
    monkeypatch.setattr(parquet, "_BLOCK_BYTES", 1)
    rows: list[OpRow] = [invoke(f"a{n}") for n in range(6)]
    rows += [done("a5"), done("a0"), done("nobody's"), invoke("a6"), done("a6", claims={"qty": 2}), done("a2")]
    with (
        Relations.from_rows(rows) as memory,
        Relations.from_folder(write_ops(tmp_path, rows)) as files,
    ):
        assert dump(files) == dump(memory)
        assert files.one("SELECT count(*), count(done_line) FROM attempts") == (7, 4)
        assert files.rows("SELECT attempt, line FROM dones WHERE attempt NOT IN (SELECT attempt FROM attempts)") == [
            ("nobody's", 9)
        ]


def test_files_are_converted_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of a second process that the first would have answered otherwise."""
    run = write_run(tmp_path)
    with Relations.from_folder(run) as one_by_one:
        expected = dump(one_by_one)
    for home in (run / "parquet").iterdir():
        (home / "source.json").unlink()
    worked = []
    monkeypatch.setattr(parquet, "SIDE_BY_SIDE_BYTES", 4)
    monkeypatch.setattr(parquet, "ProcessPoolExecutor", _Threads(worked))
    with Relations.from_folder(run) as together:
        assert dump(together) == expected
    assert worked == [len(list((run / "parquet").iterdir()))]


class _Threads:
    """Stands in for the pool of processes: the same work, without their start of half a second each."""

    def __init__(self, worked: list[int]) -> None:
        self.worked = worked

    def __call__(self, workers: int, context: object) -> _Threads:
        return self

    def __enter__(self) -> _Threads:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def map(self, work: Any, given: list[Any]) -> Any:
        self.worked.append(len(given))
        return map(work, given)


@pytest.mark.parametrize("torn", [0, 1, 7])
def test_blocks_are_the_lines(tmp_path: Path, torn: int) -> None:
    """A file read in blocks has the same whole lines, with the same numbers, as one read line by line."""
    run = write_ops(tmp_path, OPS)
    plain = run / "plain.jsonl"
    plain.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in OPS))
    for path in (run / "ops/0.jsonl.zst", plain):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) - torn])
        for least_bytes in (1, 300, 1 << 20):
            found = [
                (number, line)
                for block in read_blocks(path, least_bytes)
                for number, line in enumerate(block.text.split(b"\n")[:-1], start=block.first)
            ]
            assert found == list(read_lines(path))


words = st.text(max_size=8) | st.sampled_from(['"', "\\", "a,b", "🎟", "17", ""])
numbers = (
    st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()
)
anything = words | numbers | st.lists(words | numbers, max_size=3) | st.dictionaries(words, words, max_size=2)
claims = st.dictionaries(
    st.sampled_from(["order", "amount_minor", "currency", "qty", "seats", "tickets", "position", "wait_s", "other"]),
    st.sampled_from(["o1", 17, 2500, "EUR", 1, 0.25, ["A1", "A2"], [], None]) | anything,
    max_size=6,
)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(claims, min_size=30, max_size=60), st.dictionaries(words, words, max_size=3))
def test_whatever_a_shop_claims_is_read_alike(
    tmp_path_factory: pytest.TempPathFactory, said: list[dict[str, Any]], mint: dict[str, str]
) -> None:
    """Any claim of any type has the same columns, taken apart by the thousand or one by one."""
    want = IntentRow(
        intent="i", fan=1, profile="p", phase="", qty=1, price_minor=1, currency="EUR", due_ns=0, at_ns=0, mint=mint
    )
    rows: list[OpRow] = [want]
    for n, each in enumerate(said):
        told = ToldRow(intent="i", op=n, step="s", role="pay", outcome="ok", end="e", at_ns=n, claims=each)
        rows += [told, invoke(f"a{n}", key='k"\\'), done(f"a{n}", claims=each, status=None if n % 2 else 200)]
    was, parquet.SMALL_BYTES = parquet.SMALL_BYTES, 0
    try:
        run = write_ops(tmp_path_factory.mktemp("run") / "run", rows, 20)
        with Relations.from_rows(rows) as memory, Relations.from_folder(run) as files:
            assert dump(files) == dump(memory)
    finally:
        parquet.SMALL_BYTES = was


def test_evidence_by_the_thousand_keeps_its_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that a line leaves out has its usual value, whichever way the line is read."""
    monkeypatch.setattr(parquet, "SMALL_BYTES", 0)
    with Relations.from_rows((), EVIDENCE) as memory, Relations.from_folder(write_run(tmp_path)) as files:
        for kind in EVIDENCE:
            assert files.rows(f"FROM {kind} ORDER BY line") == memory.rows(f"FROM {kind} ORDER BY line")
    assert OrderRow(order="1", state="void").payments == []

"""A recording seen again: as it was while it happened, whoever wrote it and however many did."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard
from typer.testing import CliRunner

from surgectl.cli.main import app
from surgectl.live.replay import Replay
from surgectl.live.snapshot import Snapshot
from surgectl.live.view import LiveView
from surgectl.recording import manifest as manifests
from surgectl.recording.journal import encode, encode_all
from surgectl.recording.manifest import FaultNote, LinkNote, Manifest, PhaseNote
from surgectl.recording.rows import FaultRow, NoteRow, VitalsRow
from tests.live import history
from tests.live.history import S

ROOT = Path(__file__).parents[2]
CHAOS = (FaultRow, NoteRow)
HAND = [
    NoteRow(at_ns=40 * S, text="db is slow"),
    NoteRow(at_ns=41 * S, text="arrivals paused by hand", kind="pause"),
    FaultRow(fault="hand-1", event="applied", at_ns=42 * S, link="identity", brownout="slow"),
    FaultRow(fault="hand-1", event="healed", at_ns=44 * S, link="identity", brownout="slow"),
    NoteRow(at_ns=45 * S, text="arrivals resumed by hand", kind="resume"),
]


def manifest(workers: int, **changes: object) -> Manifest:
    told = Manifest(
        run="r",
        profile="ticket-drop",
        seed=1,
        digest="",
        version="",
        started_at="",
        started_epoch_s=1.0,
        started_monotonic_ns=1,
        status="done",
        duration_s=95.0,
        phases=[
            PhaseNote(name=p.name, start_ns=p.start_ns, end_ns=p.end_ns, first_fan=p.first_fan, fans=p.fans)
            for p in history.PHASES
        ],
        faults=[
            FaultNote(fault=f.fault, from_ns=f.from_ns, to_ns=f.to_ns, link=f.link, brownout=f.brownout)
            for f in history.FAULTS
        ],
        links=[LinkNote(name="payments"), LinkNote(name="identity")],
        workers=workers,
    )
    return manifests.replace(told, **changes)


def recording(folder: Path, workers: int) -> Path:
    """The made-up rehearsal as a recording, its fans shared out to so many workers."""
    shards: list[list[history.Row]] = [[] for _ in range(workers)]
    chaos: list[history.Row] = [*HAND]
    for row in history.rows():
        if isinstance(row, CHAOS):
            chaos.append(row)
        else:
            name = str(getattr(row, "intent", "") or getattr(row, "attempt", "")).split("/")[0]
            shards[hash_of(name) % workers].append(row)
    (folder / "ops").mkdir(parents=True)
    (folder / "chaos.jsonl").write_bytes(b"".join(encode(row) for row in sorted(chaos, key=history.when_ns)))
    for shard, rows in enumerate(shards):
        ops = [row for row in rows if not isinstance(row, VitalsRow)]
        frames = [zstandard.ZstdCompressor().compress(encode_all(ops[at : at + 50])) for at in range(0, len(ops), 50)]
        (folder / "ops" / f"{shard}.jsonl.zst").write_bytes(b"".join(frames) + b"\x28\xb5\x2f")  # and a torn one
        vitals = [row for row in rows if isinstance(row, VitalsRow)]
        name = "vitals.jsonl" if shard == 0 else f"vitals-{shard}.jsonl"
        (folder / name).write_bytes(b"".join(encode(row) for row in vitals))
    manifests.save(manifest(workers), folder)
    return folder


def hash_of(name: str) -> int:
    """A fan's number, wherever its name stands: everything of an intent is its own worker's."""
    digits = "".join(c for c in name.split(".")[0] if c.isdigit())
    return int(digits) if digits else 0


def seen(until_s: float) -> Snapshot:
    view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS)
    view.fold_all(
        row for row in sorted([*history.rows(), *HAND], key=history.when_ns) if history.when_ns(row) <= until_s * S
    )
    return view.snapshot(round(until_s * S))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("until_s", [3.0, 14.5, 43.0, 95.0])
def test_a_replay_shows_what_was_seen_then(tmp_path: Path, workers: int, until_s: float) -> None:
    """At any instant the funnel, the ends, the sparklines and the faults are those of the dashboard at that time."""
    folder = recording(tmp_path / "r", workers)
    replay = Replay(folder, manifest(workers))
    replay.play_until(round(until_s * S) // 2)
    replay.play_until(round(until_s * S))
    snap, then = replay.snapshot(round(until_s * S), manifest(workers)), seen(until_s)
    for name in ("funnel", "ends", "sent", "open_info", "faults", "pausing", "probes", "log", "amplification"):
        assert getattr(snap, name) == getattr(then, name), name
    assert snap.seconds == then.seconds
    assert (snap.workers, snap.links) == (workers, ("payments", "identity"))


def test_following_ends_where_a_replay_ends(tmp_path: Path) -> None:
    """Whoever looks on while it is written has counted the same in the end, whatever order the files came in."""
    folder = recording(tmp_path / "r", 2)
    following, replay = (Replay(folder, manifest(2)) for _ in range(2))
    while following.follow():
        pass
    replay.play_until(1_000 * S)
    a, b = (each.snapshot(95 * S, manifest(2)) for each in (following, replay))
    assert (a.funnel, a.ends, a.sent, a.seconds, a.vitals) == (b.funnel, b.ends, b.sent, b.seconds, b.vitals)


@pytest.mark.parametrize(
    "now_s,changes,word",
    [
        (-1, {}, "getting ready"),
        (10, {}, "storm"),
        (86, {}, "draining"),
        (90, {"last_fan_ns": 88 * S}, "settling"),
        (96, {}, "over"),
        (96, {"status": "aborted"}, "over: aborted"),
        (30, {"status": "running"}, "storm"),
    ],
)
def test_what_was_done_when(tmp_path: Path, now_s: int, changes: dict[str, object], word: str) -> None:
    """The step of the rehearsal at an instant, from its first page."""
    told = manifest(1, **changes)
    assert Replay(tmp_path, told).snapshot(now_s * S, told).doing == word


def watch(*words: object) -> str:
    done = CliRunner().invoke(app, ["watch", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_one_instant_is_one_line(tmp_path: Path) -> None:
    """`--at` without a terminal: what had happened until then, and the numbers as they stood."""
    said = watch(recording(tmp_path / "reports" / "p" / "1", 2), "--at", "43s").splitlines()
    assert said[-2] == "  42s * slow on identity: applied"
    assert said[-1].startswith("  43s storm") and "PAUSED" in said[-1] and "FAULT slow applied" in said[-1]


def test_the_newest_run_is_watched_where_none_is_named(tmp_path: Path) -> None:
    """A replay without a terminal is a line for every five seconds of the run, with its events in between."""
    recording(tmp_path / "reports" / "p" / "20300101T000000Z-1", 1)
    said = watch("--reports", tmp_path / "reports", "--speed", "5000x")
    assert "note: db is slow" in said and said.splitlines()[-1].startswith("  95s over")


@pytest.mark.parametrize(
    "words,says", [(("--speed", "fast"), "is no speed"), (("--at", "noon"), "is no time of a run")]
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, words: tuple[str, str], says: str) -> None:
    """One line that names the option."""
    done = CliRunner().invoke(app, ["watch", str(recording(tmp_path / "r", 1)), *words])
    assert done.exit_code != 0 and says in str(done.exception)


def test_no_run_at_all_is_said(tmp_path: Path) -> None:
    """Where there is nothing to watch it says what to name."""
    done = CliRunner().invoke(app, ["watch", "--reports", str(tmp_path)])
    assert done.exit_code != 0 and "there is no run" in str(done.exception)

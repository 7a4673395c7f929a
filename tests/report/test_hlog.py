"""The latency log is what HdrHistogram's own reader takes it for: every step, second by second."""

from __future__ import annotations

from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from surgectl.recording.relations import Relations
from surgectl.recording.rows import DoneRow, InvokeRow, OpRow
from surgectl.report import hlog
from surgectl.stats.histogram import HIGHEST_NS, LOWEST_NS, Histogram

S, MS = 1_000_000_000, 1_000_000
EPOCH_S = 1_893_456_000.25


def attempt(step: str, due_ns: int, took_ns: int | None, *, outcome: str = "ok", poll: bool = False) -> list[OpRow]:
    """It left a tenth of a second after it was due."""
    name, sent_ns = f"{step}-{due_ns}-{took_ns}", due_ns + S // 10
    invoke = InvokeRow(
        attempt=name, intent="i", step=step, role=step, op=1, due_ns=due_ns, at_ns=sent_ns, poll=poll, method="POST"
    )
    if took_ns is None:
        return [invoke]
    done = DoneRow(attempt=name, outcome=outcome, why="next", sent_ns=sent_ns, done_ns=due_ns + took_ns)  # type: ignore[arg-type]
    return [invoke, done]


def written(tmp_path: Path, *attempts: list[OpRow]) -> Path:
    path = tmp_path / hlog.NAME
    with Relations.from_rows([row for rows in attempts for row in rows]) as relations:
        path.write_text(hlog.render(relations, started_epoch_s=EPOCH_S), "utf-8")
    return path


def read(path: Path) -> list[HdrHistogram]:
    reader = HistogramLogReader(str(path), HdrHistogram(LOWEST_NS, HIGHEST_NS, 3))
    found = []
    while (histogram := reader.get_next_interval_histogram()) is not None:
        found.append(histogram)
    assert reader.get_start_time_sec() == EPOCH_S
    return found


def test_every_second_of_every_step_is_read_back(tmp_path: Path) -> None:
    """Tags, absolute times, counts and percentiles come back; a latency begins when its send was due."""
    first = [150 * MS + n * MS for n in range(100)]
    path = written(
        tmp_path,
        *(attempt("pay", 2 * S + n, took_ns) for n, took_ns in enumerate(first)),
        attempt("pay", 4 * S - 1, 3 * S),
        attempt("join", 3 * S, 200 * MS, outcome="fail"),
    )
    found = read(path)
    told = [
        (h.get_tag(), h.get_start_time_stamp() - EPOCH_S * 1000, h.get_end_time_stamp() - h.get_start_time_stamp())
        for h in found
    ]
    assert told == [("pay", 2000, 1000), ("pay", 3000, 1000), ("join", 3000, 1000)]
    assert [h.get_total_count() for h in found] == [100, 1, 1]
    own = Histogram.of(first)
    for percentile in (50, 90, 99):
        assert found[0].get_value_at_percentile(percentile) == own.percentile_ns(percentile)
    assert found[1].get_max_value() == pytest.approx(3 * S, rel=0.001)
    assert found[2].get_max_value() == pytest.approx(200 * MS, rel=0.001)


def test_its_lines_are_of_the_format(tmp_path: Path) -> None:
    """Version, start and base time, the legend, then one line an interval with the greatest in milliseconds."""
    lines = written(tmp_path, attempt("pay", S, 1_500_250_000)).read_text().splitlines()
    assert lines[2:6] == [
        "#[Histogram log format version 1.3]",
        "#[StartTime: 1893456000.250 (seconds since epoch), Tue Jan 01 00:00:00 UTC 2030]",
        "#[BaseTime: 1893456000.250 (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    assert all(line.startswith("#") for line in lines[:5])
    assert len(lines) == 7 and lines[6].startswith("Tag=pay,1.000,1.000,1500.250,HISTFAAAA")


def test_what_has_no_definite_reply_is_counted_not_timed(tmp_path: Path) -> None:
    """A doubt, a reply that never came and a poll are no latency; the first two are owned up to."""
    path = written(
        tmp_path,
        attempt("pay", S, 200 * MS),
        attempt("pay", S, 9 * S, outcome="info"),
        attempt("pay", S, None),
        attempt("pay", S + 1, 300 * MS, poll=True),
    )
    assert [h.get_total_count() for h in read(path)] == [1]
    assert "#[2 attempts had no definite reply and are not timed: see report.json]" in path.read_text()


def test_a_step_that_never_had_a_definite_reply_has_no_line(tmp_path: Path) -> None:
    """A shop that died: its steps were tried, and none of them was answered."""
    path = written(
        tmp_path,
        attempt("join", 1 * S, 200 * MS),
        attempt("pay", 2 * S, None),
        attempt("pay", 3 * S, 200 * MS, outcome="info"),
    )
    assert [h.get_tag() for h in read(path)] == ["join"]
    assert "#[2 attempts had no definite reply" in path.read_text("utf-8")


def test_a_long_run_is_told_in_coarser_steps(tmp_path: Path) -> None:
    """An hour has at most six hundred intervals, and nothing of it is lost."""
    found = read(written(tmp_path, *(attempt("pay", n * 10 * S, 200 * MS) for n in range(360))))
    assert len(found) <= 600 and sum(h.get_total_count() for h in found) == 360
    starts = [h.get_start_time_stamp() for h in found]
    assert starts == sorted(starts) and starts[-1] - starts[0] >= 3_580_000


def test_a_strange_name_ends_no_tag(tmp_path: Path) -> None:
    """A comma or a blank in a step's name neither ends the tag nor the line."""
    (found,) = read(written(tmp_path, attempt("pay, again\nplease", S, 200 * MS)))
    assert found.get_tag() == "pay-again-please"


def test_a_run_in_which_nothing_was_sent_leaves_an_empty_log(tmp_path: Path) -> None:
    """No attempt, no interval: a log all the same."""
    path = written(tmp_path)
    assert path.read_text().splitlines()[-1].startswith('"StartTimestamp"')
    reader = HistogramLogReader(str(path), HdrHistogram(LOWEST_NS, HIGHEST_NS, 3))
    assert reader.get_next_interval_histogram() is None

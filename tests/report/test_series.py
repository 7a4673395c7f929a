"""The numbers of every second, from a small history that can be counted by hand."""

from __future__ import annotations

from surgectl.recording.evidence_rows import RequestRow, SourceRow
from surgectl.recording.relations import Relations
from surgectl.recording.rows import DoneRow, DroppedRow, IntentRow, InvokeRow, LeftRow, OpRow, ToldRow, VitalsRow
from surgectl.report.charts import step_s
from surgectl.report.series import OverTime, coarser, over_time

S = 1_000_000_000


def ns(at_s: float) -> int:
    return round(at_s * S)


def intent(name: str, at_s: float, due_s: float | None = None) -> IntentRow:
    due_ns = ns(at_s if due_s is None else due_s)
    return IntentRow(
        intent=name,
        fan=1,
        profile="patient",
        phase="p",
        qty=1,
        price_minor=100,
        currency="EUR",
        due_ns=due_ns,
        at_ns=ns(at_s),
    )


def attempt(
    name: str, of: str, role: str, at_s: float, done_s: float | None, outcome: str = "ok", why: str = "next", **more
) -> list[OpRow]:
    due_ns = ns(more.pop("due_s", at_s))
    rows: list[OpRow] = [
        InvokeRow(attempt=name, intent=of, step=role, role=role, op=1, due_ns=due_ns, at_ns=ns(at_s), **more)
    ]
    if done_s is not None:
        rows.append(DoneRow(attempt=name, outcome=outcome, why=why, sent_ns=ns(at_s), done_ns=ns(done_s)))
    return rows


def left(of: str, end: str, outcome: str, at_s: float, tab: int = 0) -> LeftRow:
    return LeftRow(intent=of, end=end, outcome=outcome, at_ns=ns(at_s), tab=tab)


def told(of: str, end: str, outcome: str, at_s: float, **more) -> ToldRow:
    return ToldRow(intent=of, op=1, step="pay", role="pay", outcome=outcome, end=end, at_ns=ns(at_s), **more)


def counted(ops: list[OpRow], vitals: list[VitalsRow] | None = None) -> OverTime:
    with Relations.from_rows(ops, vitals=vitals or []) as relations:
        return over_time(relations)


def test_a_small_history_is_counted_second_by_second() -> None:
    """Two fans, one late, one dropped; sends, polls, doubts, shed replies and lateness each in its own second."""
    over = counted(
        [
            intent("a", 0.2),
            intent("b", 1.1, due_s=0.9),  # due in second 0, came in second 1
            DroppedRow(fan=3, due_ns=ns(1.5), at_ns=ns(2.9)),
            *attempt("a1", "a", "hold", 0.3, 0.4),
            *attempt("a2", "a", "hold", 0.5, 0.6, poll=True),
            *attempt("a3", "a", "pay", 1.0, 1.2, due_s=0.9),
            *attempt("b1", "b", "hold", 1.2, 1.3, "fail", "shed"),
            *attempt("b2", "b", "pay", 1.4, 3.4, "info", "timeout"),
            *attempt("b3", "b", "pay", 1.6, None),  # its end was never written
            told("a", "confirmed", "ok", 1.2),
            left("a", "confirmed", "ok", 1.2),
            left("b", "unknown", "info", 3.5),
        ],
        [
            VitalsRow(at_ns=ns(1.0), lag_ns=2_000_000, cpu=0.1, arrival_lag_ns=7_000_000),
            VitalsRow(at_ns=ns(1.9), lag_ns=3_000_000, cpu=0.1),
        ],
    )
    assert over.second == [0, 1, 2, 3]
    assert over.due == [2, 1, 0, 0]
    assert over.arrived == [1, 1, 0, 0]
    assert over.sent == [1, 4, 0, 0]
    assert over.polls == [1, 0, 0, 0]
    assert over.resolved == over.confirmed == [0, 1, 0, 0]
    assert over.in_doubt == [0, 0, 0, 1]
    assert over.shed == [0, 1, 0, 0]
    assert over.open_intents == [1, 1, 1, 0]
    assert over.pay_p50_ms == [300.0, 2000.0, None, None]  # 0.9 to 1.2 from due; 1.4 to 3.4
    assert over.lag_ms == [None, 7.0, None, None]


def test_paying_is_timed_from_due_and_from_sent_and_each_step_by_itself() -> None:
    """What the fan felt and what the shop took are two numbers; a step has its own line, second by second."""
    over = counted(
        [
            intent("a", 0.1),
            *attempt("a1", "a", "hold", 0.2, 0.3),
            *attempt("a2", "a", "pay", 1.5, 1.7, due_s=1.2),
            left("a", "confirmed", "ok", 1.7),
        ]
    )
    assert over.pay_p50_ms == over.pay_p99_ms == [None, 500.0]
    assert over.pay_sent_p50_ms == over.pay_sent_p95_ms == over.pay_sent_p99_ms == [None, 200.0]
    assert over.steps_p95_ms == {"hold": [100.0, None], "pay": [None, 500.0]}


def test_amplification_counts_by_where_an_operation_began() -> None:
    """Three sends of one payment are three of the second in which it began; a poll is no attempt."""
    over = counted(
        [
            intent("a", 0.1),
            *attempt("a1", "a", "pay", 0.5, 0.6, "info", "timeout"),
            *attempt("a2", "a", "pay", 1.5, 1.6, "info", "timeout", try_=2),
            *attempt("a3", "a", "pay", 2.5, 2.6, try_=3),
            *attempt("a4", "a", "pay", 2.7, 2.8, poll=True),
            left("a", "confirmed", "ok", 2.8),
        ]
    )
    assert (over.operations, over.operation_sends) == ([1, 0, 0], [3, 0, 0])
    assert over.payments == over.payment_posts == []  # the provider gives no log


def test_what_the_provider_received_stands_on_its_own_clock() -> None:
    """POSTs for a payment belong to the second in which the provider first heard of it; GETs are none."""
    requests = [
        RequestRow(payment="p", key="k", method=method, status=200, at_s=1000.0 + at_s)
        for method, at_s in (("POST", 0.4), ("POST", 2.2), ("GET", 2.3))
    ]
    books = {"requests": requests, "sources": [SourceRow(kind="requests", rows=3, complete=True)]}
    with Relations.from_rows([intent("a", 0.1), left("a", "quit", "fail", 2.5)], evidence=books) as relations:
        over = over_time(relations, started_epoch_s=1000.0)
        unknown = over_time(relations)
    assert (over.payments, over.payment_posts) == ([1, 0, 0], [2, 0, 0])
    assert unknown.payments == []  # where our zero stands on that clock is not known


def test_a_fan_has_one_fate_whatever_the_tabs_say() -> None:
    """One tab sold out, then another wins: one fate, at the moment of the ticket; the closed tab is none."""
    over = counted(
        [
            intent("a", 0.1),
            left("a", "sold-out", "fail", 0.5),
            told("a", "confirmed", "ok", 2.5, tab=1),
            left("a", "confirmed", "ok", 2.5, tab=1),
            left("a", "closed", "fail", 2.6, tab=2),
        ]
    )
    assert (over.resolved, over.confirmed) == ([0, 0, 1], [0, 0, 1])
    assert over.open_intents == [1, 1, 0]


def test_a_no_counts_when_the_last_tab_has_left() -> None:
    """Two tabs that are told no: one fate, at the last of them; with one in doubt there is none."""
    no = [intent("a", 0.1), left("a", "sold-out", "fail", 0.5), left("a", "sold-out", "fail", 1.5, tab=1)]
    over = counted(no)
    assert (over.resolved, over.confirmed) == ([0, 1], [0, 0])
    assert counted([*no, left("a", "unknown", "info", 1.6, tab=2)]).resolved == [0, 0]


def test_what_is_accepted_or_broken_off_by_us_has_no_fate_until_a_status_read_brings_it() -> None:
    """Accepted is not confirmed, cut off is not refused; the status read settles it in its own second."""
    begun = [
        intent("a", 0.1),
        left("a", "accepted", "ok", 0.5),
        intent("b", 0.1),
        left("b", "unknown", "info", 0.5),
        intent("c", 0.1),
        left("c", "cut-off", "fail", 0.5),
    ]
    assert counted(begun).resolved == [0]
    over = counted(
        [
            *begun,
            told("a", "confirmed", "ok", 4.0, status_read=True),
            told("b", "cancelled", "fail", 4.1, status_read=True),
            told("b", "unknown", "info", 4.2, status_read=True),
        ]
    )
    assert (over.resolved, over.confirmed) == ([0, 0, 0, 0, 2], [0, 0, 0, 0, 1])


def test_nothing_recorded_is_one_empty_second() -> None:
    """An empty recording is not an error."""
    over = counted([])
    assert over.second == [0] and over.arrived == [0] and over.pay_p50_ms == [None]


def test_coarser_steps_lose_no_count() -> None:
    """Counts are summed, latencies the worst, the crowd the last one of each step; the last step may be short."""
    over = counted(
        [row for i in range(5) for row in (intent(f"i{i}", i + 0.5), left(f"i{i}", "quit", "fail", i + 0.6))]
    )
    wide = coarser(over, 2)
    assert wide.second == [0, 2, 4]
    assert wide.arrived == [2, 2, 1] and wide.resolved == [2, 2, 1] and wide.open_intents == [0, 0, 0]
    assert wide.operations == [0, 0, 0] and wide.payments == [] and wide.cpu == [None] * 3
    assert coarser(over, 1) is over
    assert [step_s(over, most) for most in (5, 4, 2, 1)] == [1, 2, 3, 5]


def test_the_worst_second_is_kept_in_a_coarser_step() -> None:
    """A latency peak of one second survives; a step without any sample stays empty."""
    ops = [intent("a", 0.0), *attempt("x", "a", "pay", 0.1, 0.2), *attempt("y", "a", "pay", 1.1, 1.9)]
    over = counted([*ops, left("a", "quit", "fail", 3.5)])
    assert coarser(over, 2).pay_p95_ms == [800.0, None] == coarser(over, 2).steps_p95_ms["pay"]

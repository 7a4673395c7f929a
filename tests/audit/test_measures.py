"""The numbers behind the thresholds, each against a history small enough to count by hand."""

from __future__ import annotations

import msgspec
import pytest

from surgectl.audit.measures import RunMeasures
from surgectl.audit.metrics import metrics
from surgectl.recording.evidence_rows import RequestRow
from surgectl.recording.rows import DoneRow, FaultRow, IntentRow, InvokeRow, LeftRow, ProbeRow, ToldRow
from surgectl.stats.percentile import Durations
from surgectl.thresholds.evaluate import evaluate
from surgectl.thresholds.grammar import parse
from surgectl.thresholds.measure import Number, Tally, Unmeasured
from tests.histories.night import EPOCH, Night, S


def measure(night: Night, text: str, **changes: object) -> object:
    threshold = parse(text)
    with night.relations() as relations:
        found = RunMeasures(relations, night.expectations(**changes))
        return found.find(threshold.kind, threshold.metric, threshold.scope)


def verdict(night: Night, text: str) -> str:
    with night.relations() as relations:
        return evaluate(parse(text), RunMeasures(relations, night.expectations())).verdict


def test_confirm_runs_over_all_retries() -> None:
    """`confirm` runs from the first payment's due time to the confirmation, over every retry in between."""
    night = Night()
    night.fan(1)
    night.send(1, "pay", "info", "timeout").tick(3 * S)
    night.send(1, "pay", "ok", "confirmed").told(1, "pay", "ok", "confirmed")
    first = next(row.due_ns for row in night.ops if isinstance(row, InvokeRow))
    last = next(row.at_ns for row in night.ops if isinstance(row, ToldRow))
    assert measure(night, "p99(confirm) < 3s") == Durations.of([last - first])
    assert last - first > 3 * S


def test_confirm_counts_the_unresolved() -> None:
    """A payment without a definite end stays in the sample as still open, and can fail the threshold."""
    night = Night().buys(1).loses_reply(2)
    night.tick(9 * S)
    night.left(2, "cut-off", "info")
    found = measure(night, "p99(confirm) < 3s")
    assert isinstance(found, Durations) and (len(found.ended_ns), len(found.open_ns)) == (1, 1)
    assert verdict(night, "p99(confirm) < 3s") == "fail"
    assert verdict(night, "p50(confirm) < 3s") == "pass"


def test_accepted_is_not_yet_known() -> None:
    """An acknowledgement is no definite knowledge."""
    night = Night()
    night.fan(1)
    night.send(1, "pay", "ok", "accepted").told(1, "pay", "ok", "accepted")
    found = measure(night, "p99(confirm) < 3s")
    assert isinstance(found, Durations) and not found.ended_ns and len(found.open_ns) == 1


def test_step_latency_counts_from_due() -> None:
    """A step's latency counts from when it was due; what timed out was at least that slow; unsent is no sample."""
    night = Night()
    night.fan(1)
    for number, (outcome, why, sent) in enumerate(
        [("ok", "next", 4 * S), ("info", "timeout", S), ("fail", "not-sent", None)]
    ):
        night.ops.append(
            InvokeRow(attempt=f"x{number}", intent="run-i1", step="page", role="browse", op=number, due_ns=S, at_ns=S)
        )
        night.ops.append(DoneRow(attempt=f"x{number}", outcome=outcome, why=why, sent_ns=sent, done_ns=5 * S))  # type: ignore[arg-type]
    assert measure(night, "max(page) < 1s") == Durations.of([4 * S], [4 * S])


def test_availability_is_the_probes() -> None:
    """Availability counts the probes of a page; a page that is not probed is unmeasured, an unknown one is nothing."""
    night = Night().buys(1)
    night.ops += [
        ProbeRow(step="about", due_ns=n * S, sent_ns=n * S, done_ns=n * S + 1, outcome="ok" if n else "info")
        for n in range(10)
    ]
    night.ops.append(ProbeRow(step="about", due_ns=1, sent_ns=None, done_ns=2, outcome="fail", why="late"))
    assert measure(night, "availability(about) >= 99%") == Tally(good=9, total=10)
    assert isinstance(measure(night, "availability(hold) >= 99%"), Unmeasured)
    assert measure(night, "availability(nowhere) >= 99%") is None


def test_amplification_is_per_payment_wanted() -> None:
    """Three POSTs for one order are an amplification of three, though each had a key of its own."""
    night = Night().buys(1).buys(2)
    night.left_out.discard("requests")
    night.requests = [RequestRow(key=f"k{n}", keys=["run-i1"], at_s=EPOCH + 1) for n in range(3)]
    night.requests += [RequestRow(key="shop-key-2", at_s=EPOCH + 1), RequestRow(method="GET", key="x", at_s=EPOCH + 1)]
    assert measure(night, "amplification(payments) <= 2") == Number(value=2.0, samples=2)
    night.left_out.add("requests")
    assert isinstance(measure(night, "amplification(payments) <= 2"), Unmeasured)


def test_scopes_select_by_due_time() -> None:
    """A threshold may look at a fault's window, at what came after it, or at a phase; an unknown one is unmeasured."""
    night = Night().buys(1)
    night.chaos.append(FaultRow(fault="0", event="applied", at_ns=night.clock, link="payments", brownout="slow"))
    night.buys(2)
    night.chaos.append(FaultRow(fault="0", event="healed", at_ns=night.clock + 1, link="payments", brownout="slow"))
    night.tick()
    night.buys(3).buys(4)
    counts = {}
    for scope in ("before payments", "during slow", "after 0", "in on-sale"):
        found = measure(night, f"count(paid) <= 9 {scope}")
        assert isinstance(found, Number)
        counts[scope.split()[0]] = found.value
    assert counts == {"before": 1, "during": 1, "after": 2, "in": 4}
    assert isinstance(measure(night, "count(paid) <= 9 during database"), Unmeasured)
    assert isinstance(measure(night, "count(paid) <= 9 in tail"), Unmeasured)


def test_count_of_nothing_known() -> None:
    """A zero of something known is a number; an unknown name is not."""
    assert measure(Night().buys(1), "count(declined) <= 0") == Number(value=0.0, samples=1)
    assert measure(Night().buys(1), "count(declinned) <= 0") is None
    assert verdict(Night(), "count(declined) <= 0") == "unknown"


def sale(bad: range, seconds: int = 60) -> Night:
    """One payment a second; those due in `bad` are never answered. The fault ends at 20 s."""
    night = Night()
    for second in range(seconds):
        intent, due = f"run-i{second}", second * S
        night.ops += [
            IntentRow(
                intent=intent,
                fan=second,
                profile="p",
                phase="on-sale",
                qty=1,
                price_minor=1,
                currency="EUR",
                due_ns=due,
                at_ns=due,
            ),
            InvokeRow(attempt=intent, intent=intent, step="pay", role="pay", op=1, due_ns=due, at_ns=due),
            DoneRow(
                attempt=intent, outcome="info" if second in bad else "ok", why="x", sent_ns=due, done_ns=due + S // 2
            ),
            ToldRow(
                intent=intent,
                op=1,
                step="pay",
                role="pay",
                outcome="info" if second in bad else "ok",
                end="x",
                at_ns=due + S // 2,
            ),
        ]
    night.chaos += [
        FaultRow(fault="0", event="applied", at_ns=10 * S, link="payments", brownout="down"),
        FaultRow(fault="0", event="healed", at_ns=20 * S, link="payments", brownout="down"),
    ]
    return night


@pytest.mark.parametrize(
    "bad, seconds, verdict_10s, verdict_30s",
    [
        (range(10, 20), 60, "pass", "pass"),  # good at once; smoothed, it counts from the seventh second
        (range(10, 36), 60, "fail", "pass"),
        (range(10, 60), 60, "fail", "fail"),  # never
        (range(10, 45), 60, "unknown", "unknown"),  # good for less than fifteen seconds when the load ended
        (range(10, 20), 20, "unknown", "unknown"),  # nobody came after the fault
    ],
)
def test_recovery(bad: range, seconds: int, verdict_10s: str, verdict_30s: str) -> None:
    """Recovery is the first second after the heal from which nine in ten are answered for fifteen seconds."""
    night = sale(bad, seconds)
    assert verdict(night, "recovery(payments) < 10s") == verdict_10s
    assert verdict(night, "recovery(payments) < 30s") == verdict_30s


@pytest.mark.parametrize(
    "bad, known_after_s, verdict_10s, verdict_30s",
    [
        (range(15, 20), 20, "fail", "pass"),  # those of the last five seconds wait another twenty
        (range(15, 20), 5, "pass", "pass"),
        (range(15, 20), None, "fail", "fail"),  # they never learn: newcomers are served, the backlog is not
        (range(30, 40), None, "pass", "pass"),  # begun after the heal: no part of the backlog
    ],
)
def test_drain(bad: range, known_after_s: int | None, verdict_10s: str, verdict_30s: str) -> None:
    """Drained is when the last payment that was open at the heal has a definite end, however well newcomers fare."""
    night = sale(bad)
    if known_after_s is not None:
        for second in bad:
            night.ops.append(
                ToldRow(
                    intent=f"run-i{second}",
                    op=1,
                    step="pay",
                    role="pay",
                    outcome="ok",
                    end="confirmed",
                    at_ns=(second + known_after_s) * S,
                )
            )
    for second in set(range(60)) - set(bad):
        night.ops.append(
            ToldRow(
                intent=f"run-i{second}",
                op=2,
                step="pay",
                role="pay",
                outcome="ok",
                end="confirmed",
                at_ns=second * S + 1,
            )
        )
    assert verdict(night, "drain(payments) < 10s") == verdict_10s
    assert verdict(night, "drain(payments) < 30s") == verdict_30s


def test_a_fan_who_left_is_no_backlog() -> None:
    """Who lost patience says nothing about the shop; who still waits when the run ends does."""
    night = sale(range(0))
    for second, end in ((17, "gone"), (18, "quit"), (19, "unknown")):
        night.ops += [LeftRow(intent=f"run-i{second}", end=end, outcome="info", at_ns=59 * S)]
        told = next(row for row in night.ops if isinstance(row, ToldRow) and row.intent == f"run-i{second}")
        night.ops[night.ops.index(told)] = msgspec.structs.replace(told, outcome="info", end=end, at_ns=59 * S)
    for row in [row for row in night.ops if isinstance(row, ToldRow) and row.outcome == "ok"]:
        night.ops[night.ops.index(row)] = msgspec.structs.replace(row, end="confirmed")
    assert verdict(night, "drain(payments) < 30s") == "fail"
    night.ops = [row for row in night.ops if getattr(row, "intent", "") != "run-i19"]
    assert verdict(night, "drain(payments) < 1s") == "pass"


def test_come_back_is_an_answer_and_too_busy_is_none() -> None:
    """Seats that are in others' baskets are no shop that fails to recover; a shop that sheds everything is one."""
    for then, seen in (("again", "pass"), ("shed", "fail")):
        night = sale(range(20, 60))
        for row in list(night.ops):
            if isinstance(row, DoneRow) and row.outcome == "info":
                night.ops[night.ops.index(row)] = msgspec.structs.replace(row, outcome="fail", why=then, then=then)
        assert verdict(night, "recovery(payments) < 30s") == seen


def test_drain_of_nothing() -> None:
    """Where nobody had paid before the heal there was no backlog, and that proves nothing."""
    night = sale(range(0), seconds=0)
    assert verdict(night, "drain(payments) < 30s") == "unknown"


def test_refusals_are_timed_from_due() -> None:
    """A shop that needs a second to say that it is busy has not shed its load, it has passed it on."""
    night = Night()
    for fan, took in ((1, S // 10), (2, 2 * S)):
        night.fan(fan)
        night.send(fan, "hold", "fail", "shed")
        done = next(row for row in reversed(night.ops) if isinstance(row, DoneRow))
        sent = next(row for row in reversed(night.ops) if isinstance(row, InvokeRow))
        night.ops[night.ops.index(done)] = msgspec.structs.replace(done, done_ns=sent.due_ns + took)
    assert measure(night, "p99(shed) < 250ms") == Durations.of([S // 10, 2 * S])
    assert (verdict(night, "p99(shed) < 250ms"), verdict(night, "p50(shed) < 250ms")) == ("fail", "pass")
    assert verdict(Night().buys(1), "p99(shed) < 250ms") == "unknown"


def test_the_calm_and_the_fault_are_measured_apart() -> None:
    """A shop that hammers its provider in the fault does not hide behind the calm before and after it."""
    night = sale(range(0))
    night.left_out.discard("requests")
    seconds = (1, 2, 11, 11, 11, 12, 30)
    night.requests = [RequestRow(payment=f"p{s}", key=f"k{s}", method="POST", at_s=EPOCH + s + 0.5) for s in seconds]
    with night.relations() as relations:
        found = metrics(RunMeasures(relations, night.expectations()))["bearing"]
    assert found["amplification_calm"] == 1.0
    assert found["faults"][0]["amplification"] == 2.0 and found["faults"][0]["recovery_s"] is not None


def test_metrics_are_plain_data() -> None:
    """The metrics tell the funnel and the goodput by second, and None where nothing was measured."""
    night = Night().buys(1).buys(2).refused(3).loses_reply(4)
    with night.relations() as relations:
        found = metrics(RunMeasures(relations, night.expectations()))
    assert found["funnel"]["arrived"] == 4 and found["funnel"]["confirmed"] == 2 and found["funnel"]["sold_out"] == 1
    assert sum(found["goodput_per_s"]) == 3
    assert found["confirm"]["unresolved"] == 1 and found["confirm"]["p99_ms"] is None
    assert found["steps"]["pay"]["info"] == 1 and found["amplification"]["payments"] is None

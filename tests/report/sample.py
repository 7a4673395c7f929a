"""A truthful sample of a summary: what the made-up rehearsal of tests/live/history.py comes to, with a guilty shop."""

from __future__ import annotations

from functools import cache

from surgectl.audit.finding import Example, Finding, Moment
from surgectl.live.view import LiveView
from surgectl.recording.relations import Relations
from surgectl.report.series import over_time
from surgectl.report.summary import ChaosLine, CoverageLine, RunNote, Summary, ThresholdLine
from surgectl.report.words import headline, next_steps
from tests.live import history

S = history.S


@cache
def summary() -> Summary:
    """A run that found a double charge, missed a threshold, and sold 900 tickets."""
    told = history.rows()
    with Relations.from_rows(
        [row for row in told if type(row).__name__ not in ("FaultRow", "VitalsRow")],
        chaos=[row for row in told if type(row).__name__ == "FaultRow"],
        vitals=[row for row in told if type(row).__name__ == "VitalsRow"],
    ) as relations:
        over = over_time(relations)
    view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS)
    for row in told:
        view.fold(row)
    snap = view.snapshot(95 * S)
    findings = [_double_charge(), *_innocent(), _doubtful(), _not_configured()]
    thresholds = [
        ThresholdLine(expression="p99(confirm) < 3s", verdict="fail", observed="4.38s (900 samples)"),
        ThresholdLine(expression="availability(about) >= 99.5%", verdict="pass", observed="100% (85 of 85)"),
        ThresholdLine(
            expression="p95(refund) < 2s", verdict="unknown", observed="unknown: no samples", reason="no samples"
        ),
    ]
    coverage = [
        CoverageLine(id="payments_in_fault", required="30%", seen="41.2%", met=True),
        CoverageLine(id="lost_replies", required="1", seen="212", met=True),
        CoverageLine(id="payments_after_fault", required=None, seen="388", met=True),
    ]
    chaos = [
        ChaosLine(
            link="payments",
            brownout="lost-reply",
            planned_from_s=history.FAULT_FROM_S,
            planned_to_s=history.FAULT_TO_S,
            applied=True,
            healed=True,
            verified=True,
            applied_at_s=history.FAULT_FROM_S + 0.02,
            healed_at_s=history.FAULT_TO_S + 0.03,
            detail="212 replies lost; gone, a probe passed",
        )
    ]
    return Summary(
        run=RunNote(
            id="20261122T155841Z-2026",
            profile="ticket-drop",
            target="boxoffice",
            seed=2026,
            version="0.1.0",
            started_at="2026-11-22T15:58:41.000Z",
            duration_s=95.2,
            status="done",
            digest="6f1d1a52c1d0b7e2",
            proxy="embedded",
            command="surgectl run profiles/ticket-drop.yaml --seed 2026 --defect double-charge",
            phases=[
                {"name": p.name, "from_s": p.start_ns / S, "to_s": p.end_ns / S, "fans": p.fans} for p in history.PHASES
            ],
        ),
        verdict="fail",
        exit_code=11,
        headline=headline("done", findings, thresholds, coverage, 11),
        next_steps=next_steps(findings, thresholds, coverage, chaos, 11),
        invariants=findings,
        coverage=coverage,
        links={"orders": 1.0, "charges": 0.998},
        thresholds=thresholds,
        chaos=chaos,
        metrics={
            "funnel": snap.funnel,
            "confirm": {"count": 900, "unresolved": 0, "p50_ms": 214.0, "p99_ms": 4380.2, "p99_at_least_ms": 4380.2},
            "steps": {
                "hold": {
                    "sends": 1096,
                    "ok": 900,
                    "fail": 196,
                    "info": 0,
                    "from_due_ms": {"p50": 18.2, "p90": 27.1, "p95": 29.0, "p99": 31.2, "mean": 19.0},
                    "from_sent_ms": {"p50": 18.1, "p90": 27.0, "p95": 28.9, "p99": None, "mean": 18.9},
                    "hdr_from_due": "HISTFAAAA" * 200,
                },
            },
            "goodput_per_s": over.resolved,
            "availability": {"about": {"good": 85, "total": 85, "share": 1.0, "low_95": 0.957, "high_95": 1.0}},
            "amplification": {"payments": None, "fans": round(snap.amplification, 3)},
            "bearing": {
                "refusals": 311,
                "refusals_p99_ms": 41.5,
                "amplification_calm": 1.02,
                "faults": [
                    {
                        "fault": "0",
                        "link": "payments",
                        "brownout": "lost-reply",
                        "amplification": 1.31,
                        "recovery_s": 7.2,
                        "drain_s": None,
                    }
                ],
            },
        },
        generator={
            "lag_p50_ms": 0.8,
            "lag_p99_ms": 9.73,
            "lag_max_ms": 31.2,
            "dropped": 0,
            "late": 2,
            "behind": "late",
            "cpu": 0.61,
            "cpu_max": 0.7,
            "lost_rows": 0,
            "workers": 2,
            "by_worker": [
                {"worker": 0, "cpu": 0.52, "cpu_max": 0.61, "starved_share": 0.0, "loop_lag_max_ms": 4.1},
                {"worker": 1, "cpu": 0.7, "cpu_max": 0.7, "starved_share": 0.25, "loop_lag_max_ms": 8.2},
            ],
        },
        sources=[
            {"kind": "orders", "rows": 905, "complete": True, "stable": True, "error": ""},
            {"kind": "charges", "rows": 923, "complete": True, "stable": True, "error": ""},
            {"kind": "refunds", "rows": 0, "complete": False, "stable": False, "error": "GET /refunds: HTTP 503"},
        ],
        over_time=over,
    )


def _double_charge() -> Finding:
    fan = 377
    key, again = "idem-i377-1", "idem-i377-2"

    def at(at_s: float | None, lane: str, text: str, where: str) -> Moment:
        return Moment(at_s=at_s, lane=lane, text=text, where=where)

    timeline = [
        at(8.114, "fan", "fan 377 (backbutton) arrives and wants 1 at 89.00 EUR", "ops/0.jsonl.zst:4031"),
        at(8.391, "fan", "sends hold", "ops/0.jsonl.zst:4177"),
        at(8.410, "fan", "hold: ok (next, HTTP 200)", "ops/0.jsonl.zst:4180"),
        at(8.405, "shop", "order o-377 is held: 1 ticket", "evidence/orders.jsonl:371"),
        at(9.020, "link", "payments: lost-reply applied", "chaos.jsonl:1"),
        at(9.612, "fan", f"sends pay with key {key}", "ops/0.jsonl.zst:4902"),
        at(9.655, "provider", f"ch_371 captured 89.00 EUR under key {key}", "evidence/charges.jsonl:371"),
        at(10.1, "link", "payments: lost-reply verified", "chaos.jsonl:2"),
        at(12.612, "fan", "pay: info (timeout): may or may not have happened", "ops/0.jsonl.zst:6210"),
        at(14.003, "fan", f"sends pay, try 2 with key {again}", "ops/0.jsonl.zst:6699"),
        at(14.049, "provider", f"ch_402 captured 89.00 EUR under key {again}", "evidence/charges.jsonl:402"),
        at(14.108, "shop", "order o-377 is valid: paid by ch_402", "evidence/orders.jsonl:371"),
        at(14.161, "fan", "pay is told confirmed (order o-377, 89.00 EUR)", "ops/0.jsonl.zst:6744"),
        at(14.161, "fan", "leaves: confirmed", "ops/0.jsonl.zst:6745"),
        at(21.03, "link", "payments: lost-reply healed", "chaos.jsonl:3"),
        at(None, "provider", "no refund of ch_371 or ch_402", "evidence/refunds.jsonl"),
    ]
    examples = [
        Example(
            what=f"fan {fan} was charged twice for order o-377: ch_371 and ch_402, 178.00 EUR for one ticket",
            intent=f"i{fan}",
            fan=fan,
            keys={"order": "o-377", "email": "fan-i377@example.org", "charges": "ch_371 ch_402"},
            timeline=timeline,
        ),
        Example(what="fan 412 was charged twice for order o-412", intent="i412", fan=412, timeline=timeline[:7]),
    ]
    return Finding(
        id="DUPCHARGE",
        kind="ledger",
        group="money",
        verdict="fail",
        severity="critical",
        summary="18 of 905 orders hold more captured money than one charge.",
        considered=905,
        violations=18,
        pending=0,
        unattributed=2,
        examples=examples,
    )


def _innocent() -> list[Finding]:
    return [
        Finding(
            id=name,
            kind="ledger",
            group="stock",
            verdict="pass",
            severity="critical",
            summary=said,
            considered=905,
        )
        for name, said in (
            ("OVERSELL", "900 tickets sold, 900 exist."),
            ("SEAT2", "No seat was sold twice."),
            ("CHARGED_NO_TICKET", "Every captured charge has its ticket or its refund."),
            ("LOST_TICKET", "Every confirmed ticket is in the books."),
            ("AMOUNT", "Every charge is what the fan was shown."),
        )
    ]


def _doubtful() -> Finding:
    return Finding(
        id="CONSERVE",
        kind="ledger",
        group="stock",
        verdict="unknown",
        severity="major",
        summary="The stock could not be summed.",
        considered=0,
        pending=3,
        reason="the target names no stock evidence; add evidence.stock to targets/boxoffice.yaml",
    )


def _not_configured() -> Finding:
    return Finding(
        id="REFUND",
        kind="ledger",
        group="money",
        verdict="unknown",
        severity="minor",
        summary="Refunds were not asked for.",
        configured=False,
    )

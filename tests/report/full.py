"""The sample with everything that a page can show: work by hand, broken demands, arrows, fairness, plan and run."""

from __future__ import annotations

from functools import cache

import msgspec

from surgectl.audit.finding import Example, Moment
from surgectl.report.fairness import Fairness, Group
from surgectl.report.happened import Happened, KindHappened, PhaseHappened
from surgectl.report.summary import ChaosLine, Summary, ThresholdLine, TimelineNote
from tests.report.sample import summary


@cache
def full() -> Summary:
    """The sample, and whatever a run may have besides."""
    calm = summary()
    guilty = calm.invariants[0]
    bearing = calm.metrics["bearing"]
    healed = [fault | {"from_s": 9.02, "to_s": 21.03, "drain_s": 12.5} for fault in bearing["faults"]]
    return msgspec.structs.replace(
        calm,
        invariants=[
            msgspec.structs.replace(guilty, examples=[_with_arrows(guilty.examples[0]), *guilty.examples[1:]]),
            *calm.invariants[1:],
            msgspec.structs.replace(
                calm.invariants[1],
                id="FAIR_ORDER",
                kind="statistical",
                group="fairness",
                severity="major",
                summary="of 1,124 pairs 3 were let in the wrong way round, nobody overtaken by more than 2",
            ),
        ],
        thresholds=[
            ThresholdLine(
                expression="p95(pay) < 2s for 5s",
                verdict="fail",
                observed="4.38s (900 samples)",
                value=4.38e9,
                unit="ns",
                samples=900,
                broken=[(10.0, 16.0), (19.0, 22.0)],
            ),
            ThresholdLine(
                expression="error_rate(pay) < 60% abort",
                verdict="pass",
                observed="12.1% (900 samples)",
                value=0.121,
                unit="share",
                samples=900,
                abort=True,
            ),
            *calm.thresholds,
        ],
        chaos=[
            *calm.chaos,
            ChaosLine(
                link="identity",
                brownout="slow",
                planned_from_s=41.0,
                planned_to_s=52.5,
                applied=True,
                healed=True,
                verified=True,
                applied_at_s=41.0,
                healed_at_s=52.5,
                by="hand",
            ),
        ],
        notes=[
            TimelineNote(at_s=30.2, kind="note", text="support says: people ring"),
            TimelineNote(at_s=41.0, kind="inject", text="slow on identity"),
            TimelineNote(at_s=52.5, kind="clear", text="slow on identity"),
            TimelineNote(at_s=60.0, kind="pause", text="arrivals paused"),
            TimelineNote(at_s=66.0, kind="resume", text="arrivals come again"),
        ],
        metrics={**calm.metrics, "bearing": {**bearing, "faults": healed}},
        happened=Happened(
            phases=[
                PhaseHappened(name="doors", from_s=0, to_s=5, planned=100, came=100, late=0, dropped=0, paused=0),
                PhaseHappened(name="on-sale", from_s=5, to_s=35, planned=1000, came=994, late=2, dropped=6, paused=0),
                PhaseHappened(name="tail", from_s=35, to_s=85, planned=500, came=410, late=0, dropped=0, paused=60),
            ],
            kinds=[
                KindHappened(profile="patient", planned_share=0.6, came=960, share=0.6),
                KindHappened(profile="masher", planned_share=0.4, came=640, share=0.4),
            ],
            tickets=900,
            sold=905,
            told=900,
        ),
        fairness=Fairness(
            by_profile=[_group("masher", 640, 300), _group("patient", 960, 600)],
            by_order=[_group(f"{160 * n + 1:,}–{160 * n + 160:,}", 160, 160 - 16 * n, n) for n in range(10)],
        ),
    )


def _with_arrows(example: Example) -> Example:
    def arrow(moment: Moment) -> Moment:
        if moment.lane == "fan" and moment.text.startswith("sends"):
            return msgspec.structs.replace(moment, arrow="to shop")
        if moment.lane == "fan" and "info" in moment.text:
            return msgspec.structs.replace(moment, arrow="nothing from shop")
        if moment.lane == "provider" and "captured" in moment.text or moment.text.startswith("hold: ok"):
            return msgspec.structs.replace(moment, arrow="from shop")
        return moment

    return msgspec.structs.replace(example, timeline=[arrow(moment) for moment in example.timeline])


def _group(who: str, fans: int, confirmed: int, number: int = 0) -> Group:
    return Group(
        who=who,
        fans=fans,
        from_s=8.0 * number,
        to_s=8.0 * number + 8,
        confirmed=confirmed,
        let_in=fans,
        wait_p50_s=0.4 + number,
        wait_p95_s=1.2 + 2 * number,
        won_p50_s=None if not confirmed else 2.1 + number,
        won_p95_s=None if not confirmed else 4.2 + number,
    )

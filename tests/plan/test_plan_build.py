"""A plan is what profile and seed make it: the same twice, on any machine, for any number of shards."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl import chance
from surgectl.errors import UsageError
from surgectl.plan.build import Plan, build
from surgectl.plan.settling import settling
from surgectl.profile.load import load_retry_profile, open_rehearsal, open_target
from surgectl.profile.rehearsal import Exec, Fault, Generator, Phase, Rehearsal, Sale, Toxic
from surgectl.profile.target import Promises, Target
from surgectl.profile.values import Duration, Money, Rate, Share

S = 10**9


def rehearsal(**changes: object) -> Rehearsal:
    base = Rehearsal(
        surgectl=1,
        name="drop",
        sale=Sale(tickets=100, price=Money(8900, "EUR"), wants={1: Share(0.6), 2: Share(0.4)}),
        load=[
            Phase(phase="doors", rate=Rate(20), for_=Duration(5 * S)),
            Phase(phase="on-sale", shape="spike", fans=2000, half_life=Duration(5 * S), for_=Duration(20 * S)),
            Phase(phase="noise", shape="poisson", rate=Rate(30), for_=Duration(10 * S)),
        ],
        fans={"patient": Share(0.7), "masher": Share(0.2), "bot": Share(0.1)},
        chaos=[Fault(at="on-sale + 4s", for_=Duration(12 * S), link="payments", brownout="lost-reply")],
    )
    return msgspec.structs.replace(base, **changes)


def plan(seed: int = 1, **changes: object) -> Plan:
    return build(rehearsal(**changes), seed=seed)


def test_a_plan_has_its_place_for_everybody() -> None:
    """Phases follow one another, fans are numbered through, and all are due inside their phase."""
    made = plan()
    doors, on_sale, noise = made.phases
    assert (doors.start_ns, doors.end_ns, doors.first_fan, doors.fans) == (0, 5 * S, 0, 100)
    assert (on_sale.start_ns, on_sale.end_ns, on_sale.first_fan, on_sale.fans) == (5 * S, 25 * S, 100, 2000)
    assert (noise.start_ns, noise.first_fan) == (25 * S, 2100)
    assert made.duration_ns == 35 * S
    assert made.fans_total == 2100 + noise.fans
    everybody = list(made.arrivals())
    assert [arrival.fan for arrival in everybody] == list(range(made.fans_total))
    assert all(early.due_ns <= late.due_ns for early, late in pairwise(everybody))
    spans = {phase.name: phase for phase in made.phases}
    assert all(spans[a.phase].start_ns <= a.due_ns <= spans[a.phase].end_ns for a in everybody)


def test_a_fan_is_drawn_alone() -> None:
    """Character and tickets are chance.unit of (seed, purpose, fan): no other fan is needed to know them."""
    made = plan(seed=9)
    for arrival in list(made.arrivals())[::97]:
        draw = chance.unit(9, "profile", arrival.fan)
        assert arrival.profile == ("patient" if draw < 0.7 else "masher" if draw < 0.9 else "bot")
        assert arrival.qty == (1 if chance.unit(9, "qty", arrival.fan) < 0.6 else 2)
        assert arrival.profile == made.crowd.profile(arrival.fan)
        assert arrival.qty == made.crowd.qty(arrival.fan)


def test_the_crowd_has_its_shares() -> None:
    """Over many fans every kind comes as often as the profile says."""
    made = plan(load=[Phase(phase="a", fans=20_000, for_=Duration(10 * S))], chaos=[])
    seen = Counter(arrival.profile for arrival in made.arrivals())
    assert seen["patient"] == pytest.approx(14_000, abs=270)  # four deviations
    assert seen["bot"] == pytest.approx(2_000, abs=170)


@pytest.mark.parametrize("of", [1, 2, 7])
def test_the_shards_together_are_the_plan(of: int) -> None:
    """Every fan is in exactly one shard, unchanged."""
    made = plan()
    shards = [list(made.arrivals(shard, of)) for shard in range(of)]
    assert all(arrival.fan % of == shard for shard, fans in enumerate(shards) for arrival in fans)
    assert sorted((a for fans in shards for a in fans), key=lambda a: a.fan) == list(made.arrivals())
    assert made.digest(of) == made.digest()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**64 - 1),
    st.lists(st.tuples(st.integers(1, 90), st.integers(1, 4000)), min_size=1, max_size=4),
    st.integers(2, 11),
)
def test_any_plan_is_the_same_for_any_number_of_shards(seed: int, spans: list[tuple[int, int]], of: int) -> None:
    """However many phases and workers, the digest is one."""
    load = [Phase(phase=f"p{n}", fans=fans, for_=Duration(ms * 1_000_000)) for n, (fans, ms) in enumerate(spans)]
    made = build(rehearsal(load=load, chaos=[]), seed=seed)
    assert made.digest(of) == build(rehearsal(load=load, chaos=[]), seed=seed).digest()


def test_a_digest_is_written_down_for_all_machines() -> None:
    """This very plan has this very digest, wherever and whenever it is computed."""
    assert plan(seed=2026).digest() == "eebfc4f914cae7b85bc379696a8a2af4"


def test_a_word_that_the_language_learnt_later_renames_no_plan() -> None:
    """What is done with an arrival that is behind counts in the digest only where it is not what was always done."""
    assert plan(generator=Generator(behind="drop")).digest() == plan().digest()
    assert plan(generator=Generator(behind="late")).digest() != plan().digest()


CHANGES = {
    "seed": lambda: plan(seed=2),
    "a later fault": lambda: plan(
        chaos=[Fault(at="on-sale + 5s", for_=Duration(12 * S), link="payments", brownout="lost-reply")]
    ),
    "other shares": lambda: plan(fans={"patient": Share(0.7), "masher": Share(0.3)}),
    "other wants": lambda: plan(sale=Sale(tickets=100, price=Money(8900, "EUR"), wants={1: Share(1.0)})),
    "another price": lambda: plan(sale=Sale(tickets=100, price=Money(8901, "EUR"), wants=rehearsal().sale.wants)),
    "one fan more": lambda: plan(
        load=[
            rehearsal().load[0],
            msgspec.structs.replace(rehearsal().load[1], fans=2001),
            rehearsal().load[2],
        ]
    ),
    "a demand": lambda: plan(expect=msgspec.structs.replace(rehearsal().expect, thresholds=["p99(confirm) < 3s"])),
    "behaviour": lambda: build(rehearsal(), seed=1, retries={"patient": load_retry_profile("patient")}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_the_run_changes_the_digest(change: str) -> None:
    """Two plans share a digest only where the same will happen."""
    assert CHANGES[change]().digest() != plan().digest()


def test_machines_and_shops_stay_out_of_the_digest() -> None:
    """Neither the target's path nor the stage's settings are part of what the crowd does."""
    other = plan(target="/home/me/other.yaml", about="other words", stage={"workers": 9})
    assert other.digest() == plan().digest()


def test_the_profiles_seed_is_used_unless_another_is_given() -> None:
    """A flag's seed wins over the profile's; without any, the plan is still repeatable."""
    assert build(rehearsal(seed=5)).seed == 5
    assert build(rehearsal(seed=5), seed=6).seed == 6
    assert build(rehearsal()).digest() == build(rehearsal()).digest()


def test_faults_stand_in_the_order_they_begin() -> None:
    """Instants are counted from the run's start or from a phase's, before it too."""
    made = plan(
        chaos=[
            Fault(at="on-sale + 4s", for_=Duration(2 * S), link="payments", brownout="slow", toxicity=Share(0.3)),
            Fault(at="1s", for_=Duration(2 * S), exec=Exec(run=["kill"], heal=["start"])),
            Fault(
                at="noise - 500ms",
                for_=Duration(S),
                link="db",
                toxics=[Toxic(type="latency", attributes={"latency": 200})],
            ),
            Fault(at="on-sale", for_=Duration(S), link="payments", brownout="down"),
        ]
    )
    assert [(f.fault, f.from_ns / S, f.to_ns / S, f.link, f.brownout) for f in made.faults] == [
        ("0", 1, 3, "", "exec"),
        ("1", 5, 6, "payments", "down"),
        ("2", 9, 11, "payments", "slow"),
        ("3", 24.5, 25.5, "db", "toxics"),
    ]
    assert (made.faults[0].run, made.faults[0].heal) == (("kill",), ("start",))
    assert made.faults[2].toxicity == 0.3
    assert made.faults[3].toxics == (
        {"type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": {"latency": 200}},
    )


def test_a_fault_before_the_run_is_refused() -> None:
    """Nothing can break before the run begins."""
    with pytest.raises(UsageError, match="before the run begins"):
        plan(chaos=[Fault(at="doors - 1s", for_=Duration(S), link="payments", brownout="slow")])


def test_a_fault_at_no_phase_is_refused() -> None:
    """A plan built from structs alone is told so too."""
    with pytest.raises(UsageError, match='did you mean "on-sale"'):
        plan(chaos=[Fault(at="onsale", for_=Duration(S), link="payments", brownout="slow")])


def test_nobody_is_no_rehearsal() -> None:
    """A plan without a single fan is refused."""
    with pytest.raises(UsageError, match="nobody comes"):
        plan(load=[Phase(phase="a", rate=Rate(0), for_=Duration(5 * S))], chaos=[])


def test_a_link_that_the_target_lacks_is_refused() -> None:
    """A fault needs something to break."""
    target = Target(surgectl_target=1, name="shop", base_url="http://127.0.0.1:1", journey=[])
    with pytest.raises(UsageError, match='has no link "payments"'):
        build(rehearsal(), target)


def test_the_drawn_curve_holds_everybody() -> None:
    """The buckets of the chart add up to the expected crowd."""
    made = plan()
    for buckets in (1, 7, 68):
        come = sum(point.rate_per_s * (point.to_s - point.from_s) for point in made.rate_curve(buckets))
        assert come == pytest.approx(100 + 2000 + 300, rel=1e-9)


def test_the_settling_window_follows_from_the_shops_constants() -> None:
    """Hold TTL + time-outs × tries + webhook + late refunds + reconciler, and a fifth."""
    promises = Promises(
        hold_ttl=Duration(120 * S),
        payment_timeout=Duration(5 * S),
        payment_tries=3,
        reconcile_every=Duration(2 * S),
        webhook_delay=Duration(3 * S),
    )
    window = settling(promises, 60 * S)
    assert window.window_ns == 168 * S
    assert window.parts == (
        ("hold_ttl", 120 * S),
        ("payment_timeout × tries", 15 * S),
        ("webhook_delay", 3 * S),
        ("reconcile_every", 2 * S),
        ("+20%", 28 * S),
    )
    assert not window.enough
    assert settling(promises, 168 * S).enough


def test_a_deadline_longer_than_the_tries_counts_instead() -> None:
    """The pauses between tries count too, where the shop states its own deadline."""
    promises = Promises(
        hold_ttl=Duration(0),
        payment_timeout=Duration(5 * S),
        payment_tries=3,
        reconcile_every=Duration(0),
        payment_deadline=Duration(25 * S),
        late_refunds=Duration(25 * S),
    )
    assert settling(promises, 60 * S).window_ns == 60 * S


@pytest.mark.parametrize("name", ["ticket-drop", "smoke"])
def test_the_shipped_profiles_can_be_planned(name: str) -> None:
    """What comes with surgectl is sound, and settles within the time it allows."""
    opened = open_rehearsal(name, environ={})
    assert opened.target_file is not None
    target = open_target(opened.target_file, environ={}, over=opened, keep_unset=True)
    made = build(opened.rehearsal, target.target, retries=opened.retries, curves=opened.curves)
    assert made.settling.enough
    assert made.faults
    assert all(fault.to_ns < made.duration_ns for fault in made.faults)
    assert Path(opened.file).stem == opened.rehearsal.name


def test_a_million_fans_are_planned_not_materialised() -> None:
    """The first fans of a huge plan come at once; nothing is kept."""
    made = plan(
        load=[Phase(phase="a", shape="spike", fans=5_000_000, half_life=Duration(60 * S), for_=Duration(600 * S))],
        chaos=[],
    )
    rows = made.arrivals(3, 7)
    assert [next(rows).fan for _ in range(3)] == [3, 10, 17]
    assert len(msgspec.json.encode(made.phases)) < 500

"""What travels in a report, and what the guard knows, never says more than the recording itself."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surgectl.audit.expectations import Expectations
from surgectl.audit.measures import RunMeasures
from surgectl.live.meter import Meter
from surgectl.live.meter_samples import samples_of
from surgectl.recording.relations import Relations
from surgectl.recording.rows import FaultRow, VitalsRow
from surgectl.thresholds.evaluate import evaluate
from surgectl.thresholds.grammar import parse
from surgectl.thresholds.packing import Packed, UnpackError, coarser, pack, unpack
from surgectl.thresholds.samples import Stretch
from surgectl.thresholds.weighing import weigh
from tests.thresholds.evenings import PHASES, PROFILES, S, evening

BOUNDS = {"ns": ["5ms", "100ms", "730ms", "1s", "1500ms", "3s", "3333ms"], "share": ["0%", "10%", "50%", "80%"]}
LATENCY = ["p50", "p95", "mean", "min", "max"]


@st.composite
def demands(draw: st.DrawFn, *, windows: bool = False) -> str:
    """Any demand that may be made of an evening."""
    kind = draw(st.sampled_from(["latency", "error_rate", "availability", "count", "rate", "goodput", "amplification"]))
    compare = draw(st.sampled_from(["<", "<=", ">", ">="]))
    if kind == "latency":
        metric = draw(st.sampled_from(["page", "hold", "pay", "confirm", "shed", "about", "nothing"]))
        said = f"{draw(st.sampled_from(LATENCY))}({metric}) {compare} {draw(st.sampled_from(BOUNDS['ns']))}"
    elif kind in ("error_rate", "availability"):
        metric = "about" if kind == "availability" else draw(st.sampled_from(["page", "pay", "nothing"]))
        said = f"{kind}({metric}) {compare} {draw(st.sampled_from(BOUNDS['share']))}"
    elif kind in ("count", "rate"):
        event = draw(st.sampled_from(["arrived", "sent", "info", "shed", "paid", "confirmed", "resolved", "declined"]))
        bound = draw(st.sampled_from(["0", "1", "3", "20"])) + ("/s" if kind == "rate" else "")
        said = f"{kind}({event}) {compare} {bound}"
    elif kind == "goodput":
        fate = draw(st.sampled_from(["resolved", "confirmed", "declined"]))
        said = f"goodput({fate}) {compare} {draw(st.sampled_from(['0.2/s', '1/s', '10%', '50%']))}"
    else:
        said = f"amplification({draw(st.sampled_from(['pay', 'page', 'fans']))}) {compare} "
        said += draw(st.sampled_from(["1", "1.5", "2"]))
    if kind != "availability" and not windows:
        said += draw(st.sampled_from(["", "", " of masher", " of nobody"]))
    said += draw(st.sampled_from(["", "", " in on-sale", " during payments", " before slow", " after 0", " in tail"]))
    return said + (draw(st.sampled_from([" for 1s", " for 3s", " within 2s", " within 5s"])) if windows else "")


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@few(4)
@given(st.integers(0, 10**6), st.lists(demands(), min_size=12, max_size=12))
def test_samples_never_contradict_the_recording(seed: int, texts: list[str]) -> None:
    """The same verdict or unknown: from the samples, from a report, and from a report with long steps of time."""
    ops, chaos = evening(seed)
    with Relations.from_rows(ops, chaos=chaos) as relations:
        measures = RunMeasures(relations, Expectations(phases=PHASES))
        samples = measures.samples
        folded, crowded = unpack(pack(samples)), unpack(pack(samples, most=6000))
        for text in texts:
            exact = evaluate(parse(text), measures)
            for kept in (samples, folded, crowded):
                said = evaluate(parse(text), kept)
                assert said.verdict in (exact.verdict, "unknown"), (text, exact.text, said.text)
            assert evaluate(parse(text), folded) == evaluate(parse(text), samples)


@few(3)
@given(st.integers(0, 10**6), st.lists(demands(), min_size=12, max_size=12))
def test_two_digits_are_enough_for_what_people_write(seed: int, texts: list[str]) -> None:
    """A percentile against a bound of two digits is decided by the samples as by the recording."""
    ops, chaos = evening(seed)
    with Relations.from_rows(ops, chaos=chaos) as relations:
        measures = RunMeasures(relations, Expectations(phases=PHASES))
        for text in texts:
            if text[0] == "p" and "1500" not in text and "3333" not in text and " of " not in text:
                exact, kept = evaluate(parse(text), measures), evaluate(parse(text), measures.samples)
                assert kept.verdict == exact.verdict, (text, exact.text, kept.text)


@few(4)
@given(st.integers(0, 10**6), st.lists(demands(), min_size=12, max_size=12), st.integers(0, 25 * S))
def test_the_guard_never_condemns_whom_the_end_acquits(seed: int, texts: list[str], now_ns: int) -> None:
    """What is broken for certain while it runs is never met at the end, of all that happened until then."""
    ops, chaos = evening(seed)
    meter = Meter(PROFILES)
    instants = [when(row) for row in ops]
    known = [row for row, at in zip(ops, instants, strict=True) if at <= now_ns]
    meter.fold_all([*known, VitalsRow(at_ns=now_ns, lag_ns=0, cpu=0.1)])
    faults = [Stretch(row.at_ns, now_ns, ("fault", "0", "payments", "slow")) for row in chaos
              if isinstance(row, FaultRow) and row.event == "applied" and row.at_ns <= now_ns]  # fmt: skip
    phases = [Stretch(p.start_ns, p.end_ns, (p.name,)) for p in PHASES]
    live = samples_of(meter.reading(), phases, faults, profiles=PROFILES, probes_per_s=2.0)
    lossy = msgspec.structs.replace(live, lost=3)
    with Relations.from_rows(ops, chaos=chaos) as relations:
        final = RunMeasures(relations, Expectations(phases=PHASES)).samples
        for text in texts:
            threshold = parse(text)
            at_least = threshold.comparison in (">", ">=")
            if threshold.scope is not None or threshold.kind in ("amplification", "goodput_share"):
                continue
            if threshold.metric == "sent" and at_least:  # refused: grammar.py
                continue
            # What was due by then, as it turned out in the end.
            found = live.steps(threshold.kind, threshold.metric, None, "")
            if threshold.of or not isinstance(found, list) or not found[0]:
                continue
            steps = found[0]
            first, last = steps[0], steps[-1]
            so_far = live.within(threshold.kind, threshold.metric, "", first, last)
            cuts = final.steps(threshold.kind, threshold.metric, None, "")[0]
            at_last = final.within(threshold.kind, threshold.metric, "", cuts[0], cuts[min(len(steps), len(cuts)) - 1])
            verdicts = {weigh(threshold, so_far).verdict, weigh(threshold, at_last).verdict}
            assert verdicts != {"pass", "fail"}, (text, weigh(threshold, so_far).text, weigh(threshold, at_last).text)
            missing = weigh(threshold, lossy.within(threshold.kind, threshold.metric, "", first, last)).verdict
            assert {missing, weigh(threshold, at_last).verdict} != {"pass", "fail"}, text


def when(row: object) -> int:
    return getattr(row, "done_ns", None) or row.at_ns  # type: ignore[attr-defined,no-any-return]


@few(4)
@given(st.integers(0, 10**6), st.lists(demands(windows=True), min_size=6, max_size=6))
def test_windows_are_judged_alike_everywhere(seed: int, texts: list[str]) -> None:
    """A window's verdict travels with the report."""
    ops, chaos = evening(seed)
    with Relations.from_rows(ops, chaos=chaos) as relations:
        measures = RunMeasures(relations, Expectations(phases=PHASES))
        folded = unpack(pack(measures.samples))
        for text in texts:
            assert evaluate(parse(text), measures) == evaluate(parse(text), folded)


@few(4)
@given(st.integers(0, 10**6), st.lists(demands(windows=True), min_size=6, max_size=6))
def test_windows_on_longer_steps_claim_nothing_wrong(seed: int, texts: list[str]) -> None:
    """Where the report has no seconds any more, a window is judged alike or is unknown."""
    ops, chaos = evening(seed)
    with Relations.from_rows(ops, chaos=chaos) as relations:
        samples = RunMeasures(relations, Expectations(phases=PHASES)).samples
        for text in [*texts, "p50(page) < 100ms within 10s", "rate(sent) >= 3/s within 4s"]:
            said = evaluate(parse(text), coarser(samples, 2 * S)).verdict
            assert said in (evaluate(parse(text), samples).verdict, "unknown"), text


def test_longer_steps_hold_the_same() -> None:
    """Longer steps of time lose nothing but time."""
    ops, chaos = evening(3)
    with Relations.from_rows(ops, chaos=chaos) as relations:
        samples = RunMeasures(relations, Expectations(phases=PHASES)).samples
    long = coarser(samples, 5 * S)
    for text in ("p95(pay) < 1s", "count(sent) <= 3", "error_rate(page) < 10% in on-sale", "mean(confirm) < 2s"):
        assert evaluate(parse(text), long) == evaluate(parse(text), samples)


@pytest.mark.parametrize("data", [["!"], ["AAAA"], [""], ["eJwBAAAAAQ=="]])
def test_what_is_no_pack_is_refused(data: list[str]) -> None:
    """Text that nobody packed is an error of its own, whatever it is."""
    with pytest.raises(UnpackError):
        unpack(Packed(step_s=1, until_s=1, data=data))

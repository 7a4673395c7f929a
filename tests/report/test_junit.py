"""junit.xml as build servers read it: valid against the public schemas, each case once, each useful by itself."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from surgectl.report import junit
from surgectl.report.summary import ChaosLine, RunNote, Summary
from tests.report.hostile import hostile
from tests.report.junit_schema import wrong_with
from tests.report.sample import summary


def tree(told: Summary) -> ET.Element:
    return ET.fromstring(junit.render(told))


def nothing() -> Summary:
    """A run that ended before anything could be said."""
    note = RunNote(id="r", profile="p", target="t", seed=1, version="0", started_at="", duration_s=0.0, status="failed")
    return Summary(run=note, verdict="unknown", exit_code=70)


def test_it_is_valid_against_the_schemas() -> None:
    """Elements, attributes, order and types are what both public schemas allow; also of a run that never began."""
    assert wrong_with(junit.render(summary())) == []
    assert wrong_with(junit.render(nothing())) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b'hostname="localhost" ', b""),
        (b"</properties>", b"</properties><surprise/>"),
        (b'type="fail"', b'kind="fail"'),
        (b'timestamp="2026-11-22T15:58:41"', b'timestamp="2026-11-22T15:58:41Z"'),
        (b'time="95.200"', b'time="95.2s"'),
        (b"<testsuites>", b'<testsuites disabled="0">'),
        (b'tests="', b'tests="many'),
    ],
)
def test_the_schema_bites(good: bytes, bad: bytes) -> None:
    """A missing host, a strange element, a zone, a unit: each is refused."""
    told = junit.render(summary())
    assert good in told
    assert wrong_with(told.replace(good, bad))


def test_there_is_one_case_for_each_invariant_threshold_fault_and_coverage() -> None:
    """Every invariant, threshold, fault and required coverage is a case of its suite, once."""
    told = summary()
    suites = {suite.get("name"): [case.get("name") for case in suite.iter("testcase")] for suite in tree(told)}
    assert sorted(suites["ticket-drop.invariants"]) == sorted(f.id for f in told.invariants)
    assert suites["ticket-drop.thresholds"] == [t.expression for t in told.thresholds]
    assert suites["ticket-drop.chaos"] == ["lost-reply on payments at 9s"]
    assert suites["ticket-drop.coverage"] == ["payments_in_fault", "lost_replies"]


def test_the_counts_agree_with_the_cases() -> None:
    """tests, failures, errors and skipped are what stands below them, in each suite."""
    for suite in tree(summary()):
        assert int(suite.get("tests", "")) == len(list(suite.iter("testcase")))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute, "")) == len(list(suite.iter(tag))), (suite.tag, tag)


def test_time_is_counted_once() -> None:
    """Added up over suites, as Jenkins does, it is the run's length; a fault's case lasts as long as the fault."""
    suites = list(tree(summary()))
    assert sum(float(suite.get("time", "")) for suite in suites) == pytest.approx(95.2)
    (fault,) = (case for case in suites[2] if case.tag == "testcase")
    (line,) = summary().chaos
    assert line.applied_at_s is not None and line.healed_at_s is not None
    assert float(fault.get("time", "")) == pytest.approx(line.healed_at_s - line.applied_at_s)


def test_no_two_cases_are_alike() -> None:
    """GitLab drops the second of two cases with one class and name: a demand made twice is told apart."""
    told = msgspec.structs.replace(summary(), thresholds=[summary().thresholds[0]] * 3, chaos=summary().chaos * 2)
    cases = [(case.get("classname"), case.get("name")) for case in tree(told).iter("testcase")]
    assert len(cases) == len(set(cases))
    assert ("ticket-drop.thresholds", "p99(confirm) < 3s (3)") in cases


def test_a_failure_needs_nothing_beside_it() -> None:
    """Its text begins with the message; counts, examples, keys, proofs and what to do stand in it."""
    failure = next(case for case in tree(summary()).iter("testcase") if case.get("name") == "DUPCHARGE").find("failure")
    assert failure is not None and failure.text
    assert failure.text.startswith(failure.get("message", "?"))
    for piece in (
        "somebody was charged twice",
        "905 considered, 18 violations",
        "order: o-377",
        "proved by evidence/",
        "ops/0.jsonl.zst:6745",
        "and 16 more",
        "What to do: DUPCHARGE",
    ):
        assert piece in failure.text


def test_fail_is_a_failure_unknown_an_error_and_unconfigured_is_skipped() -> None:
    """A violation is a failure with its example, an unknown is never green, what was not configured is skipped."""
    cases = {case.get("name"): case for case in tree(summary()).iter("testcase")}
    failure = cases["DUPCHARGE"].find("failure")
    assert failure is not None and "fan 377 was charged twice" in (failure.text or "")
    error = cases["CONSERVE"].find("error")
    assert error is not None and "evidence.stock" in (error.text or "")
    assert cases["REFUND"].find("skipped") is not None
    assert len(cases["OVERSELL"]) == 0


def test_each_suite_says_which_run_it_was() -> None:
    """Run, seed and exit code are properties of every suite."""
    for suite in tree(summary()):
        found = {p.get("name"): p.get("value") for p in suite.iter("property")}
        assert found == {
            "run": "20261122T155841Z-2026",
            "seed": "2026",
            "exit_code": "11",
            "profile": "ticket-drop",
            "target": "boxoffice",
            "surgectl": "0.1.0",
        }


def fault(**facts: bool) -> ChaosLine:
    return ChaosLine(link="payments", brownout="slow", planned_from_s=1, planned_to_s=2, **facts)


def test_a_fault_left_behind_fails_and_one_that_never_bit_is_an_error() -> None:
    """Applied and not healed is a failure; never applied, or never seen to bite, is unknown."""
    for facts, tag in (
        ({"applied": True, "verified": True, "healed": False}, "failure"),
        ({"applied": True, "verified": False, "healed": True}, "error"),
        ({"applied": False, "verified": False, "healed": False}, "error"),
        ({"applied": True, "verified": True, "healed": True}, None),
    ):
        told = msgspec.structs.replace(summary(), chaos=[fault(**facts)])
        (case,) = [c for c in tree(told).iter("testcase") if c.get("classname") == "ticket-drop.chaos"]
        assert [child.tag for child in case] == ([tag] if tag else [])


def test_a_hostile_shop_leaves_it_intact() -> None:
    """Whatever the shop says, it is XML 1.0 of the same shape, and no flood gets through."""
    data = junit.render(hostile())
    assert wrong_with(data) == []
    assert len(data) < 1_000_000
    text = data.decode()
    assert not re.search("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    assert "<script" not in text and "\x1b" not in text and "\\x1b" in text

"""junit.xml in the shape of the Jenkins xUnit plugin's junit-10.xsd, so that build servers show every case."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec

from surgectl.report import junit
from surgectl.report.summary import ChaosLine, Summary
from tests.report.hostile import hostile
from tests.report.sample import summary

# Element -> the attributes it may have, those it must have, the children it may have in this order (junit-10.xsd).
SHAPE: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors", "disabled"}, set(), ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
        {"name", "tests"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, {"name", "value"}, []),
    "testcase": ({"name", "classname", "time", "assertions", "status"}, {"name"}, ["skipped", "error", "failure"]),
    "failure": ({"message", "type"}, set(), []),
    "error": ({"message", "type"}, set(), []),
    "skipped": ({"message"}, set(), []),
}


def check(element: ET.Element) -> None:
    may, must, children = SHAPE[element.tag]
    assert must <= set(element.keys()) <= may, (element.tag, element.attrib)
    places = [children.index(child.tag) for child in element]
    assert places == sorted(places), element.tag
    for child in element:
        check(child)


def tree(told: Summary) -> ET.Element:
    return ET.fromstring(junit.render(told))


def test_it_has_the_shape_of_the_schema() -> None:
    """Only the schema's elements and attributes, in its order, with a timestamp and times it can read."""
    root = tree(summary())
    assert root.tag == "testsuites"
    check(root)
    for suite in root:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert float(suite.get("time", "")) > 0


def test_there_is_one_case_for_each_invariant_threshold_fault_and_coverage() -> None:
    """Every invariant, threshold, fault and required coverage is a case of its suite, once."""
    told = summary()
    suites = {suite.get("name"): [case.get("name") for case in suite.iter("testcase")] for suite in tree(told)}
    assert sorted(suites["ticket-drop.invariants"]) == sorted(f.id for f in told.invariants)
    assert suites["ticket-drop.thresholds"] == [t.expression for t in told.thresholds]
    assert suites["ticket-drop.chaos"] == ["lost-reply on payments at 9s"]
    assert suites["ticket-drop.coverage"] == ["payments_in_fault", "lost_replies"]


def test_the_counts_agree_with_the_cases() -> None:
    """tests, failures, errors and skipped are what stands below them, in each suite and over all."""
    root = tree(summary())
    for element in [root, *root]:
        assert int(element.get("tests", "")) == len(list(element.iter("testcase")))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            if element.tag == "testsuite" or attribute != "skipped":
                assert int(element.get(attribute, "")) == len(list(element.iter(tag))), (element.tag, tag)


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
        assert found == {"run": "20261122T155841Z-2026", "seed": "2026", "exit_code": "11"}


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
    root = ET.fromstring(data)
    check(root)
    assert len(data) < 1_500_000
    text = data.decode()
    assert not re.search("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    assert "<script" not in text and "\x1b" not in text and "\\x1b" in text

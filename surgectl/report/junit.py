"""junit.xml: one test case per invariant, threshold, fault and coverage demand, as GitHub, GitLab and Jenkins read it.

Format: the Jenkins JUnit plugin's XSD. Fail is `<failure>`, unknown is `<error>` (nothing was shown, so it is not
green), what is not configured is `<skipped>`.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from surgectl.report.summary import Summary, fate_of, in_order, verdict_of
from surgectl.text import MOST, shown

# XML 1.0 allows no control characters but tab and newlines, and no lone surrogates or non-characters.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(summary: Summary) -> bytes:
    """junit.xml, UTF-8."""
    root = ET.Element("testsuites", name="surgectl")
    suites = [
        _suite(
            root,
            summary,
            "invariants",
            [
                (
                    finding.id,
                    "skipped" if not finding.configured else finding.verdict,
                    finding.summary,
                    "\n".join([finding.reason, *(example.what for example in finding.examples)]).strip(),
                )
                for finding in in_order(summary.invariants)
            ],
        ),
        _suite(
            root,
            summary,
            "thresholds",
            [(t.expression, t.verdict, f"observed {t.observed}", t.reason) for t in summary.thresholds],
        ),
        _suite(
            root,
            summary,
            "chaos",
            [
                (
                    f"{c.brownout} on {c.link or 'command'} at {c.planned_from_s:g}s",
                    verdict_of(c) or "skipped",
                    fate_of(c),
                    c.detail,
                )
                for c in summary.chaos
            ],
        ),
        _suite(
            root,
            summary,
            "coverage",
            [
                (c.id, "pass" if c.met else "unknown", f"required {c.required}, seen {c.seen}", "")
                for c in summary.coverage
                if c.required is not None
            ],
        ),
    ]
    for key in ("tests", "failures", "errors"):  # the XSD has no `skipped` here
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: ET.Element, summary: Summary, name: str, cases: list[tuple[str, str, str, str]]) -> ET.Element:
    suite = ET.SubElement(
        root, "testsuite", name=clean(f"{summary.run.profile}.{name}"), timestamp=summary.run.started_at[:19]
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (("run", summary.run.id), ("seed", summary.run.seed), ("exit_code", summary.exit_code)):
        ET.SubElement(properties, "property", name=key, value=clean(str(value)))
    counts = {"fail": 0, "unknown": 0, "skipped": 0}
    for case_name, verdict, message, detail in cases:
        case = ET.SubElement(
            suite, "testcase", classname=clean(f"{summary.run.profile}.{name}"), name=clean(case_name), time="0"
        )
        if verdict in counts:
            counts[verdict] += 1
            word = {"fail": "failure", "unknown": "error", "skipped": "skipped"}[verdict]
            ET.SubElement(case, word, message=clean(message)).text = clean(detail) or None
            if verdict != "skipped":
                case[0].set("type", verdict)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(counts["fail"]))
    suite.set("errors", str(counts["unknown"]))
    suite.set("skipped", str(counts["skipped"]))
    suite.set("time", f"{summary.run.duration_s:.3f}")
    return suite


def clean(text: str, most: int = MOST) -> str:
    """Text that XML 1.0 can hold, and a build server's page can bear."""
    return _FORBIDDEN.sub("\ufffd", shown(text, most))

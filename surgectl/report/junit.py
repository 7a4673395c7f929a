"""junit.xml: one test case per invariant, threshold, fault and coverage demand, as GitHub, GitLab and Jenkins read it.

Fail is `<failure>`, unknown is `<error>` (nothing was shown, so it is not green), not configured is `<skipped>`.
It is valid against both public schemas: the Jenkins xUnit plugin's junit-10.xsd, which pytest's own file satisfies,
and the stricter JUnit.xsd of Windy Road (Ant's format), which wants `hostname`, `package`, `id`, both streams, and no
attribute at `<testsuites>`. What readers make of it decided the rest:

- GitLab (docs: "Unit test reports"; lib/gitlab/ci/parsers/test/junit.rb) tells cases apart by `classname` and `name`
  alone and drops the second of two that are alike, so names are made unique; it shows the text inside `<failure>`, so
  that text begins with what `message` says and needs nothing beside it. Files past 30 MB are refused: texts are cut.
- Jenkins (junit plugin, CaseResult) takes the last part of `classname` for a class, the rest for a package, shows
  `message` as "Error Message" and the text as "Stacktrace", and adds up the suites' `time`: the run's length stands
  at the first suite, a fault's at its case, and nothing is counted twice.
- dorny/test-reporter and mikepenz/action-junit-report make a title of the case's name and `message`, and a body of the
  text. They would annotate a `file`; there is none, for neither schema knows it: annotations.py does that.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from surgectl.report.judged import KINDS, Line, judged, told
from surgectl.report.summary import Summary
from surgectl.text import MOST, one_line, shown

# XML 1.0 allows no control characters but tab and newlines, and no lone surrogates or non-characters.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT = {"fail": "failure", "unknown": "error", None: "skipped"}
_MOST_OF_A_CASE = 8_000
_MOST_FACTS = 20
_NO_TIME = "1970-01-01T00:00:00"


def render(summary: Summary) -> bytes:
    """junit.xml, UTF-8."""
    root = ET.Element("testsuites")
    lines = judged(summary)
    for number, kind in enumerate(KINDS):
        _suite(root, summary, number, kind, [line for line in lines if line.kind == kind])
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def clean(text: str, most: int = MOST) -> str:
    """Text that XML 1.0 can hold, and a build server's page can bear."""
    return _FORBIDDEN.sub("\ufffd", shown(text, most))


def _suite(root: ET.Element, summary: Summary, number: int, kind: str, lines: list[Line]) -> None:
    run = summary.run
    profile = _word(run.profile)
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"{profile}.{kind}",
        package=profile,
        id=str(number),
        hostname="localhost",
        timestamp=_instant(run.started_at),
        tests=str(len(lines)),
        failures=str(sum(line.verdict == "fail" for line in lines)),
        errors=str(sum(line.verdict == "unknown" for line in lines)),
        skipped=str(sum(line.verdict is None for line in lines)),
        time=f"{run.duration_s:.3f}" if number == 0 else "0",
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (
        ("run", run.id),
        ("seed", run.seed),
        ("exit_code", summary.exit_code),
        ("profile", run.profile),
        ("target", run.target),
        ("surgectl", run.version),
        *((f"shop {_word(name)}", said) for name, said in [*run.facts.items()][:_MOST_FACTS]),
    ):
        ET.SubElement(properties, "property", name=key, value=clean(str(value)))
    seen: dict[str, int] = {}
    for line in lines:
        name = _word(line.name)
        seen[name] = seen.get(name, 0) + 1
        name = name if seen[name] == 1 else f"{name} ({seen[name]})"
        _case(ET.SubElement(suite, "testcase", classname=f"{profile}.{kind}", name=name), line)
    streams = (f"{summary.headline}\nagain: {run.command}", "") if number == 0 else ("", "")
    for stream, text in zip(("system-out", "system-err"), streams, strict=True):
        ET.SubElement(suite, stream).text = clean(text) or None


def _case(case: ET.Element, line: Line) -> None:
    case.set("time", f"{line.lasted_s:.3f}" if line.lasted_s else "0")
    if line.verdict == "pass":
        return
    element = ET.SubElement(case, _ELEMENT[line.verdict])
    if line.verdict is not None:  # Jenkins' own schema knows no attribute of `skipped`: its text says it all
        element.set("message", clean(one_line(line.said)))
        element.set("type", line.verdict)
    element.text = clean("\n".join(told(line)), _MOST_OF_A_CASE)


def _word(text: str) -> str:
    """A name on one line, never empty: a reader that finds none makes one up."""
    return clean(one_line(text, 300)) or "?"


def _instant(text: str) -> str:
    """The schema's date and time, without a zone. What is none becomes the epoch: a run that never began has none."""
    return text[:19] if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text[:19]) else _NO_TIME

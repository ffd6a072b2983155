"""The verdict as JUnit XML: a test case for each promised number and for each average."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.gate import words
from harness.gate.matched import Outcome
from harness.gate.verdict import FAILURES
from harness.stats.aggregates import Verdict as Answer

if TYPE_CHECKING:
    from harness.gate.averaged import Averaged
    from harness.gate.compared import Compared
    from harness.gate.verdict import Verdict

# XML 1.0 has no place for them, not even escaped
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(verdict: Verdict) -> bytes:
    """The whole file: what fails the gate is a failure, what cannot be compared an error, what is allowed skipped."""
    root = ET.Element("testsuites", name=_clean(verdict.line))
    _suite(root, f"{verdict.baseline} cells", (_cell(row) for row in verdict.rows))
    averages = (_average(row, verdict.policy.inconclusive) for row in verdict.averages)
    _suite(root, f"{verdict.baseline} averages", averages)
    if not verdict.compared:
        case = ET.Element("testcase", classname="gate", name="something was compared")
        ET.SubElement(case, "error", message="a gate that compared nothing does not pass")
        _suite(root, verdict.baseline, [case])
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _suite(root: ET.Element, name: str, cases: Iterable[ET.Element]) -> None:
    suite = ET.SubElement(root, "testsuite", name=_clean(name))
    suite.extend(cases)
    suite.set("tests", str(len(suite)))
    for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(plural, str(len(suite.findall(f"testcase/{kind}"))))


def _cell(row: Compared) -> ET.Element:
    name = f"{row.cell.target} {row.metric} {words.seeds(row.pair.seeds)}"
    case = ET.Element("testcase", classname=_clean(str(row.cell.run)), name=_clean(name))
    said = words.sentence(row)
    if row.outcome in FAILURES:
        _say(case, "failure", str(row.outcome), said)
    elif row.outcome is Outcome.INCOMPARABLE:
        _say(case, "error", str(row.outcome), said)
    elif row.outcome is Outcome.ALLOWED:
        _say(case, "skipped", str(row.outcome), said)
    else:
        ET.SubElement(case, "system-out").text = _clean(said)
    return case


def _average(row: Averaged, inconclusive_fails: bool) -> ET.Element:
    name = f"{row.of} {row.metric} {words.seeds(row.seeds)}"
    case = ET.Element("testcase", classname=_clean(str(row.run)), name=_clean(name))
    said = words.average(row)
    if row.verdict is Answer.FAIL or (row.verdict is Answer.INCONCLUSIVE and inconclusive_fails):
        _say(case, "failure", str(row.verdict), said)
    elif row.verdict is Answer.PASS:
        ET.SubElement(case, "system-out").text = _clean(said)
    else:
        _say(case, "skipped", str(row.verdict or "not compared"), said)
    return case


def _say(case: ET.Element, kind: str, type: str, text: str) -> None:
    ET.SubElement(case, kind, message=_clean(text), type=type).text = _clean(text)


def _clean(text: str) -> str:
    return FORBIDDEN.sub("?", text)

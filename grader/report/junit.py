"""The report as JUnit XML, for services that show the outcome of tests."""

from __future__ import annotations

from xml.etree import ElementTree

from grader.report.model import CheckResult, PartResult, Report, View
from grader.report.safe import excerpt, printable
from grader.report.words import remark, slots, verdict

MAX_SLOT, MAX_SLOT_LINES = 2_000, 40
_KINDS = {"failed": "failure", "timed_out": "error", "crashed": "error"}
_COUNTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def to_junit(report: Report) -> bytes:
    """A suite per part and a case per check, named by their ids, which stay the same.

    Where there is no verdict, a case of its own says so, and the checks are skipped.
    """
    root = ElementTree.Element("testsuites", name="dqn")
    untold = verdict(report)
    if untold is not None:
        root.append(_untold(report, untold))
    root.extend(_suite(report, part) for part in report.parts)
    _count(root)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _suite(report: Report, part: PartResult) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=part.id)
    suite.extend(_case(check, report.view) for check in report.checks if check.part == part.id)
    return suite


def _case(check: CheckResult, view: View) -> ElementTree.Element:
    case = _named(check.part, check.id, check.duration_s)
    if check.location is not None:
        case.set("file", printable(check.location.file[:200]))
        case.set("line", str(check.location.line))
    note = remark(check, view)
    if check.status in ("blocked", "not_attempted"):
        ElementTree.SubElement(case, "skipped", message=note or "")
    elif check.status != "passed":
        # Some services show the message alone and others the text alone.
        told = [check.title, *([note] if note else [])]
        told += [f"{name}: {_shown(text)}" for name, text in slots(check)]
        failure = ElementTree.SubElement(
            case, _KINDS[check.status], message="\n".join(told), type=_kind(check)
        )
        if check.reproduce:
            told.append(f"try it:\n{_shown(check.reproduce)}")
        failure.text = "\n".join(told)
    if check.output:
        ElementTree.SubElement(case, "system-out").text = _shown(check.output)
    return case


def _kind(check: CheckResult) -> str:
    return printable(check.code[:200]) if check.code else check.status


def _untold(report: Report, untold: str) -> ElementTree.Element:
    """The suite that says why there is no verdict."""
    suite = ElementTree.Element("testsuite", name="grader")
    case = _named("grader", "grader.verdict", 0.0)
    kind = "failure" if report.status == "ungradable" else "error"
    told = f"{untold}\nreason: {_shown(report.reason or '')}"
    ElementTree.SubElement(case, kind, message=told, type=report.status).text = told
    suite.append(case)
    return suite


def _named(suite: str, name: str, seconds: float) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=suite, name=name, time=f"{seconds:.3f}")


def _shown(text: str) -> str:
    return excerpt(text, MAX_SLOT, MAX_SLOT_LINES)


def _count(root: ElementTree.Element) -> None:
    """Write down how many cases there are of each kind, in each suite and in all."""
    for holder in (*root, root):
        cases = list(holder.iter("testcase"))
        holder.set("tests", str(len(cases)))
        for attribute, tag in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            holder.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
        holder.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")

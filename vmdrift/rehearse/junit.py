"""A rehearsal as JUnit's XML, for CI: a suite for each loss, a case for each VM that runs there."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from reactor.model.printable import harmless
from reactor.model.times import duration
from vmdrift.rehearse.fates import Fate, Rehearsal
from vmdrift.rehearse.report import told


def write(path: str, played: Sequence[Rehearsal]) -> None:
    """Raises OSError."""
    suites = ET.Element("testsuites", name="vmdrift rehearse")
    for one in played:
        suites.append(_suite(one))
    Path(path).write_bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True))


def _suite(one: Rehearsal) -> ET.Element:
    name, cases = f"loss of {', '.join(one.nodes)}", len(one.fates) + len(one.unknown)
    counts = {"tests": str(cases), "failures": str(len(one.staying)), "skipped": str(len(one.unknown)), "errors": "0"}
    suite = ET.Element("testsuite", counts | {"name": harmless(name)})
    for fate in one.fates:
        suite.append(_case(name, fate))
    for vm, why in one.unknown.items():
        case = ET.SubElement(suite, "testcase", classname=harmless(name), name=harmless(vm))
        ET.SubElement(case, "skipped", message=harmless(why))
    return suite


def _case(name: str, fate: Fate) -> ET.Element:
    case = ET.Element("testcase", classname=harmless(name), name=harmless(fate.vm), time=f"{fate.down or 0.0:.0f}")
    words = harmless(" ".join(told(fate)))
    if fate.down is None:
        ET.SubElement(case, "failure", message=words, type=fate.reason)
    else:
        ET.SubElement(case, "system-out").text = f"Down for {duration(fate.down)}, runs on {fate.node}. {words}".strip()
    return case

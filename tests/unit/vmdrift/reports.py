"""Dumps of clusters that people reported (tests/reports), made anew from the facts of each report."""

from pathlib import Path

from reactor.model.drift import Policy
from tests.support.places import REPORTS
from tests.unit.vmdrift.plans import fates_in
from vmdrift.plan.audit import NodeAudit, audited
from vmdrift.plan.prediction import Prediction
from vmdrift.snapshot import ClusterSnapshot, from_dump

FOLDER = REPORTS
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def path(name: str) -> Path:
    """By the beginning of its name: `r20`."""
    (found,) = FOLDER.glob(f"{name}-*.json")
    return found


def report(name: str) -> ClusterSnapshot:
    """The cluster of a dump."""
    return from_dump(str(path(name)))


def told(name: str, node: str = "node-a", policy: Policy | None = None) -> dict[str, Prediction]:
    """What would become of the VMs of a node, by namespace and name."""
    return {str(fate.vm): fate for fate in fates_in(report(name), node, policy)}


def nodes(name: str) -> list[NodeAudit]:
    """The same of all nodes."""
    return audited(report(name), Policy())

"""Identities, records and Nodes to test with."""

from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.fence_drill import FenceDrill
from reactor.model.identity import Drift, NodeRef, Outage, VmRef
from reactor.model.suspicion import Suspicion
from reactor.model.times import format_time
from simulator.client import Obj

LOST_AT = 1_700_000_000
SUSPICION = Suspicion(
    NodeRef("node-a", "uid-of-node-a"), "boot-1", "2023-11-14T22:13:03.500000Z", LOST_AT - 16.5, asked=True
)


def outage(node: str = "node-a", since: int = LOST_AT) -> Outage:
    """`node` lost at `since`."""
    return Outage(NodeRef(node, f"uid-of-{node}"), since)


def drift(vm: str = "db", lost: Outage | None = None) -> Drift:
    """The VM `shop/<vm>` leaving an outage."""
    return Drift(VmRef("shop", vm, f"uid-of-{vm}"), lost or outage())


def record(vm: str = "db", sentence: str = "It waits.", phase: Phase = Phase.WAITING) -> Record:
    """A record of that VM's drift."""
    return Record(drift(vm), phase, "unreachable-window", sentence, LOST_AT, LOST_AT)


def outage_record(node: str = "node-a", seen_at: float = LOST_AT) -> OutageRecord:
    """The record of that node's outage."""
    return OutageRecord(outage(node), seen_at)


def node(name: str = "node-a", ready: str = "True", since: float = LOST_AT, uid: str = "") -> Obj:
    """A v1 Node whose Ready condition has been `ready` since then."""
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": format_time(since)}
    meta = {"name": name, "uid": uid or f"uid-of-{name}"}
    return {"metadata": meta, "spec": {}, "status": {"conditions": [condition]}}


DRILLS = (
    FenceDrill("node-a", "uid-a", "redfish", 1_795_500_000.0, False, "BMC x <b>refuses</b>.", "Change it.", 2, "7-1"),
    FenceDrill("node-a", "uid-a", "taint", 1_795_500_000.0, True, "It can be set."),
    FenceDrill("node-b", "uid-b", "redfish", 1_795_500_000.0, True, "It answers."),
    FenceDrill("node-c", "uid-c", "network-fence", 1_795_500_000.0, True, "Its storage clients are known."),
    FenceDrill("node-c", "uid-c", "redfish", 1_795_500_000.0, False, "BMC z does not answer.", "Check its power."),
)

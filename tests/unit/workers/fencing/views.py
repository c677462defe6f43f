"""One lost node as a fence pass sees it, and what is known of it."""

from dataclasses import replace
from typing import Any

from reactor.model.drift import Phase, Policy, Record
from reactor.model.fencing import Confirmation, Fencing, ProviderStatus, State
from reactor.model.identity import Drift, NodeRef, Outage, VmRef
from reactor.model.node import NodeView
from workers.fencing.decide.view import FenceView

LOST_AT, NOW = 1000, 1100.0
OUTAGE = Outage(NodeRef("node-a", "uid-a"), LOST_AT)
NODE = NodeView("node-a", "uid-a", "Unknown", float(LOST_AT), heartbeat="beat", boot="boot-1", machine="m-1")
BACK = replace(NODE, ready="True", ready_since=1090.0)
REBOOTED = replace(BACK, boot="boot-2")
FILE = Fencing(OUTAGE, "boot-1", 1000.0, lease="lease", heartbeat="beat", silent_since=1000.0)
POLICY = Policy(fencing=("event", "redfish"), fence_after=60.0)
PROOF = Confirmation("redfish", "bmc", "It reads Off.", 1090.0, "lease", "beat")
PROVEN = replace(FILE, confirmation=PROOF)
OFF = ProviderStatus(State.FENCED, "It reads Off.", "bmc")
ON = ProviderStatus(State.ALIVE, "It reads On.", "bmc")
NOBODY = ProviderStatus(State.ABSENT, "Nobody has confirmed.")
OURS = ProviderStatus(State.FENCED, "Blocked.", ours=True)


def drift(vm: str, reason: str = "unreachable-window", phase: Phase = Phase.WAITING, **more: Any) -> Record:
    ref = VmRef("default", vm, f"uid-{vm}")
    return Record(Drift(ref, OUTAGE), phase, reason, "Says so.", 1000.0, 1000.0, again_at=1300.0, **more)


def seen(node: NodeView | None = NODE, **more: Any) -> FenceView:
    """With redfish that reads On, and one VM that waits."""
    standings = {"event": NOBODY, "redfish": ON}
    return FenceView(**{"node": node, "lease": "lease", "standings": standings, "drifts": (drift("vm"),), **more})

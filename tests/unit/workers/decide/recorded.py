"""Observations of what a real control plane was recorded to do (`tests/traces`, namespace run1, node-a lost).

The recorded objects of one moment are put into the simulated API, unchanged, and read as the product reads them. Of
Leases only the state before the power cut was recorded: the lost node's stays as it was, the others are as fresh as a
living cluster keeps them.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from reactor.model.drift import Phase, Policy, Record, Signs
from reactor.model.identity import Drift, Outage, VmRef
from reactor.model.node import NodeView, node_view
from rehearsal.twins.cluster import ApiCluster
from simulator.api.api import Api
from simulator.client import Obj
from simulator.store.objects import copied, key_of
from simulator.store.store import Store
from tests.scenarios.replay import Trace
from workers.decide.observation import Attachment, Observation, PodView, VmiView, VmView, Volume
from workers.observe import observe
from workers.observe.cache import Surroundings

POWER_CUT = 1795414378.12  # when `default-windows` begins, seconds since the epoch
SINCE = 1795414425  # 06:13:45Z: Ready turned Unknown
DUE = SINCE + 300.0
READY, UNKNOWN, TERMINATING, RELEASED, RUNNING = 0.0, 60.0, 540.0, 600.0, 940.0  # seconds since the power cut
_RESOURCES = {
    "node": "nodes",
    "pod": "pods",
    "vm": "virtualmachines",
    "vmi": "virtualmachineinstances",
    "va": "volumeattachments",
    "pvc": "persistentvolumeclaims",
    "event": "events",
}
_BEFORE = {"pvc": "persistentvolumeclaims", "pv": "persistentvolumes", "vm": "virtualmachines"} | {
    "vmi": "virtualmachineinstances",
    **{name: name for name in ("nodes", "pods", "volumeattachments", "leases")},
}


@cache
def _trace() -> Trace:
    return Trace.load("default-windows", "node-a")


@cache
def objects(second: float) -> dict[str, dict[tuple[str, str], Obj]]:
    """Everything that there was at a second after the power cut: resource -> (namespace, name) -> object."""
    found: dict[str, dict[tuple[str, str], Obj]] = {
        resource: {} for resource in {*_BEFORE.values(), *_RESOURCES.values()}
    }
    for kind, items in _trace().before.items():
        if kind in _BEFORE:
            found[_BEFORE[kind]] |= {key_of(obj): obj for obj in items}
    for time, kind, change, obj in _trace().changes:
        if time > second or kind not in _RESOURCES:
            continue
        found[_RESOURCES[kind]].pop(key_of(obj), None)
        if change != "DELETED":
            found[_RESOURCES[kind]][key_of(obj)] = obj
    found["leases"] = {key: _renewed(obj, POWER_CUT + second) for key, obj in found["leases"].items()}
    return found


def _renewed(lease: Obj, now: float) -> Obj:
    if lease["metadata"]["name"] == "node-a":
        return lease
    return {**lease, "spec": {**lease["spec"], "renewTime": stamp(now)}}


def stamp(moment: float) -> str:
    """A moment as Leases write it, with microseconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def cluster(second: float) -> ApiCluster:
    """The recorded cluster at that second."""
    store = Store(lambda: POWER_CUT + second)
    for resource, found in objects(second).items():
        for obj in found.values():
            store.create(resource, copied(obj))
    return ApiCluster(Api(store), "test")


def node(second: float = TERMINATING, name: str = "node-a") -> NodeView:
    """A recorded node."""
    return node_view(objects(second)["nodes"]["", name])


def outage() -> Outage:
    """That of node-a."""
    lost = node().outage
    assert lost is not None
    return lost


def record(vm: str = "vm-cd", **changes: Any) -> Record:
    """The first record of a recorded VM's drift, with changes."""
    before = objects(READY)
    uid = before["virtualmachines"]["run1", vm]["metadata"]["uid"]
    vmi_uid = before["virtualmachineinstances"]["run1", vm]["metadata"]["uid"]
    drift = Drift(VmRef("run1", vm, uid), outage())
    first = Record(drift, Phase.WAITING, "unreachable-window", "It waits.", SINCE, SINCE, vmi_uid=vmi_uid)
    return replace(first, **{"signs": signs(), **changes})


def signs(**changes: Any) -> Signs:
    """The lost node's last signs of life, first seen at the beginning of the outage, with changes."""
    lease = objects(READY)["leases"]["kube-node-lease", "node-a"]["spec"]["renewTime"]
    return replace(Signs(lease, node(UNKNOWN).heartbeat, float(SINCE)), **changes)


def look(there: ApiCluster, second: float, looker: Record, policy: Policy | None = None) -> Observation:
    """What a pass over `looker` sees of that cluster at that second, by a clock that agrees with the API server's."""
    now = POWER_CUT + second
    return observe(there, looker, policy or Policy(), max(DUE, now), Surroundings(lambda: now))


@cache
def seen(vm: str = "vm-cd", second: float = TERMINATING) -> Observation:
    """What a pass over this VM saw at that second; after the release, if the old launcher was gone by then."""
    released = POWER_CUT + 544.3 if second > TERMINATING else None
    return look(cluster(second), second, record(vm, released_at=released))


def vm_of(observation: Observation) -> VmView:
    """The VM, which is there."""
    assert observation.vm is not None
    return observation.vm


def vmi_of(observation: Observation) -> VmiView:
    """The instance, which is there."""
    assert observation.vmi is not None
    return observation.vmi


def node_of(observation: Observation) -> NodeView:
    """The lost node, which is there."""
    assert observation.node is not None
    return observation.node


def launcher(vm: str = "vm-cd", second: float = TERMINATING) -> PodView:
    """The only launcher pod of the VM."""
    (pod,) = seen(vm, second).launchers
    return pod


def volume(vm: str = "vm-rbd", second: float = TERMINATING) -> Volume:
    """The VM's volume that is a claim."""
    (found,) = (volume for volume in seen(vm, second).volumes if volume.claim)
    return found


def held(vm: str = "vm-rbd") -> Attachment:
    """What holds the VM's volume at the lost node after the release."""
    attachment = volume(vm, RELEASED).held
    assert attachment is not None
    return attachment

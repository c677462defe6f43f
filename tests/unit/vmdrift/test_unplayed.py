"""What of a VM is not played is named, whatever it is; what is played is not."""

from collections.abc import Mapping
from typing import Any

import pytest

from vmdrift.rehearse.unplayed import launchers, unplayed
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.allowed_fields import allowed

_COUNTED = "(only how many a node has)"
_META = {"namespace": "shop", "name": "web", "uid": "vmi-1"}
_GPU = {"domain": {"devices": {"gpus": [{"name": "g", "deviceName": "nvidia.com/T4"}]}}}
_PCI = {"domain": {"devices": {"hostDevices": [{"name": "g", "deviceName": "intel.com/nic"}]}}}
_SRIOV = {"domain": {"devices": {"interfaces": [{"name": "fast", "sriov": {}}]}}, "networks": [{"multus": {}}]}
_BRIDGED = {"domain": {"devices": {"interfaces": [{"name": "lan", "bridge": {}}]}}, "networks": [{"multus": {}}]}
_MASQUERADED = {"domain": {"devices": {"interfaces": [{"masquerade": {}}]}}, "networks": [{"name": "d", "pod": {}}]}
_PAUSED = {"type": "Paused", "status": "True"}
_POOL = {"metadata": {**_META, "ownerReferences": [{"kind": "VirtualMachinePool", "name": "pool"}]}}
_COPIED: Mapping[str, Any] = {"status": {"volumeUpdateState": {"volumeMigrationState": {"migratedVolumes": []}}}}
_MOVED = {"migrationState": {"sourceNode": "node-a", "targetNode": "node-b"}}


def _named(spec: Any = None, status: Any = None, pod: Any = None, vm: Any = None) -> tuple[str, ...]:
    """Of an instance with its VM and its launcher, as a dump keeps them."""
    labels = {"kubevirt.io/created-by": "vmi-1"}
    objects = {
        "virtualmachineinstances": [
            {"metadata": _META, "spec": {"domain": {}, **(spec or {})}, "status": status or {}}
        ],
        "virtualmachines": [{"metadata": {**_META, "uid": "vm-1"}, "spec": {}} | (vm or {})],
        "pods": [{"metadata": {**_META, "uid": "pod-1", "labels": labels}, "spec": {"nodeName": "a", **(pod or {})}}],
    }
    kept = {resource: [allowed(resource, obj) for obj in of_kind] for resource, of_kind in objects.items()}
    there = ClusterSnapshot(kept, 0.0)
    return unplayed(there, launchers(there), "web", "shop")


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        (_GPU, f"GPU {_COUNTED}"),
        (_PCI, f"PCI device {_COUNTED}"),
        (_SRIOV, f"SR-IOV network {_COUNTED}"),
        (_BRIDGED, "a second network"),
        ({"domain": {"cpu": {"dedicatedCpuPlacement": True}}}, f"dedicated CPUs {_COUNTED}"),
        ({"domain": {"cpu": {"numa": {"guestMappingPassthrough": {}}}}}, "NUMA"),
        ({"domain": {"cpu": {"realtime": {}}}}, "realtime (only the node's label)"),
        ({"domain": {"memory": {"hugepages": {"pageSize": "1Gi"}}}}, "hugepages (only how much a node has)"),
        ({"domain": {"launchSecurity": {"snp": {}}}}, "confidential computing (only the node's labels)"),
        ({"schedulerName": "volcano"}, "scheduler volcano (placed as Kubernetes' own would)"),
        ({"resourceClaims": [{"name": "card"}]}, "resource claims card"),
        ({"priorityClassName": "gold"}, "priority class gold (nobody is preempted)"),
        ({"startStrategy": "Paused"}, "that it starts paused"),
    ],
)
def test_what_an_instance_asks_for_is_named(spec: Any, named: str) -> None:
    assert _named(spec) == (named,)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"pod": {"runtimeClassName": "kata"}}, "runtime class kata (only what the lost launcher had of it)"),
        ({"pod": {"priorityClassName": "gold"}}, "priority class gold (nobody is preempted)"),
        ({"pod": {"schedulingGates": [{"name": "quota"}]}}, "scheduling gates"),
        ({"status": _MOVED}, "a migration that was under way"),
        ({"status": {"conditions": [_PAUSED]}}, "that it is paused (it comes back running)"),
        ({"vm": _POOL}, "its VirtualMachinePool"),
        ({"vm": _COPIED}, "a volume migration that was under way"),
    ],
)
def test_what_its_launcher_its_vm_or_its_state_says_is_named(more: Any, named: str) -> None:
    assert _named(**more) == (named,)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        _MASQUERADED,
        {"schedulerName": "default-scheduler"},
        {"domain": {"cpu": {"dedicatedCpuPlacement": False}, "devices": {"gpus": []}}},
        {"topologySpreadConstraints": [{"maxSkew": 1}], "affinity": {"podAntiAffinity": {}}, "evictionStrategy": "x"},
    ],
)
def test_of_what_is_played_nothing_is_said(spec: Any) -> None:
    assert _named(spec) == ()
    assert _named(status={"migrationState": {"completed": True}}) == ()

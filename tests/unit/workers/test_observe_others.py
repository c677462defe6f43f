"""Who else uses the VM's claim, and what Kubernetes told of its new launcher: read after the release."""

from typing import Any

import pytest

from reactor.model.drift import Phase
from rehearsal.twins.cluster import ApiCluster
from simulator import shapes
from simulator.client import Obj
from simulator.store.objects import copied
from tests.unit.workers.decide.recorded import POWER_CUT, RELEASED, RUNNING, cluster, look, objects, record
from workers.decide.observation import Observation

_NAMESPACE = "run1"


def _after(there: ApiCluster, second: float = RELEASED, **changes: Any) -> Observation:
    return look(there, second, record("vm-rbd", released_at=POWER_CUT + 544.3, **changes))


def _plug(owner: str) -> Obj:
    """A hotplug attachment pod of a VM instance, on the lost node, with the claim of vm-rbd."""
    pod = shapes.plain_pod(_NAMESPACE, "hp-volume-x", "node-a", "rbd-disk")
    notes = {"kubevirt.io/owner-vmi-name": owner, "kubevirt.io/owner-vmi-uid": "u"}
    pod["metadata"] |= {"labels": {"kubevirt.io": "hotplug-disk"}, "annotations": notes}
    return pod


def _own(owner: str) -> Obj:
    pod = shapes.plain_pod(_NAMESPACE, "virt-launcher-x", "node-a", "rbd-disk")
    pod["metadata"] |= {"labels": {"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": owner}}
    return pod


def _finished(phase: str) -> Obj:
    return shapes.plain_pod(_NAMESPACE, "importer", "node-a", "rbd-disk") | {"status": {"phase": phase}}


@pytest.mark.parametrize(
    ("pod", "users"),
    [
        (shapes.plain_pod(_NAMESPACE, "exporter", "node-a", "rbd-disk"), ("exporter",)),
        (shapes.plain_pod(_NAMESPACE, "exporter", "node-b", "rbd-disk"), ()),
        (shapes.plain_pod(_NAMESPACE, "exporter", "node-a", "hp-disk"), ()),
        (shapes.plain_pod("run2", "exporter", "node-a", "rbd-disk"), ()),
        (_finished("Running"), ("importer",)),
        (_finished("Succeeded"), ()),
        (_finished("Failed"), ()),
        (_own("vm-rbd"), ()),
        (_own("vm-two"), ("virt-launcher-x",)),
        (_plug("vm-rbd"), ()),
        (_plug("vm-two"), ("hp-volume-x",)),
    ],
    ids=[
        "another pod",
        "elsewhere",
        "another claim",
        "another namespace",
        "runs",
        "succeeded",
        "failed",
        "its own launcher",
        "a second VM",
        "its own hotplug",
        "a second VM's hotplug",
    ],
)
def test_whoever_else_on_the_lost_node_uses_the_claim_is_named(pod: Obj, users: tuple[str, ...]) -> None:
    there = cluster(RELEASED)
    there.api.store.create("pods", copied(pod))
    (found,) = _after(there).volumes
    assert found.users == users


def test_who_uses_a_claim_matters_only_while_the_lost_node_holds_it() -> None:
    there = cluster(RUNNING)
    there.api.store.create("pods", shapes.plain_pod(_NAMESPACE, "exporter", "node-a", "rbd-disk"))
    (found,) = _after(there, RUNNING).volumes
    assert found.users == ()


_MULTI_ATTACH = 'FailedAttachVolume: Multi-Attach error for volume "run1-rbd-disk"'


@pytest.mark.parametrize(
    ("phase", "tries", "told"),
    [(Phase.STARTING, 3, True), (Phase.STARTING, 9, True), (Phase.STARTING, 2, False), (Phase.DETACHING, 9, False)],
)
def test_what_kubernetes_told_once_of_a_slow_start_is_read_from_its_events(
    phase: Phase, tries: int, told: bool
) -> None:
    warnings = _after(cluster(RELEASED), phase=phase, tries=tries).warnings
    assert len(warnings) == told
    assert all(warning.startswith(_MULTI_ATTACH) for warning in warnings)


def test_the_last_three_different_warnings_are_enough() -> None:
    there = cluster(RELEASED)
    (pod,) = (pod for (_, name), pod in objects(RELEASED)["pods"].items() if name.startswith("virt-launcher-vm-rbd-"))
    for number in range(8):
        event = {
            "metadata": {"namespace": _NAMESPACE, "name": f"zz-{number}"},
            "involvedObject": {"kind": "Pod", "uid": pod["metadata"]["uid"]},
            "type": "Normal" if number == 7 else "Warning",
            "reason": "Failed",
            "message": f"{number // 2} " + "x" * 999,
        }
        there.api.store.create("events", event)
    warnings = _after(there, phase=Phase.STARTING, tries=3).warnings
    assert [warning[:9] for warning in warnings] == ["Failed: 1", "Failed: 2", "Failed: 3"]
    assert max(map(len, warnings)) == len("Failed: ") + 200

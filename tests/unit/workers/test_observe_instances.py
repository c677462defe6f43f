"""Instances that no VM stands behind: bare ones, and those of a ReplicaSet."""

from dataclasses import replace

import pytest

from reactor.model.drift import Record
from reactor.model.identity import INSTANCE, Drift, VmRef
from rehearsal.twins.cluster import ApiCluster
from simulator.client import Obj
from simulator.store.objects import copied
from tests.unit.workers.decide.recorded import (
    POWER_CUT,
    READY,
    RELEASED,
    TERMINATING,
    cluster,
    look,
    objects,
    outage,
    record,
    vm_of,
)
from workers.decide.observation import VmView

_NAMESPACE = "run1"
_GONE = POWER_CUT + 544.3


def _instance(owner: str = "") -> Record:
    """vm-rbd's instance, as if no VM stood behind it."""
    uid = objects(READY)["virtualmachineinstances"][_NAMESPACE, "vm-rbd"]["metadata"]["uid"]
    return record("vm-rbd", drift=Drift(VmRef(_NAMESPACE, "vm-rbd", uid, INSTANCE, owner), outage()))


def _bare() -> ApiCluster:
    """The recorded cluster, as if no VM stood behind vm-rbd's instance."""
    there = cluster(TERMINATING)
    obj = copied(there.api.store.get("virtualmachineinstances", "vm-rbd", _NAMESPACE))
    del obj["metadata"]["ownerReferences"]
    there.api.store.objects("virtualmachineinstances")[_NAMESPACE, "vm-rbd"] = obj
    return there


def test_an_instance_that_a_vm_has_adopted_since_is_that_vms() -> None:
    assert look(cluster(TERMINATING), TERMINATING, _instance()).vm is None


def test_an_instance_without_a_vm_is_shown_as_one_with_its_own_spec() -> None:
    looker = _instance()
    observation = look(_bare(), TERMINATING, looker)
    vm = vm_of(observation)
    assert (vm.uid, vm.run_strategy, vm.deleting, vm.replicas) == (looker.drift.vm.uid, "", False, None)
    assert [volume["name"] for volume in vm.template["volumes"]] == ["root"]
    assert [pod.node for pod in observation.launchers] == ["node-a"]
    assert [found.claim for found in observation.volumes] == ["rbd-disk"]


def test_an_instance_without_a_vm_that_is_gone_is_gone_though_another_has_its_name() -> None:
    observation = look(cluster(RELEASED), RELEASED, replace(_instance(), released_at=_GONE))
    assert (observation.vm, observation.vmi) == (None, None)


def _set(there: ApiCluster, spec: Obj, status: Obj) -> None:
    template = {"spec": {"domain": {}, "volumes": [{"name": "root", "containerDisk": {"image": "a"}}]}}
    obj = {"metadata": {"namespace": _NAMESPACE, "name": "web"}, "spec": {"template": template, **spec}}
    there.api.store.create("virtualmachineinstancereplicasets", obj | {"status": status})


@pytest.mark.parametrize(
    ("spec", "status", "replicas"),
    [
        ({"replicas": 3}, {"readyReplicas": 2}, (3, 2)),
        ({"replicas": 3}, {}, (3, 0)),
        ({"replicas": 3}, {"readyReplicas": None}, (3, 0)),
        ({}, {"readyReplicas": 1}, (1, 1)),
    ],
)
def test_of_an_instance_that_is_gone_its_replica_set_is_left_to_look_at(
    spec: Obj, status: Obj, replicas: tuple[int, int]
) -> None:
    there = cluster(RELEASED)
    _set(there, spec, status)
    looker = replace(_instance("web"), released_at=_GONE)
    observation = look(there, RELEASED, looker)
    assert observation.vm == VmView(looker.drift.vm.uid, "", False, vm_of(observation).template, replicas=replicas)
    assert (observation.vmi, observation.launchers) == (None, ())
    assert [found.kind for found in observation.volumes] == ["containerDisk"]


def test_an_instance_of_a_set_that_still_is_there_is_looked_at_itself() -> None:
    there = _bare()
    _set(there, {"replicas": 3}, {"readyReplicas": 2})
    observation = look(there, TERMINATING, _instance("web"))
    assert vm_of(observation).replicas is None
    assert [pod.node for pod in observation.launchers] == ["node-a"]


def test_a_replica_set_that_was_deleted_leaves_nothing() -> None:
    assert look(cluster(RELEASED), RELEASED, replace(_instance("web"), released_at=_GONE)).vm is None

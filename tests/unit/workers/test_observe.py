"""Live objects become an Observation: the recorded cluster, with single objects changed or added."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.errors import Forbidden
from rehearsal.twins.cluster import ApiCluster
from simulator.client import ApiError, Obj
from simulator.store.objects import copied
from tests.unit.workers.decide.recorded import (
    POWER_CUT,
    READY,
    RELEASED,
    RUNNING,
    SINCE,
    TERMINATING,
    UNKNOWN,
    cluster,
    look,
    objects,
    outage,
    record,
)
from workers.decide import decide
from workers.decide.observation import Observation
from workers.observe import observe
from workers.observe.cache import Surroundings

_NAMESPACE = "run1"
_GONE = POWER_CUT + 544.3


def _seen(there: ApiCluster, second: float = TERMINATING, **changes: Any) -> Observation:
    return look(there, second, record("vm-rbd", **changes))


def _after(there: ApiCluster | None = None, second: float = RELEASED, **changes: Any) -> Observation:
    return _seen(there or cluster(second), second, released_at=_GONE, **changes)


def test_a_released_vm_is_looked_at_whatever_its_node_does() -> None:
    there = cluster(TERMINATING)
    there.api.store.delete("nodes", "node-a")
    assert _seen(there, released_at=_GONE).vm is not None


def test_of_a_deleted_node_it_is_read_whether_its_pods_are_still_there() -> None:
    there = cluster(TERMINATING)
    there.api.store.delete("nodes", "node-a")
    observation = _seen(there)
    assert (observation.node, [pod.node for pod in observation.launchers]) == (None, ["node-a"])


@pytest.mark.parametrize("policy", [Policy(), Policy(unreachable_window=10.0)])
def test_before_the_window_ends_nothing_but_the_node_the_clocks_and_people_s_wishes_are_read(policy: Policy) -> None:
    there = cluster(UNKNOWN)
    now = POWER_CUT + UNKNOWN
    early = observe(there, record("vm-rbd"), policy, now, Surroundings(lambda: now))
    assert early.manager is not None
    assert (early.vm is None) is (now < outage().since + policy.unreachable_window)
    if early.vm is None:
        assert {entry.resource for entry in there.api.audit} == {"nodes", "leases", "configmaps"}


def test_what_may_not_be_read_is_an_error_and_no_observation() -> None:
    there = cluster(TERMINATING)
    refused = ApiError(403, "Forbidden", "no")
    there.api.faults.append(lambda request: refused if request.resource == "persistentvolumes" else None)
    with pytest.raises(Forbidden):
        _seen(there)


def test_without_the_vm_nothing_more_is_read() -> None:
    there = cluster(TERMINATING)
    del there.api.store.objects("virtualmachines")[_NAMESPACE, "vm-rbd"]
    observation = _seen(there)
    assert (observation.vm, observation.volumes, observation.nodes) == (None, (), ())


@pytest.mark.parametrize(("after", "early"), [(-10.1, False), (-10.0, True), (9.9, True), (10.0, False)])
def test_while_kubernetes_is_about_to_evict_the_launcher_nothing_else_is_read(after: float, early: bool) -> None:
    there, due, policy = cluster(UNKNOWN), SINCE + 300.0, Policy(unreachable_window=10.0)
    now = due + after
    there.api.store.clock = lambda: now  # meanwhile it has gone on, too
    waiting = observe(there, record("vm-rbd"), policy, now, Surroundings(lambda: now))
    assert (waiting.evicted_at == due, waiting.vm is None) == (early, early)
    assert ("virtualmachines" in {entry.resource for entry in there.api.audit}) is not early
    decision = decide(replace(waiting, evicted_at=due), record("vm-rbd"), policy, due)
    assert (decision.judgement.reason, [check.name for check in decision.checks]) == (
        "eviction-due",
        ["node", "window", "proof"],
    )


def test_the_namespaces_annotations_are_read() -> None:
    there = cluster(TERMINATING)
    notes = {"vmdrift.io/policy": "observe"}
    there.api.store.create("namespaces", {"metadata": {"name": _NAMESPACE, "annotations": notes}})
    assert _seen(there).namespace == notes
    assert _seen(cluster(TERMINATING)).namespace == {}


def test_signs_of_life_and_clocks_are_read_until_the_volumes_are_free() -> None:
    before = _after()
    assert before.lease == objects(READY)["leases"]["kube-node-lease", "node-a"]["spec"]["renewTime"]
    assert before.manager is not None
    later = _after(detached_at=_GONE + 1.0)
    assert (later.lease, later.manager) == (None, None)


@pytest.mark.parametrize("known", [True, False])
def test_launchers_are_those_of_the_lost_and_of_the_new_instance(known: bool) -> None:
    there = cluster(RELEASED)
    stuck = copied(objects(TERMINATING)["pods"][_NAMESPACE, "virt-launcher-vm-rbd-w9bmk"])
    there.api.store.create("pods", stuck)
    found = look(there, RELEASED, record("vm-rbd", **({} if known else {"vmi_uid": ""})))
    assert {pod.node for pod in found.launchers} == ({"node-a", "node-b"} if known else {"node-b"})


def test_hotplug_attachment_pods_are_seen_with_their_launcher() -> None:
    there = cluster(UNKNOWN)
    observation = look(there, UNKNOWN, record("vm-hp"))
    assert {pod.name: pod.hotplug for pod in observation.launchers} == {
        "virt-launcher-vm-hp-l9jz7": False,
        "hp-volume-vptrg": True,
    }
    (uid,) = {pod.vmi_uid for pod in observation.launchers}
    assert observation.vmi
    assert uid == observation.vmi.uid


def test_what_the_lost_and_the_new_node_hold_is_read_apart() -> None:
    early, late = _after(), _after(second=RUNNING)
    assert early.target is not None
    assert (early.target.name, early.target.ready) == ("node-b", "True")
    (before,), (after,) = early.volumes, late.volumes
    assert before.held is not None
    assert (before.held.node, before.attached) == ("node-a", None)
    assert after.attached is not None
    assert (after.attached.node, after.held) == ("node-b", None)


def test_once_the_volumes_are_free_the_lost_node_is_not_asked_any_more() -> None:
    (found,) = _after(detached_at=_GONE + 1.0).volumes
    assert found.held is None


def test_a_volume_on_the_returned_node_is_held_there_by_right() -> None:
    there = cluster(RELEASED)
    (name,) = (name for _, name in objects(RELEASED)["pods"] if name.startswith("virt-launcher-vm-rbd-"))
    pod = copied(there.api.store.get("pods", name, _NAMESPACE))
    pod["spec"]["nodeName"] = "node-a"
    there.api.store.objects("pods")[_NAMESPACE, name] = pod
    node = copied(there.api.store.get("nodes", "node-a"))
    for condition in node["status"]["conditions"]:
        condition.update({"status": "True"} if condition["type"] == "Ready" else {})
    there.api.store.objects("nodes")["", "node-a"] = node
    (found,) = _after(there).volumes
    assert found.attached is not None
    assert (found.attached.node, found.held) == ("node-a", None)


@pytest.mark.parametrize("csi", [{"driver": "rook-ceph.rbd.csi.ceph.com"}, None])
def test_a_volume_without_a_handle_is_attached_nowhere(csi: Obj | None) -> None:
    there = cluster(RELEASED)
    pv = copied(there.api.store.get("persistentvolumes", "run1-rbd-disk"))
    pv["spec"] = {**pv["spec"], "csi": csi} if csi else {k: v for k, v in pv["spec"].items() if k != "csi"}
    there.api.store.objects("persistentvolumes")["", "run1-rbd-disk"] = pv
    (found,) = _after(there).volumes
    assert (found.held, found.attached) == (None, None)


def test_a_volume_whose_driver_attaches_nothing_is_held_by_nothing() -> None:
    there = cluster(RELEASED)
    driver = {"metadata": {"name": "rook-ceph.rbd.csi.ceph.com"}, "spec": {"attachRequired": False}}
    there.api.store.create("csidrivers", driver)
    (found,) = _after(there).volumes
    assert (found.held, found.attached) == (None, None)

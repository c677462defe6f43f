"""Kubernetes' objects become what the checks look at: the recorded ones, and single fields of others."""

from typing import Any

import pytest

from simulator.client import Obj
from tests.unit.workers.decide.recorded import DUE, READY, RELEASED, RUNNING, SINCE, TERMINATING, objects
from workers.observe.parse import attachment_view, hotplugged, neighbour_view, pod_view, vm_view, vmi_view

_META = {"namespace": "run1", "name": "it", "uid": "a", "creationTimestamp": "2026-11-23T06:18:45Z"}


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({"runStrategy": "Once"}, "Once"),
        ({"running": True}, "Always"),
        ({"running": False}, "Halted"),
        ({}, ""),
    ],
)
def test_the_old_way_to_say_that_a_vm_runs_is_understood(spec: Obj, strategy: str) -> None:
    assert vm_view({"metadata": _META, "spec": spec}).run_strategy == strategy


@pytest.mark.parametrize(
    ("actions", "stopping"),
    [
        ([], False),
        (["Stop"], True),
        (["Stop", "Start"], False),
        (["Start"], False),
    ],
)
def test_a_vm_that_was_asked_to_stop_is_told_from_one_that_restarts(actions: list[str], stopping: bool) -> None:
    status = {"stateChangeRequests": [{"action": action} for action in actions]}
    assert vm_view({"metadata": _META, "spec": {}, "status": status}).stopping is stopping


@pytest.mark.parametrize(
    ("request_", "dumped"),
    [(None, False), ({}, False), ({"phase": "InProgress"}, False), ({"phase": "Completed"}, True)],
)
def test_a_memory_dump_counts_as_done_when_it_is_completed(request_: Obj | None, dumped: bool) -> None:
    found = {"metadata": _META, "spec": {}, "status": {"memoryDumpRequest": request_}}
    assert vm_view(found).dumped is dumped


def test_a_recorded_vm_is_read_with_its_template() -> None:
    view = vm_view(objects(TERMINATING)["virtualmachines"]["run1", "vm-rbd"])
    assert (view.run_strategy, view.deleting, view.stopping, view.dumped) == ("Always", False, False, False)
    assert [volume["name"] for volume in view.template["volumes"]] == ["root"]
    assert "kubevirt.io/latest-observed-api-version" in view.annotations
    assert view.replicas is None


def test_a_vm_that_is_being_deleted_is_seen_as_such() -> None:
    assert vm_view({"metadata": {**_META, "deletionTimestamp": "x"}, "spec": {}}).deleting


def test_an_instance_that_was_just_created_has_neither_node_nor_phase() -> None:
    view = vmi_view({"metadata": _META})
    assert (view.node, view.phase, view.created) == ("", "", DUE)
    assert (view.volumes, view.unplugged, view.attachment_pods, view.conditions) == ([], (), (), frozenset())


@pytest.mark.parametrize(
    ("second", "unplugged", "pods"),
    [
        (READY, (), ("hp-volume-vptrg",)),
        (TERMINATING, ("hp",), ("hp-volume-vptrg",)),
        (RELEASED, ("hp",), ("hp-volume-wtc7f",)),
        (RUNNING, (), ("hp-volume-wtc7f",)),
    ],
)
def test_a_recorded_hotplugged_volume_is_in_only_while_its_attachment_pod_runs(
    second: float, unplugged: tuple[str, ...], pods: tuple[str, ...]
) -> None:
    view = vmi_view(objects(second)["virtualmachineinstances"]["run1", "vm-hp"])
    assert (view.unplugged, view.attachment_pods) == (unplugged, pods)


def test_a_hotplugged_volume_of_which_nothing_is_said_is_not_in() -> None:
    spec = {"volumes": [{"name": "x", "dataVolume": {"name": "x", "hotpluggable": True}}]}
    assert vmi_view({"metadata": _META, "spec": spec, "status": {"volumeStatus": None}}).unplugged == ("x",)


@pytest.mark.parametrize(
    ("volume", "answer"),
    [
        ({"persistentVolumeClaim": {"claimName": "a", "hotpluggable": True}}, True),
        ({"dataVolume": {"name": "a", "hotpluggable": True}}, True),
        ({"memoryDump": {"claimName": "a", "hotpluggable": True}}, True),
        ({"persistentVolumeClaim": {"claimName": "a", "hotpluggable": False}}, False),
        ({"persistentVolumeClaim": {"claimName": "a"}}, False),
        ({"containerDisk": {"image": "a"}}, False),
        ({"cloudInitNoCloud": None}, False),
    ],
)
def test_a_volume_says_itself_whether_it_was_plugged_in(volume: Obj, answer: bool) -> None:
    assert hotplugged({"name": "x", **volume}) is answer


def test_conditions_are_named_where_they_are_true_or_false() -> None:
    said = [("Paused", "True"), ("Ready", "False"), ("AgentConnected", "Unknown")]
    conditions = [{"type": kind, "status": status} for kind, status in said]
    view = vmi_view({"metadata": _META, "status": {"conditions": conditions}})
    assert view.conditions == {"Paused", "no Ready"}


_NO_ROOM = {"type": "PodScheduled", "status": "False", "message": "0/8 nodes are available"}
_PLACED = {"type": "PodScheduled", "status": "True", "message": "x"}


def _waiting(reason: str, message: str | None = None) -> Obj:
    return {"state": {"waiting": {"reason": reason, **({"message": message} if message else {})}}}


@pytest.mark.parametrize(
    ("status", "pending"),
    [
        ({}, ""),
        ({"conditions": [_PLACED]}, ""),
        ({"conditions": [_NO_ROOM]}, "0/8 nodes are available"),
        ({"conditions": [_NO_ROOM], "containerStatuses": [_waiting("ErrImagePull")]}, "0/8 nodes are available"),
        ({"containerStatuses": None, "initContainerStatuses": None}, ""),
        ({"containerStatuses": [_waiting("ContainerCreating")]}, ""),
        ({"containerStatuses": [_waiting("PodInitializing")]}, ""),
        ({"containerStatuses": [{"state": {"running": {}}}, {}]}, ""),
        ({"containerStatuses": [_waiting("ImagePullBackOff", "no such image")]}, "ImagePullBackOff: no such image"),
        ({"containerStatuses": [_waiting("CrashLoopBackOff")]}, "CrashLoopBackOff: "),
        ({"initContainerStatuses": [_waiting("ErrImagePull", "x" * 999)]}, "ErrImagePull: " + "x" * 200),
        (
            {
                "initContainerStatuses": [_waiting("PodInitializing")],
                "containerStatuses": [_waiting("InvalidImageName")],
            },
            "InvalidImageName: ",
        ),
    ],
)
def test_what_a_pod_waits_for_is_read_where_kubernetes_says_it(status: Obj, pending: str) -> None:
    assert pod_view({"metadata": _META, "spec": {}, "status": status}).pending == pending


def test_a_recorded_launcher_that_finds_no_node_says_why() -> None:
    pods = objects(RELEASED)["pods"]
    (pinned,) = (pod for (_, name), pod in pods.items() if name.startswith("virt-launcher-vm-pin"))
    view = pod_view(pinned)
    assert view.pending.startswith("0/8 nodes are available: 4 node(s) didn't match")
    assert view.node == ""


def test_an_attachment_pod_belongs_to_the_instance_it_was_found_by() -> None:
    view = pod_view(objects(READY)["pods"]["run1", "hp-volume-vptrg"], "an-instance")
    assert (view.hotplug, view.vmi_uid, view.node) == (True, "an-instance", "node-a")


def test_a_recorded_launcher_belongs_to_the_instance_it_names() -> None:
    vmi = objects(READY)["virtualmachineinstances"]["run1", "vm-hp"]["metadata"]["uid"]
    view = pod_view(objects(READY)["pods"]["run1", "virt-launcher-vm-hp-l9jz7"])
    assert (view.hotplug, view.vmi_uid, view.terminating) == (False, vmi, False)


@pytest.mark.parametrize(
    ("meta", "deleted_at", "finalizers"),
    [
        ({}, None, ()),
        ({"deletionTimestamp": "2026-11-23T06:13:45Z"}, float(SINCE), ()),
        ({"deletionTimestamp": "2026-11-23T06:13:45Z", "finalizers": ["a/b"]}, float(SINCE), ("a/b",)),
    ],
)
def test_an_attachment_is_read_with_when_it_was_deleted_and_what_keeps_it(
    meta: dict[str, Any], deleted_at: float | None, finalizers: tuple[str, ...]
) -> None:
    spec = {"nodeName": "node-a", "source": {"persistentVolumeName": "pv"}}
    view = attachment_view({"metadata": {"name": "csi-x", "uid": "u", **meta}, "spec": spec})
    assert (view.node, view.volume, view.attached) == ("node-a", "pv", False)
    assert (view.deleted_at, view.finalizers, view.deleting) == (deleted_at, finalizers, deleted_at is not None)


_MIGRATING: Obj = {"volumeUpdateState": {"volumeMigrationState": {"migratedVolumes": []}}}


@pytest.mark.parametrize(
    ("strategy", "status", "recovery"),
    [
        ("Migration", _MIGRATING, "VolumesChange: moving root"),
        ("Migration", {}, ""),
        ("Replacement", _MIGRATING, ""),
        (None, _MIGRATING, ""),
    ],
)
def test_a_vm_whose_volumes_are_being_migrated_needs_a_repair_once_its_instance_ends(
    strategy: str | None, status: Obj, recovery: str
) -> None:
    changing = {"type": "VolumesChange", "status": "True", "message": "moving root"}
    spec = {"updateVolumesStrategy": strategy}
    view = vm_view({"metadata": _META, "spec": spec, "status": {"conditions": [changing], **status}})
    assert view.recovery == recovery


@pytest.mark.parametrize(
    ("matcher", "ref", "revision"),
    [
        ({"name": "u1", "revisionName": "pinned"}, {}, "pinned"),
        ({"name": "u1"}, {"name": "u1", "controllerRevisionRef": {"name": "kept"}}, "kept"),
        ({"name": "u1"}, {"name": "u2", "controllerRevisionRef": {"name": "of another"}}, ""),
        ({"name": "u1"}, {}, ""),
    ],
)
def test_the_revision_of_an_instance_type_is_the_one_that_the_vm_names_now(
    matcher: Obj, ref: Obj, revision: str
) -> None:
    view = vm_view({"metadata": _META, "spec": {"instancetype": matcher}, "status": {"instancetypeRef": ref}})
    assert view.typed == {"instancetype": "u1"}
    assert view.revisions == ({"instancetype": revision} if revision else {})


@pytest.mark.parametrize(("state", "tracked"), [("Enabled", True), ("Initializing", True), ("Disabled", False)])
def test_changed_blocks_are_tracked_in_a_state_claim(state: str, tracked: bool) -> None:
    found = {"metadata": _META, "spec": {}, "status": {"changedBlockTracking": {"state": state}}}
    assert vm_view(found).tracked is tracked
    assert vmi_view(found).tracked is tracked


def test_the_vm_that_owns_an_instance_is_known_by_uid_and_only_if_it_controls_it() -> None:
    ours = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "a", "uid": "u", "controller": True}
    changes: list[tuple[Obj, str]] = [({}, "u"), ({"controller": None}, ""), ({"apiVersion": "vsphere.io/v1"}, "")]
    for change, owner in changes:
        assert vmi_view({"metadata": {**_META, "ownerReferences": [{**ours, **change}]}}).owner == owner


def test_a_pod_of_anybody_is_read_with_what_keeps_others_away() -> None:
    rule = {"topologyKey": "zone", "labelSelector": None}
    rules = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    spec = {"nodeName": "node-b", "affinity": {"podAntiAffinity": rules}}
    found = neighbour_view({"metadata": {**_META, "labels": {"app": "db", "x": None}}, "spec": spec})
    assert (found.node, found.labels, found.repels) == ("node-b", {"app": "db"}, [{"topologyKey": "zone"}])
    assert not found.leaving

"""Acting: what was judged is looked at once more, and only that very object is deleted. On the recorded cluster."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest

from reactor.model.drift import Proof
from reactor.model.errors import ClusterUnreachable, Forbidden, LockLost
from reactor.model.fencing import CONFIG_MAP, Confirmation, Fencing
from reactor.model.node import node_view
from rehearsal.twins.cluster import ApiCluster
from simulator.api.api import Api
from simulator.client import ApiError, Obj
from simulator.store.objects import copied
from tests.unit.workers.decide.recorded import (
    RELEASED,
    SINCE,
    TERMINATING,
    cluster,
    held,
    launcher,
    node,
    outage,
    record,
)
from workers.decide.decision import Action, Detach, Release, Remove
from workers.drift.act import ChangedUnderwayError, act
from workers.drift.locked_cluster import LockedCluster
from workers.observe.cache import Surroundings

_RELEASE, _DETACH = Release((launcher("vm-rbd"),)), Detach((held(),))
_BOTH = pytest.mark.parametrize(("action", "second"), [(_RELEASE, TERMINATING), (_DETACH, RELEASED)])
_RESOURCE = {Release: "pods", Detach: "volumeattachments"}


def _held() -> None:
    """The lock is ours."""


def _lost() -> None:
    raise LockLost("another holder has it")


def _act(action: Action, there: ApiCluster, hold: Callable[[], None] = _held) -> None:
    act(action, LockedCluster(there, hold, lambda: 0.0, 3.0), record("vm-rbd"), Surroundings(lambda: 0.0))


def _deletes(api: Api) -> list[tuple[str, str, str | None, int | None, int]]:
    return [
        (entry.resource, entry.name, entry.uid_precondition, entry.grace_period, entry.code)
        for entry in api.audit
        if entry.verb == "delete" and entry.user == "test"
    ]


def _change(api: Api, resource: str, name: str, change: Callable[[Obj], Obj], namespace: str = "") -> None:
    """Any change at all, uid included."""
    obj = change(copied(api.store.get(resource, name, namespace)))
    api.store.objects(resource)[namespace, name] = obj


def _node(status: str = "Unknown", since: str = "2026-11-23T06:13:45Z", uid: str = "") -> Callable[[Obj], Obj]:
    def change(obj: Obj) -> Obj:
        obj["metadata"]["uid"] = uid or obj["metadata"]["uid"]
        ready = next(c for c in obj["status"]["conditions"] if c["type"] == "Ready")
        ready |= {"status": status, "lastTransitionTime": since}
        return obj

    return change


_PROOF = Confirmation("redfish", "bmc", "Off.", 1.0, "", node(TERMINATING).heartbeat)
_FILE = Fencing(outage(), "boot-1", 1.0, confirmation=_PROOF)


def _proven(there: ApiCluster, file: Fencing | None, action: Action = _RELEASE, proof: Proof = Proof.FENCED) -> None:
    """Act on what was decided because the node was proven dead; `file` is what stands there now."""
    _change(there.api, "nodes", "node-a", lambda obj: {**obj, "status": {**obj["status"], "nodeInfo": _BOOT}})
    if file:
        there.note(CONFIG_MAP, "vm-drift", {file.key: file.as_text()})
    known = record("vm-rbd", proof=proof)
    act(action, LockedCluster(there, _held, lambda: 0.0, 3.0), known, Surroundings(lambda: 0.0))


_BOOT = {"bootID": "boot-1"}


def test_what_was_decided_on_a_proof_is_done_while_it_stands() -> None:
    there = cluster(TERMINATING)
    _proven(there, _FILE)
    assert len(_deletes(there.api)) == 1


@pytest.mark.parametrize(
    "file",
    [
        None,
        replace(_FILE, void="It spoke."),
        replace(_FILE, boot="boot-2"),
        replace(_FILE, confirmation=replace(_PROOF, heartbeat="before")),
        replace(_FILE, confirmation=replace(_PROOF, storage=(("rook-ceph.rbd.csi.ceph.com", "rook-ceph"),))),
    ],
    ids=["gone", "void", "another boot", "spoken since", "its fence was lifted"],
)
def test_and_not_any_more_when_it_was_withdrawn(file: Fencing | None) -> None:
    there = cluster(TERMINATING)
    with pytest.raises(ChangedUnderwayError):
        _proven(there, file)
    assert _deletes(there.api) == []


_STORAGE = replace(_PROOF, storage=(("rook-ceph.rbd.csi.ceph.com", "rook-ceph"),))


@pytest.mark.parametrize(
    ("file", "proof", "deleted"),
    [
        (_FILE, Proof.FENCED, 1),
        (None, Proof.FENCED, 0),
        (None, Proof.SILENT, 0),
        (replace(_FILE, confirmation=_STORAGE), Proof.FENCED, 0),
    ],
    ids=["dead", "the proof is gone", "there never was one", "only storage is blocked"],
)
def test_a_pod_of_others_is_removed_only_while_the_whole_machine_is_proven_dead(
    file: Fencing | None, proof: Proof, deleted: int
) -> None:
    there = cluster(TERMINATING)
    with nullcontext() if deleted else pytest.raises(ChangedUnderwayError):
        _proven(there, file, Remove((launcher("vm-rbd"),)), proof)
    assert len(_deletes(there.api)) == deleted


def test_a_launcher_is_force_deleted_with_its_uid() -> None:
    there = cluster(TERMINATING)
    _act(_RELEASE, there)
    pod = launcher("vm-rbd")
    assert _deletes(there.api) == [("pods", pod.name, pod.uid, 0, 200)]


def test_an_attachment_is_deleted_with_its_uid() -> None:
    there = cluster(RELEASED)
    _act(_DETACH, there)
    assert _deletes(there.api) == [("volumeattachments", held().name, held().uid, None, 200)]


@_BOTH
@pytest.mark.parametrize(
    "change",
    [
        _node("True", "2026-11-23T06:30:00Z"),
        _node("False"),
        _node(since="2026-11-23T06:30:00Z"),
        _node(uid="another"),
    ],
    ids=["back", "kubelet alive", "lost anew", "replaced"],
)
def test_a_node_that_changed_between_decision_and_act_is_left_alone(
    action: Action, second: float, change: Callable[[Obj], Obj]
) -> None:
    there = cluster(second)
    _change(there.api, "nodes", "node-a", change)
    with pytest.raises(ChangedUnderwayError, match="node-a"):
        _act(action, there)
    assert _deletes(there.api) == []


@_BOTH
def test_a_node_that_was_deleted_between_decision_and_act_is_left_alone(action: Action, second: float) -> None:
    there = cluster(second)
    there.api.store.delete("nodes", "node-a")
    with pytest.raises(ChangedUnderwayError, match="was deleted"):
        _act(action, there)
    assert _deletes(there.api) == []


def _beating(obj: Obj) -> Obj:
    obj["metadata"]["annotations"]["kubevirt.io/heartbeat"] = "2026-11-23T06:20:00Z"
    return obj


def _renewed(obj: Obj) -> Obj:
    obj["spec"]["renewTime"] = "2026-11-23T06:20:00.000000Z"
    return obj


@_BOTH
@pytest.mark.parametrize(
    ("resource", "namespace", "change"), [("nodes", "", _beating), ("leases", "kube-node-lease", _renewed)]
)
def test_a_node_that_gave_a_sign_of_life_since_the_decision_is_left_alone(
    action: Action, second: float, resource: str, namespace: str, change: Callable[[Obj], Obj]
) -> None:
    there = cluster(second)
    _change(there.api, resource, "node-a", change, namespace)
    with pytest.raises(ChangedUnderwayError, match="Node node-a gave a sign of life just now"):
        _act(action, there)
    assert _deletes(there.api) == []


@_BOTH
def test_a_lease_that_is_gone_since_the_decision_is_a_change_too(action: Action, second: float) -> None:
    there = cluster(second)
    there.api.store.delete("leases", "node-a", "kube-node-lease")
    with pytest.raises(ChangedUnderwayError, match="sign of life"):
        _act(action, there)
    assert _deletes(there.api) == []


def test_a_launcher_that_was_judged_without_being_terminating_is_deleted_as_it_is() -> None:
    there = cluster(TERMINATING)
    pod = launcher("vm-rbd")
    _change(there.api, "pods", pod.name, _not_deleted, "run1")
    _act(Release((replace(pod, terminating=False),)), there)
    assert [name for _, name, *_ in _deletes(there.api)] == [pod.name]


def _other_uid(obj: Obj) -> Obj:
    obj["metadata"]["uid"] = "another"
    return obj


def _other_node(obj: Obj) -> Obj:
    obj["spec"]["nodeName"] = "node-b"
    return obj


def _not_deleted(obj: Obj) -> Obj:
    del obj["metadata"]["deletionTimestamp"]
    return obj


@pytest.mark.parametrize("change", [_other_uid, _other_node, _not_deleted])
def test_a_launcher_that_is_not_the_judged_one_any_more_is_left_alone(change: Callable[[Obj], Obj]) -> None:
    there = cluster(TERMINATING)
    _change(there.api, "pods", launcher("vm-rbd").name, change, "run1")
    with pytest.raises(ChangedUnderwayError, match=launcher("vm-rbd").name):
        _act(_RELEASE, there)
    assert _deletes(there.api) == []


def _other_volume(obj: Obj) -> Obj:
    obj["spec"]["source"]["persistentVolumeName"] = "another"
    return obj


@pytest.mark.parametrize("change", [_other_uid, _other_node, _other_volume])
def test_an_attachment_that_is_not_the_judged_one_any_more_is_left_alone(change: Callable[[Obj], Obj]) -> None:
    there = cluster(RELEASED)
    _change(there.api, "volumeattachments", held().name, change)
    with pytest.raises(ChangedUnderwayError, match=held().name):
        _act(_DETACH, there)
    assert _deletes(there.api) == []


def test_an_attachment_that_is_being_deleted_is_not_deleted_again() -> None:
    there = cluster(RELEASED)
    there.api.client("somebody").patch("volumeattachments", held().name, {"metadata": {"finalizers": ["a/b"]}})
    there.api.client("somebody").delete("volumeattachments", held().name)
    _act(_DETACH, there)
    assert _deletes(there.api) == []


@_BOTH
def test_what_is_gone_already_needs_nothing(action: Action, second: float) -> None:
    there = cluster(second)
    resource = _RESOURCE[type(action)]
    there.api.faults.append(
        lambda request: ApiError(404, "NotFound", "gone", {"name": "it"}) if request.resource == resource else None
    )
    _act(action, there)
    assert _deletes(there.api) == []


def _only_delete(code: int) -> ApiCluster:
    """The recorded cluster, whose API server answers a DELETE with an error of this code."""
    there = cluster(TERMINATING)
    there.api.faults.append(
        lambda request: ApiError(code, "Fault", "no", {"name": "it"}) if request.verb == "delete" else None
    )
    return there


def test_what_is_gone_at_the_very_last_moment_needs_nothing() -> None:
    there = _only_delete(404)
    _act(_RELEASE, there)
    assert [code for *_, code in _deletes(there.api)] == [404]


def test_what_is_replaced_at_the_very_last_moment_is_told_as_a_change() -> None:
    with pytest.raises(ChangedUnderwayError, match="was replaced meanwhile"):
        _act(_RELEASE, _only_delete(409))


@pytest.mark.parametrize(("code", "error"), [(403, Forbidden), (503, ClusterUnreachable), (429, ClusterUnreachable)])
def test_other_refusals_are_the_callers_to_judge(code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        _act(_RELEASE, _only_delete(code))


@_BOTH
def test_when_the_lock_is_lost_before_the_delete_nothing_is_sent(action: Action, second: float) -> None:
    there = cluster(second)
    with pytest.raises(LockLost):
        _act(action, there, _lost)
    assert _deletes(there.api) == []


def test_the_lock_is_renewed_before_each_delete() -> None:
    there = cluster(TERMINATING)
    renewals: list[int] = []
    pods = (launcher("vm-rbd"), launcher("vm-cd"))
    _act(Release(pods), there, lambda: renewals.append(len(_deletes(there.api))))
    assert renewals == [0, 1]
    assert [name for _, name, *_ in _deletes(there.api)] == [pod.name for pod in pods]


def test_what_comes_after_a_change_is_not_touched_either() -> None:
    there = cluster(TERMINATING)
    changed = replace(launcher("vm-rbd"), uid="another")
    with pytest.raises(ChangedUnderwayError):
        _act(Release((changed, launcher("vm-cd"))), there)
    assert _deletes(there.api) == []


@pytest.mark.parametrize(
    ("proof", "file", "renewed", "why"),
    [
        (Proof.FENCED, _FILE, "", ""),
        (Proof.SILENT, _FILE, "", "looks Ready"),
        (Proof.NONE, None, "", "looks Ready"),
        (Proof.FENCED, None, "", "not proven dead any more"),
        (Proof.FENCED, replace(_FILE, void="It spoke."), "", "not proven dead any more"),
        (Proof.FENCED, replace(_FILE, confirmation=_STORAGE), "", "Only storage"),
        (Proof.FENCED, _FILE, "2026-11-23T06:13:31.000001Z", "not proven dead any more"),
    ],
    ids=["dead", "silent", "unknown", "the proof is gone", "void", "only storage is blocked", "its Lease has changed"],
)
def test_before_kubernetes_notices_only_proof_of_the_whole_machine_deletes_while_its_lease_is_as_it_was(
    proof: Proof, file: Fencing | None, renewed: str, why: str
) -> None:
    there = cluster(TERMINATING)
    _change(there.api, "nodes", "node-a", _node("True", "2026-11-22T00:00:00Z"))
    _change(there.api, "nodes", "node-a", lambda obj: {**obj, "status": {**obj["status"], "nodeInfo": _BOOT}})
    lease = there.find("leases", "node-a", "kube-node-lease") or {}
    early = node_view(there.find("nodes", "node-a") or {}).with_lease(lease["spec"]["renewTime"]).early_outage(SINCE)
    assert early
    if file:
        there.note(CONFIG_MAP, "vm-drift", {file.key: replace(file, outage=early).as_text()})
    if renewed:
        there.api.store.objects("leases")["kube-node-lease", "node-a"]["spec"]["renewTime"] = renewed
    known = record("vm-rbd", proof=proof)
    known = replace(known, drift=replace(known.drift, outage=early))
    with pytest.raises(ChangedUnderwayError, match=why) if why else nullcontext():
        act(_RELEASE, LockedCluster(there, _held, lambda: 0.0, 3.0), known, Surroundings(lambda: 0.0))
    assert len(_deletes(there.api)) == (0 if why else 1)

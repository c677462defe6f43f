"""What the token of a role is good for beyond its trade: RBAC would allow it, and the admission policies do not."""

import pytest

from reactor.model.drift import Policy
from reactor.model.errors import Forbidden
from rehearsal.twins.cluster import ApiCluster
from simulator.scene import ClaimPod, Scene, Storage, Vm
from simulator.store.selectors import Selection
from tests.support.auditor import FENCING, WORKERS
from tests.support.policies import SHIPPED, admission
from tests.support.virtual import Play

LOST = "node-a"
DISK = Vm("disk", Storage.RBD_BLOCK, node=LOST)
SCENE = Scene(
    (LOST, "node-b", "node-c"), (DISK, Vm("healthy", node="node-b")), (ClaimPod("backup", "disk-disk", LOST),)
)


def _delete(play: Play, name: str) -> None:
    """Whoever has the token of `drifts` force-deletes the pod of this name, or the launcher of this VM."""
    pods = play.world.store.list(Selection("pods", namespace="default")).items
    meta = next(pod["metadata"] for pod in pods if name in pod["metadata"]["name"])
    ApiCluster(play.world.api, WORKERS).delete("pods", meta["name"], meta["namespace"], uid=meta["uid"], grace=0)


def test_with_the_token_of_drifts_nobody_deletes_the_launcher_of_a_vm_that_runs() -> None:
    play = Play.of(SCENE)
    with pytest.raises(Forbidden, match="only if it is being deleted or not Ready"):
        _delete(play, "healthy")
    assert play.running("healthy") == ["node-b"]


def test_other_pods_of_a_lost_node_are_deleted_with_proof_and_not_without() -> None:
    play = Play.of(SCENE, Policy(fencing=("event",)))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(100)
    with pytest.raises(Forbidden, match="others only where their node is proven dead"):
        _delete(play, "backup")
    play.confirm(LOST)
    assert play.until_ended(300)
    assert "backup" in play.auditor.deleted("pods")
    assert play.story("disk") == ("completed", "running-elsewhere")


def test_with_the_token_of_fencing_nobody_cordons_a_node_or_labels_it() -> None:
    play = Play.of(SCENE)
    fencing, node = ApiCluster(play.world.api, FENCING), play.world.store.get("nodes", "node-b")
    for patch in ({"spec": {"unschedulable": True}}, {"metadata": {"labels": {"zone": "b"}}}):
        with pytest.raises(Forbidden, match="ValidatingAdmissionPolicy 'vm-drift-fencing'"):
            fencing.change("nodes", node, patch)
    assert play.world.store.get("nodes", "node-b")["spec"].get("unschedulable") is None


def test_a_refused_delete_is_said_and_tried_again() -> None:
    """The API server's cache of the ConfigMap may be a moment behind what fencing wrote."""
    play = Play.of(Scene(SCENE.nodes, (DISK,)))
    late = SHIPPED.replace("variables.proven || variables.going", "1 == 2")
    play.world.api.admit = admission(play.world.store, late)
    play.world.hypervisor.power_cut(LOST)
    assert play.until("disk", ("blocked", "api-refused"))
    assert "ValidatingAdmissionPolicy 'vm-drift-drifts'" in play.record("disk").sentence
    play.world.api.admit = admission(play.world.store)
    play.world.run_for(60)
    assert play.story("disk")[0] == "detaching"

"""What was measured on a real control plane (the domain's "also measured"), line by line, and which test tells it.

Most lines are golden scenarios, in which the product is seen to live with them; the others are told here.
"""

import pytest

from reactor.model.drift import Policy
from simulator.audit import Request
from simulator.client import Obj
from simulator.manager import ControllerManager
from simulator.scene import Scene, Storage, Vm
from tests.scenarios.golden import load
from tests.support.virtual import Play

LOST = "node-a"
_SCENARIOS = load()
_LINES = {
    "a deleted Node: its pods are collected, the six minutes come after": "a lost node with a volume is deleted within "
    "its window",
    "the node is back during the six minutes: an ordinary detach": "detach by a node that comes back during the six "
    "minutes",
    "a new controller manager counts its six minutes anew": "detach while the controller manager is replaced in the "
    "six minutes",
    "55 % of a zone: nobody is evicted any more": "Kubernetes itself stops evicting",
    "the CSI attacher is down: a deleted attachment stays": "detach delete while the CSI attacher is down",
    "a replacement lands on a second dead node": "ending on a second lost node with a volume",
    "Manual restarts nothing": "comeback with runStrategy Manual",
    "Once restarts nothing": "comeback with runStrategy Once",
    "RerunOnFailure restarts": "comeback with runStrategy RerunOnFailure",
    "a pinned VM stays Pending until its node is back": "a pinned VM",
    "a VM runs while its hotplugged disk is still held": "storage RBD hotplugged",
    "a hotplugged disk's six minutes begin earlier": "storage RBD hotplugged in a VM that is evicted early",
    "a migration of a VM of the dead node blocks nothing": "comeback of a migrating VM whose source is lost",
}


def _lost(*vms: Vm, policy: Policy | None = None) -> Play:
    play = Play.of(Scene((LOST, "node-b", "node-c"), vms), policy)
    play.world.hypervisor.power_cut(LOST)
    return play


@pytest.mark.parametrize("line", _LINES)
def test_what_was_measured_is_a_golden_scenario(line: str) -> None:
    assert _LINES[line] in _SCENARIOS


def test_an_attachment_that_is_deleted_before_the_pod_is_made_again_on_the_dead_node_with_the_same_name() -> None:
    play = _lost(Vm("vm", Storage.RBD_BLOCK, node=LOST))
    admin = play.world.api.client("admin")
    play.world.run_for(100)
    (before,) = admin.list("volumeattachments")
    admin.delete("volumeattachments", before["metadata"]["name"])
    play.world.run_for(100)
    (after,) = admin.list("volumeattachments")
    assert after["metadata"]["name"] == before["metadata"]["name"]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"]["nodeName"] == LOST


def test_with_delete_the_pod_goes_first_and_its_attachment_is_not_made_again() -> None:
    play = _lost(Vm("vm", Storage.RBD_BLOCK, node=LOST), policy=Policy(detach="delete"))
    assert play.until_ended()
    assert [deletion.resource for deletion in play.auditor.deletions] == ["pods", "volumeattachments"]
    play.check()


def test_the_controller_manager_s_restart_renews_the_taint_but_not_when_the_node_was_lost() -> None:
    play = _lost(Vm("vm", node=LOST))
    play.world.run_for(100)
    before = play.world.store.get("nodes", LOST)
    ControllerManager(play.world).restart()
    play.world.run_for(60)
    after = play.world.store.get("nodes", LOST)
    assert _taint(after) > _taint(before)
    assert _since(after) == _since(before)


def test_eviction_is_a_plain_delete_which_no_disruption_budget_is_asked_about() -> None:
    play = _lost(Vm("vm", node=LOST))
    deletes: list[Request] = []

    def note(request: Request) -> None:
        if (request.verb, request.resource) not in {("get", "pods"), ("list", "pods"), ("watch", "pods")}:
            deletes.extend([request] if request.resource == "pods" and request.name else [])

    assert play.until("vm", ("waiting", "unreachable-window"))
    play.world.api.faults.append(note)
    assert play.until("vm", ("released", "force-deleted"))
    pods = [request for request in deletes if request.verb in {"delete", "create"}]
    assert [(request.verb, request.subresource, request.grace) for request in pods] == [
        ("delete", "", None),
        ("delete", "", 0),
    ]


def test_nobody_but_kubevirt_can_steer_through_the_status_of_an_instance() -> None:
    play = Play.of(Scene((LOST, "node-b"), (Vm("vm", node=LOST),)))
    play.world.run_for(60)
    patch = {"status": {"phase": "Failed"}}
    play.world.api.client("admin").patch("virtualmachineinstances", "vm", patch, "default")
    assert play.world.store.get("virtualmachineinstances", "vm", "default")["status"]["phase"] == "Running"


def _taint(node: Obj) -> str:
    return str(next(t["timeAdded"] for t in node["spec"]["taints"] if t["effect"] == "NoExecute"))


def _since(node: Obj) -> str:
    return str(next(c["lastTransitionTime"] for c in node["status"]["conditions"] if c["type"] == "Ready"))

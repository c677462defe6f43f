"""A node that is cut off and lives is stopped only for a VM that moves by it, and against nobody's word."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.fencing import CONFIG_MAP as FENCINGS
from reactor.model.fencing import Fencing, fencings
from reactor.model.intervention import CONFIG_MAP, HOLD, Intervention
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.cluster import ApiCluster
from simulator.audit import Request
from simulator.client import ApiError
from simulator.fencing import add_storage_clients
from simulator.scene import Kind, Scene, Storage, Vm
from tests.support import schemas
from tests.support.auditor import FENCING
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
REDFISH = Policy(fencing=("redfish",))
WEB = Vm("web", node=LOST)
LICENCE = Vm("licence", node=LOST, pinned=True)
SILENCE = 280.0  # seconds after the loss: Unknown after 54 at the latest, then 180 of silence, and a look


def staged(*vms: Vm, policy: Policy = REDFISH, nodes: tuple[str, ...] = NODES) -> tuple[Play, MachineBmcs]:
    """A scene whose nodes have BMCs."""
    play = Play.of(Scene(nodes, vms), policy)
    return play, with_bmcs(play)


def with_bmcs(play: Play) -> MachineBmcs:
    get = play.world.store.get
    uuids = {name: get("nodes", name)["status"]["nodeInfo"]["systemUUID"] for name in play.world.hypervisor.machines}
    bmcs = MachineBmcs(play.world.hypervisor, uuids)
    play.reactor.providers["redfish"] = Redfish(bmcs)
    return bmcs


def cut_off(play: Play, seconds: float = SILENCE) -> None:
    """A dead management switch: whatever runs there runs on."""
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(seconds)


def hold(play: Play, target: str) -> None:
    one = Intervention(HOLD, target, "ann", "do not touch", play.world.now, None)
    ApiCluster(play.world.api, "ann").note(CONFIG_MAP, "vm-drift", {one.key: one.as_text()})


def annotate(play: Play, resource: str, name: str, **annotations: str) -> None:
    notes = {f"vmdrift.io/{key}": value for key, value in annotations.items()}
    play.world.api.client("system:admin").patch(resource, name, {"metadata": {"annotations": notes}})


def file_of(play: Play) -> Fencing:
    return fencings(play.world.store.get("configmaps", FENCINGS, "vm-drift"))[LOST]


def test_a_vm_that_moves_by_it_has_its_node_switched_off_as_a_control() -> None:
    play, bmcs = staged(WEB)
    cut_off(play)
    assert bmcs.orders == [LOST]
    assert play.story("web") == ("completed", "running-elsewhere")
    play.check()


@pytest.mark.parametrize(
    "vm",
    [
        Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "never"}),
        Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "observe"}),
        Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "a slip of the pen"}),
        Vm("vm", Storage.LOCAL, node=LOST),
        Vm("vm", Storage.HOST_DISK, node=LOST),
        Vm("vm", Storage.OTHER_CSI, node=LOST),
        Vm("vm", Storage.HWAMEISTOR_ONE, node=LOST),
        Vm("vm", node=LOST, pinned=True),
        Vm("vm", node=LOST, run_strategy="Manual"),
        Vm("vm", node=LOST, kind=Kind.VMI),
    ],
    ids=lambda vm: f"{vm.storage.value} {vm.run_strategy} {vm.kind.value} {vm.pinned} {dict(vm.annotations)}",
)
def test_a_node_is_not_switched_off_for_a_vm_that_would_not_move(vm: Vm) -> None:
    play, bmcs = staged(vm)
    cut_off(play, 500)
    assert bmcs.orders == []
    assert play.running("vm") == [LOST]


def test_nor_where_no_other_node_takes_it_now() -> None:
    play, bmcs = staged(WEB)
    for name in NODES[1:]:
        play.world.api.client("system:admin").patch("nodes", name, {"spec": {"unschedulable": True}})
    cut_off(play)
    assert bmcs.orders == []
    assert "no VM would be released by it; not moved: default/web (too-few-nodes)" in file_of(play).sentence


@pytest.mark.parametrize("target", ["vm/default/licence", "vm/default/web", f"node/{LOST}", "all"])
def test_a_persons_hold_on_the_node_or_on_any_vm_of_it_is_a_veto(target: str) -> None:
    play, bmcs = staged(WEB, LICENCE)
    hold(play, target)
    cut_off(play)
    assert bmcs.orders == []
    assert "do not touch" in file_of(play).sentence


@pytest.mark.parametrize(
    ("resource", "name", "word"),
    [("namespaces", "quiet", "never"), ("namespaces", "quiet", "observe"), ("nodes", LOST, "never")],
)
def test_so_is_the_administrators_word_whatever_a_tenant_says(resource: str, name: str, word: str) -> None:
    tenant = Vm("tenant", namespace="quiet", node=LOST, annotations={"vmdrift.io/policy": "auto"})
    play, bmcs = staged(WEB, tenant)
    annotate(play, resource, name, policy=word)
    cut_off(play)
    assert bmcs.orders == []
    assert f"is {word}." in file_of(play).sentence


@pytest.mark.parametrize("mode", ["observe", "never"])
def test_so_is_the_installations_setting_though_a_vm_says_auto(mode: str) -> None:
    tenant = Vm("tenant", node=LOST, annotations={"vmdrift.io/policy": "auto"})
    play, bmcs = staged(tenant, policy=replace(REDFISH, mode=mode))
    cut_off(play)
    assert bmcs.orders == []


def test_a_vm_that_would_stay_down_is_no_veto_over_its_neighbours_and_is_named_before() -> None:
    play, bmcs = staged(WEB, LICENCE)
    cut_off(play)
    assert bmcs.orders == [LOST]
    file = file_of(play)
    assert (file.releases, file.bystanders) == (("default/web",), (("default/licence", "pinned-to-node"),))
    assert "Stopped with it, and not moved: default/licence (pinned-to-node)." in file.summary
    (asked,) = [event for _, event in play.reactor.store.events() if event["type"].endswith("node.fencing")]
    schemas.check(asked)
    assert asked["data"]["bystanders"] == [{"vm": "default/licence", "reason": "pinned-to-node"}]
    (change,) = [change for change in play.reactor.store.changes if change.reason == "bystander"]
    assert str(change.drift.vm) == "default/licence"
    assert change.sentence == (
        "redfish is asked to fence its node, for default/web. This VM is stopped, and not moved: pinned-to-node."
    )


def test_it_is_where_the_setting_refuses_bystanders() -> None:
    play, bmcs = staged(WEB, LICENCE, policy=replace(REDFISH, fence_bystanders="refuse"))
    cut_off(play)
    assert bmcs.orders == []
    assert "VMDRIFT_FENCE_BYSTANDERS is refuse, and it would stop default/licence (pinned-to-node)." in (
        file_of(play).sentence
    )


@pytest.mark.parametrize("role", ["control-plane", "master"])
@pytest.mark.parametrize("allowed", [False, True])
def test_a_node_of_the_control_plane_is_fenced_only_where_the_setting_says_so(role: str, *, allowed: bool) -> None:
    play, bmcs = staged(WEB, policy=replace(REDFISH, fence_control_plane=allowed))
    label = {"metadata": {"labels": {f"node-role.kubernetes.io/{role}": ""}}}
    play.world.api.client("system:admin").patch("nodes", LOST, label)
    cut_off(play)
    assert bmcs.orders == ([LOST] if allowed else [])


def daemon(play: Play, app: str, node: str, namespace: str = "rook-ceph") -> None:
    pod = {"metadata": {"name": f"{app}-{node}", "namespace": namespace, "labels": {"app": app}}}
    play.world.api.client("system:admin").create("pods", {**pod, "spec": {"nodeName": node, "containers": []}})


@pytest.mark.parametrize(
    ("app", "host", "down", "orders"),
    [
        ("rook-ceph-osd", "node-e", "node-e", []),
        ("rook-ceph-mon", "node-e", "node-e", []),
        ("rook-ceph-osd", "node-d", "node-e", [LOST]),  # what is down is no host of Ceph's
        ("rook-ceph-mon", LOST, "node-e", [LOST]),  # the lost node itself is one, and the only one
        ("rook-ceph-crashcollector", "node-e", "node-e", [LOST]),
    ],
)
def test_no_power_is_cut_while_another_host_of_ceph_is_down(app: str, host: str, down: str, orders: list[str]) -> None:
    play, bmcs = staged(WEB, nodes=(*NODES, "node-d", "node-e"))
    daemon(play, app, host)
    play.world.hypervisor.stop_kubelet(down)
    play.world.run_for(60)
    cut_off(play, SILENCE + 20)
    assert bmcs.orders == orders


def refusing(play: Play, resource: str) -> None:
    """The fencing role may not list it."""

    def strike(request: Request) -> ApiError | None:
        mine = (request.user, request.verb, request.resource) == (FENCING, "list", resource)
        return ApiError(403, "Forbidden", "no") if mine and request.namespace == "rook-ceph" else None

    play.world.api.faults.append(strike)


def test_where_cephs_hosts_cannot_be_read_no_power_is_cut() -> None:
    play, bmcs = staged(WEB)
    refusing(play, "pods")
    cut_off(play)
    assert bmcs.orders == []
    assert "whether Ceph's hosts are up cannot be read" in file_of(play).sentence


def test_storage_is_not_blocked_for_a_vm_that_has_no_disk_there() -> None:
    play = Play.of(Scene(NODES, (WEB,)), Policy(fencing=("network-fence",)))
    add_storage_clients(play.world.api.client("system:admin"), NODES)
    cut_off(play)
    assert list(play.world.api.client("system:admin").list("networkfences")) == []


def test_where_one_provider_would_release_nothing_the_next_is_asked() -> None:
    play, bmcs = staged(WEB, policy=Policy(fencing=("network-fence", "redfish")))
    add_storage_clients(play.world.api.client("system:admin"), NODES)
    cut_off(play)
    assert bmcs.orders == [LOST]
    assert list(play.world.api.client("system:admin").list("networkfences")) == []


def held_late(play: Play) -> None:
    hold(play, "vm/default/web")


def vetoed_late(play: Play) -> None:
    annotate(play, "nodes", LOST, policy="never")


@pytest.mark.parametrize("strike", [held_late, vetoed_late])
def test_what_is_said_after_the_judgement_and_before_the_order_is_heard(strike: Callable[[Play], None]) -> None:
    play, bmcs = staged(WEB)
    ApiCluster(play.world.api, "ann").note(FENCINGS, "vm-drift", {"x": None})
    struck: list[Any] = []

    def late(request: Request) -> ApiError | None:
        """That it is asked for is written; now the node is read once more."""
        mine = (request.user, request.verb, request.resource) == (FENCING, "get", "nodes")
        kept = play.world.store.get("configmaps", FENCINGS, "vm-drift")
        if mine and not struck and any(file.attempts for file in fencings(kept).values()):
            struck.append(request)
            strike(play)
        return None

    play.world.api.faults.append(late)
    cut_off(play)
    assert struck
    assert bmcs.orders == []


def test_a_vm_that_cannot_be_read_costs_only_itself() -> None:
    play, bmcs = staged(WEB, Vm("odd", Storage.RBD_BLOCK, node=LOST))

    def strike(request: Request) -> ApiError | None:
        mine = (request.user, request.resource, request.name) == (FENCING, "persistentvolumeclaims", "odd-disk")
        return ApiError(400, "BadRequest", "no") if mine else None

    play.world.api.faults.append(strike)
    cut_off(play)
    assert bmcs.orders == [LOST]
    assert file_of(play).bystanders == (("default/odd", "api-refused"),)

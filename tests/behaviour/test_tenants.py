"""Whoever can write a VM, a pod or their own Node: they may have less done, never more, and nobody else pays for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from reactor.model.drift import Policy
from reactor.model.fencing import CONFIG_MAP, Fencing, ReleaseWay, fencings
from reactor.model.node import FENCING_ANNOTATION, OUT_OF_SERVICE
from rehearsal.twins.bmc import MachineBmcs
from simulator.audit import Request
from simulator.client import ApiError, Client
from simulator.scene import Scene, Storage, Vm
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
DONE = ("completed", "running-elsewhere")
OTHERS = (Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("web", node=LOST))
TAINT = Policy(fencing=("event",))
BOLD = {"vmdrift.io/policy": "auto", "vmdrift.io/require-fence": "false", "vmdrift.io/detach": "delete"}
_SOON = 60.0  # seconds from a proof until every VM runs that waits for nothing else
_PATIENCE = 5.0  # seconds for which the others of a node wait for one that cannot be looked at


def _staged(*vms: Vm, policy: Policy) -> tuple[Play, Client]:
    play = Play.of(Scene(NODES, vms), policy)
    return play, play.world.api.client("system:admin")


def _annotate(admin: Client, resource: str, name: str, word: str, namespace: str = "") -> None:
    key = FENCING_ANNOTATION if resource == "nodes" else "vmdrift.io/policy"
    admin.patch(resource, name, {"metadata": {"annotations": {key: word}}}, namespace)


def _file(play: Play) -> Fencing:
    return fencings(play.world.store.get("configmaps", CONFIG_MAP, "vm-drift"))[LOST]


def _proven(play: Play) -> None:
    """Lost, and confirmed to be off by somebody who may."""
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)


def _with_bmcs(play: Play) -> MachineBmcs:
    machines = play.world.hypervisor.machines
    bmcs = MachineBmcs(play.world.hypervisor, {name: machine.system_uuid for name, machine in machines.items()})
    play.reactor.providers["redfish"] = Redfish(bmcs)
    return bmcs


@pytest.mark.parametrize("mode", ["observe", "never"])
@pytest.mark.parametrize("where", ["virtualmachines", "namespaces"])
def test_nobody_has_a_vm_moved_against_the_installations_policy(mode: str, where: str) -> None:
    play, admin = _staged(Vm("vm", Storage.RBD_BLOCK, node=LOST), policy=Policy(mode=mode))
    name, namespace = ("vm", "default") if where == "virtualmachines" else ("default", "")
    admin.patch(where, name, {"metadata": {"annotations": BOLD}}, namespace)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(1500)
    assert play.auditor.deletions == []
    assert f"annotation vmdrift.io/policy asks for auto; VMDRIFT_POLICY is {mode}, and" in play.record("vm").sentence
    assert play.record("vm").sentence.count("asks for auto") == 1


def test_nobody_has_a_vm_moved_without_the_proof_that_the_installation_wants() -> None:
    play, _ = _staged(Vm("vm", node=LOST, annotations=BOLD), policy=Policy(require_fence=True))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(1500)
    assert (play.story("vm"), play.auditor.deletions) == (("blocked", "not-fenced"), [])
    assert "VMDRIFT_REQUIRE_FENCE is true, and VMDRIFT_TENANTS_MAY does not list policy" in play.record("vm").sentence


def test_with_leave_they_have_what_they_ask_for() -> None:
    policy = Policy(mode="observe", require_fence=True, tenants_may=("policy", "detach"))
    play, _ = _staged(Vm("vm", Storage.RBD_BLOCK, node=LOST, annotations=BOLD), policy=policy)
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", DONE, limit=450)
    assert len(play.auditor.deleted("volumeattachments")) == 1
    play.check()


def test_who_asks_in_the_six_minutes_to_be_detached_at_once_reads_within_a_minute_why_not() -> None:
    play, admin = _staged(Vm("vm", Storage.RBD_BLOCK, node=LOST), policy=Policy())
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("detaching", "detach-window"))
    admin.patch("virtualmachines", "vm", {"metadata": {"annotations": BOLD}}, "default")
    play.world.run_for(65)
    assert play.story("vm") == ("detaching", "detach-window")
    assert "The VM's annotation vmdrift.io/detach asks for delete; VMDRIFT_DETACH_POLICY is wait" in (
        play.record("vm").sentence
    )
    requests = sum(play.reactor.requests.values())
    play.world.run_for(60)
    assert sum(play.reactor.requests.values()) - requests < 40  # looked at in full once, and not each minute
    assert play.until_ended()
    assert play.auditor.deleted("volumeattachments") == []


def _label_only(admin: Client) -> None:
    meta = {"name": "boo", "namespace": "default", "labels": {"kubevirt.io": "virt-launcher"}}
    meta["labels"]["vm.kubevirt.io/name"] = "nope"  # type: ignore[index]
    admin.create("pods", {"metadata": meta, "spec": {"nodeName": LOST, "containers": []}})


def _anothers_instance(admin: Client) -> None:
    owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "name": "mail", "uid": "no-such-uid"}
    meta = {"name": "boo", "namespace": "default", "labels": {"kubevirt.io": "virt-launcher"}}
    admin.create("pods", {"metadata": {**meta, "ownerReferences": [owner]}, "spec": {"nodeName": LOST}})


@pytest.mark.parametrize("makes", [_label_only, _anothers_instance])
def test_a_pod_that_only_looks_like_a_launcher_costs_nobody_the_taint(makes: Callable[[Client], None]) -> None:
    play, admin = _staged(*OTHERS, Vm("mail", node="node-b"), policy=TAINT)
    makes(admin)
    _proven(play)
    assert play.until("db", DONE, limit=_SOON)
    assert play.until("web", DONE, limit=_SOON)
    release = _file(play).release
    assert release
    assert release.way is ReleaseWay.NO_SCHEDULE


def _never(play: Play, admin: Client) -> None:
    del play
    _annotate(admin, "virtualmachines", "odd", "never", "tenant")


def _nonsense(play: Play, admin: Client) -> None:
    del play
    _annotate(admin, "virtualmachines", "odd", "\x1b[31m../../" + "x" * 5000, "tenant")


def _no_such_claim(play: Play, admin: Client) -> None:
    del play
    volumes = [{"name": "x", "persistentVolumeClaim": {"claimName": "../../default/persistentvolumeclaims/db-disk"}}]
    admin.patch("virtualmachines", "odd", {"spec": {"template": {"spec": {"volumes": volumes}}}}, "tenant")


def _unreadable(resource: str, name: str) -> Callable[[Play, Client], None]:
    def sicken(play: Play, admin: Client) -> None:
        del admin
        play.world.api.faults.append(sick)

    def sick(request: Request) -> ApiError | None:
        hit = "vm-drift" in request.user and (request.resource, request.name) == (resource, name)
        return ApiError(500, "InternalError", "unable to transform key: invalid padding") if hit else None

    return sicken


@pytest.mark.parametrize(
    "makes",
    [
        _never,
        _nonsense,
        _no_such_claim,
        _unreadable("namespaces", "tenant"),
        _unreadable("virtualmachines", "odd"),
        _unreadable("virtualmachineinstances", "odd"),
    ],
    ids=["never", "a policy of nonsense", "a claim that is a path", "no policy to read", "no VM", "no instance"],
)
def test_a_tenants_vm_costs_the_others_of_its_node_nothing(
    makes: Callable[[Play, Client], None],
) -> None:
    play, admin = _staged(*OTHERS, Vm("odd", namespace="tenant", node=LOST), policy=TAINT)
    makes(play, admin)
    _proven(play)
    at = play.world.now
    for vm in ("db", "web"):
        assert play.until(vm, DONE, limit=120)
        assert (play.record(vm).released_at or 0.0) - at < _PATIENCE
    release = _file(play).release
    assert release
    assert release.way is ReleaseWay.NO_SCHEDULE
    play.world.run_for(40)
    taints = play.world.store.get("nodes", LOST)["spec"]["taints"]
    assert OUT_OF_SERVICE not in [taint["key"] for taint in taints]
    assert "odd" not in [deletion.vm for deletion in play.auditor.deletions]


@pytest.mark.parametrize("word", ["none", "remediation,event", "remediation", "None", "\x1b[31m", ",,", "x" * 5000])
def test_whatever_a_kubelet_says_of_fencing_a_persons_confirmation_counts(word: str) -> None:
    play, admin = _staged(*OTHERS, policy=TAINT)
    _annotate(admin, "nodes", LOST, word)
    _proven(play)
    for vm in ("db", "web"):
        assert play.until(vm, DONE, limit=_SOON)
    assert _file(play).reason == "fenced"


@pytest.mark.parametrize("word", ["none", "remediation", "none,event,ipmi,redfish"])
def test_a_node_that_opts_out_without_leave_is_fenced_all_the_same_and_it_is_reported(word: str) -> None:
    play, admin = _staged(*OTHERS, policy=Policy(fencing=("redfish",)))
    bmcs = _with_bmcs(play)
    _annotate(admin, "nodes", LOST, word)
    play.world.hypervisor.cut_network(LOST)
    with capture_logs() as said:
        play.world.run_for(70)
    assert [line["node"] for line in said if line.get("reason") == "annotation-unusable"] == [LOST]
    assert f"Annotation vmdrift.io/fencing on node {LOST}" in _file(play).sentence
    assert "does not count" in _file(play).summary
    assert play.until("web", DONE, limit=400)
    assert bmcs.orders == [LOST]


@pytest.mark.parametrize(("word", "leave"), [("event", False), ("none", True)])
def test_a_node_that_names_fewer_is_not_fenced_by_the_others(word: str, leave: bool) -> None:
    play, admin = _staged(*OTHERS, policy=replace(TAINT, fencing=("redfish", "event"), nodes_may_opt_out=leave))
    bmcs = _with_bmcs(play)
    _annotate(admin, "nodes", LOST, word)
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(280)
    assert (bmcs.orders, _file(play).reason) == ([], "awaiting-proof")
    play.world.hypervisor.power_cut(LOST)
    play.confirm(LOST)
    assert play.until("web", DONE, limit=_SOON)

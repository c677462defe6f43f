"""One object's trouble is its own: what cannot be read, or is no launcher, keeps no other VM of its node down."""

import pytest

from reactor.model.drift import Policy
from rehearsal.twins.bmc import MachineBmcs
from simulator.audit import Request
from simulator.client import ApiError
from simulator.fencing import add_template
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import FENCING, INTAKE, WORKERS
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

LOST = "node-a"
_NODES = (LOST, "node-b", "node-c")
_UNREADABLE = ApiError(500, "InternalError", "unable to transform key: invalid padding")


def _play(policy: Policy | None = None) -> Play:
    """Four VMs on the node that will be lost."""
    return Play.of(Scene(_NODES, tuple(Vm(name, node=LOST) for name in "abcd")), policy or Policy())


def _sicken(play: Play, resource: str, name: str, *users: str) -> None:
    """The API server answers 500 where these users ask for one object."""

    def sick(request: Request) -> ApiError | None:
        hit = request.user in users and (request.resource, request.name) == (resource, name)
        return _UNREADABLE if hit else None

    play.world.api.faults.append(sick)


def _bmcs(play: Play) -> MachineBmcs:
    """Redfish reaches every machine."""
    nodes = play.world.api.client("test").list("nodes")
    uuids = {node["metadata"]["name"]: node["status"]["nodeInfo"]["systemUUID"] for node in nodes}
    found = MachineBmcs(play.world.hypervisor, uuids)
    play.reactor.providers["redfish"] = Redfish(found)
    return found


@pytest.mark.parametrize("resource", ["virtualmachines", "virtualmachineinstances"])
def test_a_vm_that_cannot_be_read_is_its_own_trouble_and_the_others_run_elsewhere(resource: str) -> None:
    play = _play()
    _sicken(play, resource, "b", INTAKE, WORKERS)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(1200)
    assert [name for name in "abcd" if play.running(name)] == ["a", "c", "d"]
    (outage,) = play.reactor.store.outages()
    if resource == "virtualmachines":
        assert play.story("b") == ("blocked", "api-unavailable")
    else:
        assert "default/virt-launcher-b-" in outage.sweep.trouble


def test_a_node_is_fenced_for_its_other_vms_where_one_cannot_be_read() -> None:
    play = _play(Policy(fencing=("redfish",)))
    bmc = _bmcs(play)
    _sicken(play, "virtualmachines", "b", INTAKE, WORKERS, FENCING)
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: all(play.running(name) not in ([], [LOST]) for name in "acd"), 400)
    assert bmc.orders == [LOST]


def test_a_provider_without_a_right_keeps_the_next_one_from_nothing() -> None:
    scene = Scene(_NODES, (Vm("vm", Storage.RBD_SHARED, node=LOST),))
    play = Play.of(scene, Policy(fencing=("remediation", "redfish")))
    bmc = _bmcs(play)
    add_template(play.world.api.client("system:admin"))

    def forbidden(request: Request) -> ApiError | None:
        hit = request.user == FENCING and request.resource == "fenceagentsremediations"
        return ApiError(403, "Forbidden", "cannot list resource") if hit else None

    play.world.api.faults.append(forbidden)
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(1200)
    assert bmc.orders == [LOST]
    assert play.story("vm") == ("completed", "running-elsewhere")


def test_a_tenants_pods_with_the_launchers_label_keep_nobody_down() -> None:
    play = _play()
    for number, owner in enumerate(("", "../../default/virtualmachines/a", "a", "Not.A_Name")):
        refs = [{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "name": owner, "uid": "1"}]
        meta = {"name": f"boo-{number}", "namespace": "default", "labels": {"kubevirt.io": "virt-launcher"}}
        spec = {"nodeName": LOST, "containers": [{"name": "main", "image": "tenant/tool:v1"}]}
        made = {"metadata": {**meta, "ownerReferences": refs if owner else []}, "spec": spec}
        play.world.api.client("tenant").create("pods", made)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(1200)
    assert [play.story(name) for name in "abcd"] == [("completed", "running-elsewhere")] * 4
    assert len(play.records) == 4


def test_a_vm_that_was_made_again_under_its_name_has_a_drift_of_its_own() -> None:
    play = _play()
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(120)
    before = _made_again(play, "b")
    play.world.run_for(1200)
    assert play.running("b") not in ([], [LOST])
    assert play.record("b").drift.vm.uid != before


def _made_again(play: Play, name: str) -> str:
    """`kubectl delete vm --cascade=orphan`, and created anew: the new one adopts the instance. The old uid."""
    admin = play.world.api.client("system:admin")
    old = admin.get("virtualmachines", name, "default")
    del play.world.store.objects("virtualmachines")["default", name]
    kept = {part: value for part, value in old.items() if part in {"apiVersion", "kind", "spec"}}
    made = admin.create("virtualmachines", {**kept, "metadata": {"name": name, "namespace": "default"}})
    vmi = play.world.store.objects("virtualmachineinstances")["default", name]
    for owner in vmi["metadata"]["ownerReferences"]:
        owner["uid"] = made["metadata"]["uid"]
    return str(old["metadata"]["uid"])

"""Whose is a pod that bears the launchers' label: what it says is believed only if its VM instance says the same."""

from collections.abc import Callable

import pytest

from reactor.model.event import unreachable
from reactor.model.identity import Outage
from reactor.model.node import node_view
from simulator.client import ApiError, Obj
from simulator.scene import Scene, Vm
from tests.support.virtual import Play

LOST = "node-a"
_VMI = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "name": "db", "uid": "VMI"}
_NO_OWNER = "no VirtualMachineInstance owns it"
_NO_VMI = "the VirtualMachineInstance that it names as its owner does not exist"
_STRANGER = "the VirtualMachineInstance that it names as its owner does not know it"


@pytest.fixture
def play() -> Play:
    """The node of two VMs was lost a minute ago, a third one runs elsewhere; the reactor does nothing by itself."""
    play = Play.of(
        Scene((LOST, "node-b", "node-c"), (Vm("db", node=LOST), Vm("web", node=LOST), Vm("mail", node="node-b")))
    )
    play.world.remove(play.reactor)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    return play


def _lost(play: Play) -> Outage:
    lost = node_view(play.world.store.get("nodes", LOST)).outage
    assert lost is not None
    return lost


def _taken(play: Play) -> tuple[list[str], tuple[str, ...]]:
    """Whose drifts there are once the outage was told, and which pods were passed over."""
    play.take(unreachable(_lost(play), "test"))
    known = play.reactor.store.outage(_lost(play).id)
    assert known is not None
    assert (known.sweep.trouble, known.sweep.begun_at, known.sweep.searched) == ("", None, True)
    return sorted(record.drift.vm.name for record in play.records), known.sweep.skipped


def _pod(
    play: Play, *owners: Obj, labels: dict[str, str] | None = None, namespace: str = "default", of: str = "db"
) -> None:
    """A pod of a tenant's with the launchers' label; "VMI" stands for the uid of a VM's instance."""
    uid = play.world.store.get("virtualmachineinstances", of, "default")["metadata"]["uid"]
    refs = [{**owner, "uid": uid if owner.get("uid") == "VMI" else owner.get("uid")} for owner in owners]
    meta = {"name": "boo", "namespace": namespace, "labels": {"kubevirt.io": "virt-launcher", **(labels or {})}}
    spec = {"nodeName": LOST, "containers": [{"name": "main", "image": "tenant/tool:v1"}]}
    play.world.api.client("tenant").create("pods", {"metadata": {**meta, "ownerReferences": refs}, "spec": spec})


@pytest.mark.parametrize(
    ("owners", "why"),
    [
        ((), _NO_OWNER),
        (({**_VMI, "name": ""},), _NO_OWNER),
        (({**_VMI, "name": "../../shop/virtualmachines/web"},), _NO_OWNER),
        (({**_VMI, "name": "Not.A_Name"},), _NO_OWNER),
        (({**_VMI, "uid": None},), _NO_OWNER),
        (({**_VMI, "kind": "ReplicaSet"},), _NO_OWNER),
        (({**_VMI, "apiVersion": "example.org/v1"},), _NO_OWNER),
        (({**_VMI, "name": "ghost"},), _NO_VMI),
        (({**_VMI, "uid": "another"},), _NO_VMI),
        (({},), _NO_OWNER),
    ],
)
def test_a_pod_that_no_instance_owns_is_passed_over_alone(play: Play, owners: tuple[Obj, ...], why: str) -> None:
    _pod(play, *owners)
    assert _taken(play) == (["db", "web"], (f"default/boo: {why}",))


@pytest.mark.parametrize(("namespace", "why"), [("default", _STRANGER), ("acme", _NO_VMI)])
def test_a_pod_that_names_another_ones_instance_is_none_of_its_launchers(play: Play, namespace: str, why: str) -> None:
    play.world.api.client("admin").create("namespaces", {"metadata": {"name": "acme"}})
    _pod(play, _VMI, labels={"vm.kubevirt.io/name": "db"}, namespace=namespace)
    for _ in range(2):
        assert _taken(play) == (["db", "web"], (f"{namespace}/boo: {why}",))


def test_a_pod_on_a_lost_node_makes_no_drift_of_a_vm_that_runs_elsewhere(play: Play) -> None:
    _pod(play, {**_VMI, "name": "mail"}, of="mail")
    assert _taken(play) == (["db", "web"], (f"default/boo: {_STRANGER}",))
    assert play.running("mail") == ["node-b"]


@pytest.mark.parametrize("lacks", [("activePods",), ("nodeName",), ("activePods", "nodeName")], ids=" ".join)
def test_an_instance_that_lacks_some_of_what_it_says_of_its_pods_is_believed_the_rest(
    play: Play, lacks: tuple[str, ...]
) -> None:
    for key, vmi in list(play.world.store.objects("virtualmachineinstances").items()):
        status = {name: value for name, value in vmi["status"].items() if name not in lacks}
        play.world.store.objects("virtualmachineinstances")[key] = {**vmi, "status": status}
    assert _taken(play) == (["db", "web"], ())


def test_an_instance_that_lists_only_pods_that_are_gone_is_believed_on_which_node_it_is(play: Play) -> None:
    """As after a migration: the list is written later than the pods come and go."""
    for key, vmi in list(play.world.store.objects("virtualmachineinstances").items()):
        status = {**vmi["status"], "activePods": {"an-old-one": "node-b", "a-newer-one": LOST}}
        play.world.store.objects("virtualmachineinstances")[key] = {**vmi, "status": status}
    assert _taken(play) == (["db", "web"], ())
    _pod(play, {**_VMI, "name": "mail"}, of="mail")
    assert _taken(play) == (["db", "web"], (f"default/boo: {_STRANGER}",))


def test_what_is_passed_over_is_reported_once(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    _pod(play)
    _taken(play)
    _taken(play)
    assert capsys.readouterr().out.count("default/boo") == 1


def _sick(resource: str, name: str) -> Callable[[object], ApiError | None]:
    """etcd holds what cannot be decrypted."""

    def fault(request: object) -> ApiError | None:
        hit = (getattr(request, "resource", ""), getattr(request, "name", "")) == (resource, name)
        return ApiError(500, "InternalError", "unable to transform key: invalid padding") if hit else None

    return fault


def test_a_vm_that_cannot_be_read_has_a_drift_that_says_so_and_the_others_go_on(play: Play) -> None:
    play.world.api.faults.append(_sick("virtualmachines", "db"))
    uid = play.world.store.get("virtualmachines", "db", "default")["metadata"]["uid"]
    assert _taken(play) == (["db", "web"], ())
    assert play.record("db").drift.vm.uid == uid


def test_an_instance_that_cannot_be_read_is_reported_and_read_again_and_the_others_go_on(play: Play) -> None:
    sick = _sick("virtualmachineinstances", "db")
    play.world.api.faults.append(sick)
    play.take(unreachable(_lost(play), "test"))
    assert [record.drift.vm.name for record in play.records] == ["web"]
    known = play.reactor.store.outage(_lost(play).id)
    assert known is not None
    assert "Not all of its VMs could be read: default/virt-launcher-db" in known.sweep.trouble
    assert known.sweep.begun_at == play.world.now
    assert play.reactor.store.sweeps() == {"incomplete": 1}
    play.world.api.faults.remove(sick)
    assert _taken(play) == (["db", "web"], ())

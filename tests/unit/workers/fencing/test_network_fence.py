"""The provider `network-fence`: a node's storage clients are blocked for this boot, and let in again after it."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.errors import ClusterUnreachable, FenceError
from reactor.model.fencing import State, Target
from reactor.model.identity import NodeRef, Outage
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.network_fencer import NetworkFencer
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.fencing import CLASS, add_storage_clients
from simulator.shapes import RBD
from simulator.world import EPOCH, World
from tests.support.foreign import refusing
from workers.fencing.providers.network_fence import NetworkFence

TARGET = Target(Outage(NodeRef("node-a", "uid-a"), int(EPOCH)), "boot-1")
CEPHFS = "rook-ceph.cephfs.csi.ceph.com"
_NAME = f"vm-drift-node-a-{CLASS}"


class Site:
    """Two nodes with storage clients, and CSI-Addons."""

    def __init__(self, *, clients: bool = True) -> None:
        self.world = World()
        refusing(self.world)
        self.admin = self.world.api.client("system:admin")
        for node in ("node-a", "node-b"):
            self.world.hypervisor.add_machine(node)
        addresses = add_storage_clients(self.admin, ("node-a", "node-b")) if clients else {}
        self.fencer = NetworkFencer(self.admin, self.world.hypervisor, addresses)
        self.world.add(self.fencer)
        self.provider = NetworkFence(ApiCluster(self.world.api, "vm-drift"))

    def all(self) -> list[Obj]:
        return list(self.admin.list("networkfences"))

    def blocked(self) -> list[str]:
        return [name for name, machine in self.world.hypervisor.machines.items() if not machine.storage]

    def fenced(self) -> None:
        self.provider.fence(TARGET)
        self.world.run_for(5)

    def more(
        self, *cidrs: str, of: str = CLASS, node: str = "node-a", driver: str = RBD, home: str = "rook-ceph"
    ) -> None:
        """One more CSIAddonsNode, whose driver says that a node has these addresses."""
        meta = {"name": f"more-{len(self.admin.list('csiaddonsnodes'))}", "namespace": home}
        of_node = {"name": driver, "nodeID": node, "endpoint": ""}
        self.admin.create("csiaddonsnodes", {"metadata": meta, "spec": {"driver": of_node}})
        told = {"networkFenceClassName": of, "ClientDetails": [{"id": "c", "cidrs": list(cidrs)}]}
        status = {"status": {"networkFenceClientStatus": [told]}}
        self.admin.patch("csiaddonsnodes", meta["name"], status, home, subresource="status")

    def cephfs(self) -> None:
        """Clients of another driver on node-a, on another storage cluster."""
        spec = {"provisioner": CEPHFS, "parameters": {"clusterID": "rook-edge"}}
        self.admin.create("networkfenceclasses", {"metadata": {"name": "cephfs"}, "spec": spec})
        self.more("10.9.0.9/32", of="cephfs", driver=CEPHFS)


def test_a_fence_is_made_for_the_clients_of_this_node_with_outage_and_boot_in_the_same_request() -> None:
    site = Site()
    site.provider.fence(TARGET)
    (made,) = site.all()
    assert made["metadata"]["name"] == _NAME
    assert made["spec"] == {"networkFenceClassName": CLASS, "fenceState": "Fenced", "cidrs": ["10.9.0.1/32"]}
    assert TARGET.marks.items() <= made["metadata"]["annotations"].items()


def test_it_is_a_proof_for_its_driver_once_the_status_says_so() -> None:
    site = Site()
    assert site.provider.status(TARGET).state is State.ABSENT
    site.provider.fence(TARGET)
    assert site.provider.status(TARGET).state is State.WORKING
    site.world.run_for(5)
    standing = site.provider.status(TARGET)
    assert (standing.state, standing.storage, standing.ours) == (State.FENCED, ((RBD, "rook-ceph"),), True)
    assert site.blocked() == ["node-a"]


def test_every_class_of_the_node_has_its_own_and_all_must_have_succeeded() -> None:
    site = Site()
    site.cephfs()
    site.fenced()
    assert {one["spec"]["networkFenceClassName"] for one in site.all()} == {CLASS, "cephfs"}
    assert site.provider.status(TARGET).storage == ((CEPHFS, "rook-edge"), (RBD, "rook-ceph"))
    site.admin.patch("networkfences", _NAME, {"status": {"result": "Failed", "message": "no"}}, subresource="status")
    assert site.provider.status(TARGET).state is State.FAILED


@pytest.mark.parametrize("cidrs", [("10.9.0.1/32", "10.9.0.77/32"), ("10.9.0.77/32",)])
def test_clients_that_no_fence_covers_take_the_proof_away(cidrs: tuple[str, ...]) -> None:
    site = Site()
    site.fenced()
    site.more(*cidrs)
    assert site.provider.status(TARGET).state is State.FAILED


def test_it_stands_though_the_list_of_clients_is_gone() -> None:
    site = Site()
    site.fenced()
    site.admin.delete("csiaddonsnodes", "csi-node-a", "rook-ceph")
    assert site.provider.status(TARGET).state is State.FENCED


def test_one_that_fails_says_why() -> None:
    site = Site()
    site.fencer.fails = "rados: connection timed out"
    site.fenced()
    standing = site.provider.status(TARGET)
    assert standing.state is State.FAILED
    assert "rados: connection timed out" in standing.sentence


@pytest.mark.parametrize("change", [{"spec": {"fenceState": "Unfenced"}}, None])
def test_what_somebody_lifts_or_deletes_is_no_proof_any_more(change: Any) -> None:
    site = Site()
    site.fenced()
    site.world.remove(site.fencer)
    if change:
        site.admin.patch("networkfences", _NAME, change)
    else:
        site.admin.delete("networkfences", _NAME)
    assert site.provider.status(TARGET).state is State.FAILED


@pytest.mark.parametrize(
    "target",
    [
        replace(TARGET, boot="boot-2"),
        replace(TARGET, outage=replace(TARGET.outage, node=NodeRef("node-a", "uid-b"))),
        replace(TARGET, outage=replace(TARGET.outage, node=NodeRef("node-b", "uid-a"))),
    ],
    ids=["another boot", "another incarnation", "another node"],
)
def test_the_fence_of_another_boot_or_node_proves_nothing_and_is_not_taken_back_for_it(target: Target) -> None:
    site = Site()
    site.fenced()
    assert site.provider.status(target).state is State.ABSENT
    assert site.provider.release(target).state is State.ABSENT
    assert site.blocked() == ["node-a"]


def test_one_of_the_same_name_that_is_not_for_this_boot_is_left_alone() -> None:
    site = Site()
    site.admin.create("networkfences", {"metadata": {"name": _NAME}, "spec": {"fenceState": "Unfenced", "cidrs": []}})
    before = site.all()
    with pytest.raises(FenceError, match="but not for this boot: it is not changed"):
        site.provider.fence(TARGET)
    site.provider.release(TARGET)
    assert site.all() == before


def test_asked_twice_nothing_changes() -> None:
    site = Site()
    site.fenced()
    before = site.all()
    site.provider.fence(TARGET)
    assert site.all() == before


def test_clients_are_let_in_before_it_is_deleted_because_deleting_it_does_not() -> None:
    site = Site()
    site.fenced()
    assert site.provider.release(TARGET).state is State.WORKING
    assert site.blocked() == ["node-a"]
    assert site.provider.release(TARGET).state is State.WORKING
    assert "deletionTimestamp" not in site.all()[0]["metadata"]
    site.world.run_for(5)
    assert site.blocked() == []
    site.provider.release(TARGET)
    site.world.run_for(5)
    assert site.provider.release(TARGET).state is State.ABSENT
    assert site.all() == []


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_call_that_fails_anywhere_is_made_good_by_the_next_try(*, late: bool) -> None:
    for at in range(12):
        site, calls = Site(), [at]
        site.cephfs()
        (site.world.api.late_faults if late else site.world.api.faults).append(_fault(calls))
        for step in (site.provider.fence, site.provider.release):
            for _ in range(6):
                _try(step)
                site.world.run_for(5)
            if step == site.provider.fence:
                assert site.provider.status(TARGET).state is State.FENCED, at
        assert site.all() == [], at
        assert site.blocked() == [], at


def _fault(calls: list[int]) -> Any:
    def strike(request: Request) -> ApiError | None:
        calls[0] -= request.user == "vm-drift"
        return ApiError(500, "Fault", "a fault") if request.user == "vm-drift" and calls[0] == -1 else None

    return strike


def _try(step: Any) -> None:
    try:
        step(TARGET)
    except ClusterUnreachable:
        return


def test_without_known_clients_it_is_said_what_is_lacking() -> None:
    with pytest.raises(FenceError, match="No CSIAddonsNode lists the storage clients of node node-a"):
        Site(clients=False).provider.fence(TARGET)


@pytest.mark.parametrize("cidr", ["10.9.0.0/24", "10.9.0.1/24", "0.0.0.0/0", "fd00::/64", "a network"])
def test_what_is_more_than_one_host_is_not_blocked(cidr: str) -> None:
    site = Site()
    site.more(cidr)
    with pytest.raises(FenceError, match="which is not one host"):
        site.provider.fence(TARGET)
    assert site.all() == []


@pytest.mark.parametrize("cidr", ["10.9.0.1/32", "10.9.0.1", "10.9.0.0/24"])
def test_an_address_that_another_node_has_too_is_not_blocked_and_proves_nothing_any_more(cidr: str) -> None:
    site = Site()
    site.fenced()
    site.more(cidr, node="node-b")
    with pytest.raises(FenceError, match="is listed for node node-b, too"):
        site.provider.status(TARGET)
    with pytest.raises(FenceError, match="nothing is blocked"):
        site.provider.fence(TARGET)


def test_all_that_the_drivers_of_the_node_list_is_blocked() -> None:
    site = Site()
    site.more("10.9.0.77/32", "fd00::1/128")
    site.provider.fence(TARGET)
    (made,) = site.all()
    assert made["spec"]["cidrs"] == ["10.9.0.1/32", "10.9.0.77/32", "fd00::1/128"]


@pytest.mark.parametrize(
    "told",
    [
        {"home": "tenant"},
        {"home": "tenant", "driver": "tenant.rbd.csi.ceph.com"},
        {"home": "tenant", "driver": "rbd.csi.ceph.com"},
        {"of": "no-class"},
    ],
    ids=["a tenant's", "of a driver of the tenant's own", "of a driver without a namespace", "of no class"],
)
@pytest.mark.parametrize("node", ["node-a", "node-b"])
def test_what_others_say_of_a_nodes_addresses_is_not_believed(told: Any, node: str) -> None:
    site = Site()
    site.more("10.9.0.1/32" if node == "node-b" else "198.51.100.7/32", node=node, **told)
    site.fenced()
    (made,) = site.all()
    assert made["spec"]["cidrs"] == ["10.9.0.1/32"]
    assert site.provider.status(TARGET).state is State.FENCED


def test_where_a_drivers_nodes_are_may_be_set() -> None:
    site = Site()
    provider = NetworkFence(ApiCluster(site.world.api, "vm-drift"), ((RBD, "elsewhere"),))
    site.more("10.9.0.5/32", home="elsewhere")
    provider.fence(TARGET)
    (made,) = site.all()
    assert made["spec"]["cidrs"] == ["10.9.0.5/32"]


def test_of_a_class_that_names_no_storage_cluster_it_is_not_known_what_is_blocked() -> None:
    site = Site()
    site.admin.patch("networkfenceclasses", CLASS, {"spec": {"parameters": None}})
    site.fenced()
    assert site.provider.status(TARGET).storage == ((RBD, ""),)

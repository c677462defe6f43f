"""How soon a VM runs again with proof, as `plan` and `audit` tell it."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from reactor.model.proven_time import ProvenTime, proven_times
from simulator.scene import Storage, Vm
from tests.unit.vmdrift.plans import LOST, change, planned, world_of
from vmdrift.plan.findings import NodeAudit

ALL = ("redfish", "fence-agent", "metal3", "remediation", "network-fence", "event")
NODE = NodeView(LOST, "uid", "True", 0.0)
RBD = frozenset({"rook-ceph.rbd.csi.ceph.com"})


def _by(
    name: str, policy: Policy | None = None, drivers: frozenset[str] = RBD, *, put_back: bool = False
) -> list[tuple[float, float | None]]:
    found = proven_times((name,), policy or Policy(), drivers, put_back=put_back)
    return [(time.least, time.most) for time in found]


def test_what_reads_power_is_the_soonest_and_slower_where_it_has_to_switch_off() -> None:
    assert _by("redfish") == _by("fence-agent") == [(5.0, 22.0), (90.0, 187.0)]
    assert _by("redfish", Policy(fence_at="suspicion")) == [(5.0, 22.0), (61.0, 79.0)]
    assert _by("redfish", Policy(suspect_after=30.0, fence_after=300.0)) == [(20.0, 37.0), (210.0, 307.0)]


def test_a_vm_that_the_scheduler_could_put_back_waits_for_kubernetes_own_notice() -> None:
    assert _by("redfish", put_back=True) == [(41.0, 59.0), (90.0, 187.0)]


def test_a_block_of_storage_concerns_only_vms_that_have_any() -> None:
    assert _by("network-fence") == [(90.0, 197.0)]
    assert _by("network-fence", drivers=frozenset()) == []


@pytest.mark.parametrize("name", ["remediation", "metal3", "event"])
def test_what_somebody_else_takes_is_not_known(name: str) -> None:
    assert [most for _, most in _by(name)] == [None]


def test_the_soonest_comes_first_and_says_what_has_to_be_so() -> None:
    found = proven_times(ALL, Policy(), RBD, put_back=False)
    assert [time.least for time in found] == sorted(time.least for time in found)
    assert found[0].text == "5-22 s by redfish, if it reads that the machine is off"
    assert (
        proven_times(("event",), Policy(), RBD, put_back=False)[0].text
        == "5 s or more by event, if somebody confirms that it is off"
    )


def test_each_vm_is_told_its_own() -> None:
    world = world_of(
        Vm("web", node=LOST), Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("licence", node=LOST, pinned=True)
    )
    found = {one.vm.name: one.proven for one in planned(world, policy=Policy(fencing=("network-fence", "redfish")))}
    assert [time.provider for time in found["web"]] == ["redfish", "redfish"]
    assert [time.provider for time in found["db"]] == ["redfish", "network-fence", "redfish"]
    assert found["licence"] == ()  # it stays, with proof or without


def test_a_node_that_names_fewer_providers_has_no_more() -> None:
    world = world_of(Vm("web", node=LOST))
    change(world, "nodes", LOST, {"metadata": {"annotations": {"vmdrift.io/fencing": "remediation"}}})
    (found,) = planned(world, policy=Policy(fencing=("redfish", "remediation")))
    assert [time.provider for time in found.proven] == ["remediation"]


def test_the_audit_tells_the_longest_of_a_node_by_silence_and_with_proof() -> None:
    world = world_of(Vm("web", node=LOST), Vm("db", Storage.RBD_BLOCK, node=LOST))
    fates = planned(world, policy=Policy(fencing=("redfish",)))
    audit = NodeAudit(NODE, fates)
    assert audit.slowest == ("665 s", "22 s (redfish)")
    by_person = [replace(one, proven=(ProvenTime("event", 5.0, None, "x"),)) for one in fates]
    assert NodeAudit(NODE, by_person).slowest[1] == "5 s or more (event)"
    assert NodeAudit(NODE, []).slowest == ("", "")

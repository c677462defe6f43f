"""The provider `metal3`: a host that read on is switched off by Metal3's operator, and reads off since."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reactor.model.errors import FenceError, SettingsError
from reactor.model.fencing import State, Target
from reactor.model.identity import NodeRef, Outage
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.metal3_operator import Metal3Operator
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.fencing import METAL3, add_hosts
from simulator.world import EPOCH, World
from tests.support.foreign import refusing
from workers.fencing.providers.metal3 import REBOOT, Metal3
from workers.fencing.providers.registry import provider

_HOSTS = "baremetalhosts"
_PAUSED, _DETACHED = "baremetalhost.metal3.io/paused", "baremetalhost.metal3.io/detached"


class Site:
    """Two nodes on hosts of Metal3's. `sound`: an API server that lets nobody write nonsense."""

    def __init__(self, *, sound: bool = True) -> None:
        self.world = World()
        if sound:
            refusing(self.world)
        self.admin = self.world.api.client("system:admin")
        for node in ("node-a", "node-b"):
            self.world.hypervisor.add_machine(node)
            self.admin.create("nodes", {"metadata": {"name": node}, "spec": {}})
        hosts = add_hosts(self.admin, ("node-a", "node-b"))
        self.operator = Metal3Operator(self.admin, self.world.hypervisor, hosts)
        self.world.add(self.operator)
        self.world.run_for(5)
        self.provider = Metal3(ApiCluster(self.world.api, "vm-drift"), METAL3)
        uid = self.admin.get("nodes", "node-a")["metadata"]["uid"]
        self.target = Target(Outage(NodeRef("node-a", uid), int(EPOCH)), "boot-1")

    def host(self, name: str = "host-node-a") -> Obj:
        return self.admin.get(_HOSTS, name, METAL3)

    def edit(self, patch: Any, name: str = "host-node-a", subresource: str = "") -> None:
        self.admin.patch(_HOSTS, name, patch, METAL3, subresource=subresource)

    def say(self, **status: Any) -> None:
        self.edit({"status": status}, subresource="status")

    def annotate(self, **annotations: Any) -> None:
        self.edit({"metadata": {"annotations": annotations}})

    def named(self, provider_id: str | None, node: str = "node-a") -> None:
        self.admin.patch("nodes", node, {"spec": {"providerID": provider_id}})

    def powered(self) -> list[str]:
        return [name for name, machine in self.world.hypervisor.machines.items() if machine.powered]

    def fenced(self) -> None:
        self.provider.fence(self.target)
        self.world.run_for(5)

    def said(self) -> State:
        return self.provider.status(self.target).state


def test_our_own_hard_power_off_is_asked_for_with_outage_and_boot_in_the_same_request() -> None:
    site = Site()
    site.provider.fence(site.target)
    annotations = site.host()["metadata"]["annotations"]
    assert annotations == {REBOOT: '{"mode":"hard"}', **site.target.marks}
    written = [e for e in site.world.api.audit if e.user == "vm-drift" and e.verb == "patch"]
    assert [(e.resource, e.name, e.code) for e in written] == [(_HOSTS, "host-node-a", 200)]


def test_on_proves_nothing_asked_is_waited_for_and_off_after_it_is_proof() -> None:
    site = Site()
    assert site.said() is State.ABSENT
    site.provider.fence(site.target)
    assert site.said() is State.WORKING
    site.world.run_for(5)
    status = site.provider.status(site.target)
    assert (status.state, status.by, status.ours) == (State.FENCED, "BareMetalHost metal3/host-node-a", True)
    assert status.storage == ()
    assert site.powered() == ["node-b"]


def test_a_host_that_reads_off_already_is_no_proof_and_is_not_kept_off() -> None:
    site = Site()
    site.world.remove(site.operator)
    site.say(poweredOn=False)
    status = site.provider.status(site.target)
    assert (status.state, status.ours) == (State.ABSENT, False)
    assert "reads off. That says not when, so it proves nothing" in status.sentence
    with pytest.raises(FenceError, match=r"reads off.*Nothing is asked of it"):
        site.provider.fence(site.target)
    assert not site.host()["metadata"].get("annotations")
    site.say(poweredOn=True)
    site.provider.fence(site.target)
    assert site.said() is State.WORKING


def test_one_that_lost_its_power_is_switched_on_by_its_operator_and_can_be_fenced_then() -> None:
    site = Site()
    site.world.hypervisor.power_cut("node-a")
    site.world.run_for(70)
    assert site.said() is State.ABSENT
    site.fenced()
    assert site.said() is State.FENCED


def test_it_was_on_in_the_very_version_that_was_annotated() -> None:
    site = Site()
    site.world.remove(site.operator)
    turns = iter([site.say])

    def off_meanwhile(request: Request) -> ApiError | None:
        if request.user == "vm-drift" and request.verb == "patch":
            for turn in turns:
                turn(poweredOn=False)
        return None

    site.world.api.faults.append(off_meanwhile)
    with pytest.raises(FenceError, match="reads off"):
        site.provider.fence(site.target)
    assert not site.host()["metadata"].get("annotations")


def test_what_its_operator_writes_at_the_same_time_is_no_failure_but_not_for_ever() -> None:
    site, times = Site(), [2]

    def busy(request: Request) -> ApiError | None:
        if request.user == "vm-drift" and request.verb == "patch" and times[0]:
            times[0] -= 1
            site.say(errorCount=times[0])
        return None

    site.world.api.faults.append(busy)
    site.fenced()
    assert site.said() is State.FENCED
    site.provider.release(site.target)
    site.world.run_for(5)
    times[0] = 99
    with pytest.raises(FenceError, match="was changed by somebody else each time"):
        site.provider.fence(site.target)


_TROUBLES: dict[str, tuple[Callable[[Site], None], str]] = {
    "paused": (lambda site: site.annotate(**{_PAUSED: ""}), "is paused"),
    "detached": (lambda site: site.annotate(**{_DETACHED: ""}), "is detached"),
    "marked as detached": (lambda site: site.say(operationalStatus="detached"), "is detached by status"),
    "never switched off": (lambda site: site.edit({"spec": {"disablePowerOff": True}}), "is never switched off"),
    "in error": (
        lambda site: site.say(operationalStatus="error", errorType="registration error", errorMessage="no BMC"),
        r"is in error \(registration error no BMC\)",
    ),
    "in an error of the past": (lambda site: site.say(errorType="power management error"), "is in error"),
    "servicing": (lambda site: site.say(operationalStatus="servicing"), "is servicing by"),
    "of no status": (lambda site: site.say(operationalStatus=""), "and not OK"),
    "deprovisioning": (
        lambda site: site.say(provisioning={"state": "deprovisioning"}),
        "is deprovisioning, and neither",
    ),
    "of no state": (lambda site: site.say(provisioning={"state": ""}), "and neither provisioned nor"),
    "being deleted": (lambda site: site.admin.delete(_HOSTS, "host-node-a", METAL3), "is being deleted"),
}


@pytest.mark.parametrize("trouble", _TROUBLES)
def test_what_its_operator_does_not_manage_is_neither_asked_nor_believed(trouble: str) -> None:
    happen, sentence = _TROUBLES[trouble]
    before, after = Site(), Site()
    for site in (before, after):
        if site is after:
            site.fenced()
        site.world.remove(site.operator)
        happen(site)
    with pytest.raises(FenceError, match=sentence):
        before.provider.fence(before.target)
    assert before.said() is State.ABSENT
    assert REBOOT not in (before.host()["metadata"].get("annotations") or {})
    assert after.said() is State.FAILED
    assert after.provider.status(after.target).ours


def test_externally_provisioned_hosts_count_too() -> None:
    site = Site()
    site.say(provisioning={"state": "externally provisioned"})
    site.fenced()
    assert site.said() is State.FENCED


@pytest.mark.parametrize("powered", [None, "false", 0, ""])
def test_only_false_is_off_and_only_true_is_on(powered: Any) -> None:
    site = Site(sound=False)
    site.world.remove(site.operator)
    site.provider.fence(site.target)
    site.say(poweredOn=powered)
    assert site.said() is State.WORKING
    other = Site(sound=False)
    other.world.remove(other.operator)
    other.say(poweredOn=powered or None)
    with pytest.raises(FenceError, match="reads nothing"):
        other.provider.fence(other.target)


def test_one_whose_power_cannot_be_changed_says_why() -> None:
    site = Site()
    site.operator.fails = "BMC: 401 Unauthorized"
    site.fenced()
    status = site.provider.status(site.target)
    assert status.state is State.FAILED
    assert "power management error BMC: 401 Unauthorized" in status.sentence


@pytest.mark.parametrize("value", [None, '{"mode":"soft"}', ""])
def test_an_annotation_that_somebody_took_away_or_changed_is_no_proof_any_more(value: str | None) -> None:
    site = Site()
    site.fenced()
    site.annotate(**{REBOOT: value})
    status = site.provider.status(site.target)
    assert (status.state, status.ours) == (State.FAILED, True)


def test_an_annotation_of_that_name_that_is_not_ours_is_left_alone() -> None:
    site = Site()
    site.world.remove(site.operator)
    site.annotate(**{REBOOT: ""})
    before = site.host()
    with pytest.raises(FenceError, match="and not by us: it is not changed"):
        site.provider.fence(site.target)
    site.provider.release(site.target)
    assert site.host() == before
    assert site.said() is State.ABSENT


def test_what_others_keep_it_off_with_stays() -> None:
    site = Site()
    site.annotate(**{"reboot.metal3.io/theirs": ""})
    site.fenced()
    site.provider.release(site.target)
    assert site.host()["metadata"]["annotations"] == {"reboot.metal3.io/theirs": ""}
    site.world.run_for(200)
    assert site.powered() == ["node-b"]


def test_asked_twice_nothing_changes() -> None:
    site = Site()
    site.fenced()
    before = site.host()
    site.provider.fence(site.target)
    assert site.host() == before


@pytest.mark.parametrize("change", [{"boot": "boot-2"}, {"outage": Outage(NodeRef("node-b", "uid-b"), 7)}])
def test_what_was_done_to_another_boot_or_node_proves_nothing_and_is_not_taken_back_for_it(change: Any) -> None:
    site = Site()
    site.fenced()
    other = replace(site.target, **change)
    assert site.provider.status(other).state is State.ABSENT
    assert site.provider.release(other).state is State.ABSENT
    assert site.said() is State.FENCED


def test_what_is_left_of_a_boot_before_makes_way_if_the_host_was_on_since() -> None:
    site = Site()
    site.fenced()
    later = replace(site.target, boot="boot-2")
    with pytest.raises(FenceError, match="reads off"):
        site.provider.fence(later)
    site.world.hypervisor.power_on("node-a")  # by hand
    site.world.remove(site.operator)
    site.say(poweredOn=True)
    site.provider.fence(later)
    assert site.provider.status(later).state is State.WORKING
    assert site.said() is State.ABSENT


def test_taken_back_its_operator_switches_it_on_again() -> None:
    site = Site()
    site.fenced()
    site.world.run_for(500)
    assert site.powered() == ["node-b"]
    assert site.provider.release(site.target).state is State.ABSENT
    assert site.host()["metadata"]["annotations"] == {}
    site.world.run_for(10)
    assert site.powered() == ["node-a", "node-b"]
    assert site.said() is State.ABSENT


def test_of_a_node_that_was_deleted_the_proof_stands_and_can_be_taken_back() -> None:
    site = Site()
    site.fenced()
    site.admin.delete("nodes", "node-a")
    assert site.said() is State.FENCED
    site.provider.release(site.target)
    assert site.provider.status(site.target).state is State.ABSENT
    with pytest.raises(FenceError, match="Node node-a is gone"):
        site.provider.fence(site.target)


def test_the_same_reading_is_the_same_evidence_in_any_outage_and_another_order_is_other_evidence() -> None:
    site = Site()
    site.fenced()
    first = site.provider.status(site.target).evidence
    later = replace(site.target, outage=replace(site.target.outage, since=int(EPOCH) + 900))
    assert first == site.provider.status(later).evidence != ""
    site.provider.release(site.target)
    site.world.run_for(10)
    site.provider.fence(later)
    site.world.run_for(10)
    assert site.provider.status(later).evidence not in {"", first}


@pytest.mark.parametrize("said", ["metal3://{uid}", "baremetalhost:///metal3/host-node-a/{uid}"])
def test_a_host_is_found_by_its_uid_too(said: str) -> None:
    site = Site()
    site.named(said.format(uid=site.host()["metadata"]["uid"]))
    site.fenced()
    assert site.said() is State.FENCED


@pytest.mark.parametrize(
    ("provider_id", "sentence"),
    [
        (None, "names no BareMetalHost: its providerID is ''"),
        ("aws:///eu-1/i-0", "names no BareMetalHost"),
        ("metal3://metal3/host-node-a", "names no BareMetalHost"),
        ("metal3://metal3/../host-node-a/machine-node-a", "names no BareMetalHost"),
        ("metal3:///host-node-a/machine-node-a", "names no BareMetalHost"),
        ("baremetalhost:///host-node-a", "names no BareMetalHost"),
        ("metal3://tenant/host-node-a/machine-node-a", "in namespace tenant, and only metal3 is trusted"),
        ("metal3://metal3/host-x/machine-node-a", "there is no BareMetalHost host-x"),
        ("metal3://0f0e-1", "there is no BareMetalHost 0f0e-1"),
        ("baremetalhost:///metal3/host-node-a/0f0e-1", "there is no BareMetalHost host-node-a"),
        ("metal3://metal3/host-node-b/machine-node-a", "is used by machine-node-b, and node node-a says"),
        ("metal3://metal3/host-node-b/machine-node-b", "is also named by node-b"),
    ],
)
def test_a_node_that_names_no_host_of_its_own_is_refused_and_nothing_is_asked(
    provider_id: str | None, sentence: str
) -> None:
    site = Site()
    site.named(provider_id)
    with pytest.raises(FenceError, match=sentence):
        site.provider.fence(site.target)
    site.world.run_for(200)
    assert site.powered() == ["node-a", "node-b"]


def test_two_nodes_that_name_one_host_in_different_ways_are_both_refused() -> None:
    site = Site()
    site.named(f"metal3://{site.host()['metadata']['uid']}", "node-b")
    with pytest.raises(FenceError, match="of node node-a is also named by node-b"):
        site.provider.fence(site.target)


@pytest.mark.parametrize("consumer", [None, {"kind": "Metal3Machine", "name": "another"}])
def test_a_host_that_its_machine_gave_back_is_neither_asked_nor_believed(consumer: Any) -> None:
    site = Site()
    site.fenced()
    site.edit({"spec": {"consumerRef": consumer}})
    with pytest.raises(FenceError, match=r"is used by (nobody|another), and node node-a says"):
        site.provider.status(site.target)
    assert site.provider.release(site.target).state is State.ABSENT


def test_a_tenants_host_with_our_marks_is_neither_believed_nor_touched() -> None:
    site = Site()
    status = {"status": {**site.host()["status"], "poweredOn": False}}
    theirs = {"name": "host-node-a", "namespace": "tenant", "annotations": {REBOOT: "", **site.target.marks}}
    site.admin.create(_HOSTS, {"metadata": theirs, "spec": {"online": True}})
    site.admin.patch(_HOSTS, "host-node-a", status, "tenant", subresource="status")
    assert site.said() is State.ABSENT
    site.provider.release(site.target)
    assert REBOOT in site.admin.get(_HOSTS, "host-node-a", "tenant")["metadata"]["annotations"]


def test_of_a_node_of_the_same_name_nothing_is_known_about_the_host_of_the_one_before() -> None:
    site = Site()
    site.admin.delete("nodes", "node-a")
    site.admin.create("nodes", {"metadata": {"name": "node-a"}, "spec": {}})
    site.named("metal3://metal3/host-node-a/machine-node-a")
    with pytest.raises(FenceError, match="Node node-a is gone"):
        site.provider.fence(site.target)


def test_without_metal3_it_is_said_what_is_lacking() -> None:
    site = Site()

    def unknown(request: Request) -> ApiError | None:
        return ApiError(404, "NotFound", "no such kind") if request.resource == _HOSTS else None

    site.world.api.faults.append(unknown)
    with pytest.raises(FenceError, match="metal3 needs BareMetalHosts in this cluster"):
        site.provider.status(site.target)


def test_without_a_namespace_that_is_trusted_it_is_not_used() -> None:
    cluster = ApiCluster(World().api, "vm-drift")
    with pytest.raises(SettingsError, match="VMDRIFT_METAL3_NAMESPACE: not set"):
        provider("metal3", cluster, Settings())
    assert provider("metal3", cluster, Settings(metal3_namespace="a")).name == "metal3"

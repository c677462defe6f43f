"""The provider `remediation`: one is made from the template for this boot; what others made is evidence, left alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reactor.model.errors import FenceError
from reactor.model.fencing import BOOT_ANNOTATION, State, Target
from reactor.model.identity import NodeRef, Outage
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.remediator import Remediator
from simulator.client import Obj
from simulator.fencing import TEMPLATE, add_template, succeeded
from simulator.world import EPOCH, World
from tests.support.foreign import refusing
from workers.fencing.providers.remediation import NODE_NAME, Remediation

NHC = {"apiVersion": "remediation.medik8s.io/v1alpha1", "kind": "NodeHealthCheck", "name": "workers", "uid": "n-1"}
MHC = {"apiVersion": "machine.openshift.io/v1beta1", "kind": "MachineHealthCheck", "name": "workers", "uid": "m-1"}
_KIND = "fenceagentsremediations"
TARGET = Target(Outage(NodeRef("node-a", "uid-a"), int(EPOCH)), "boot-1")


class Site:
    """A cluster with a template, and an operator who is to be added."""

    def __init__(self, *, template: bool = True) -> None:
        self.world = World()
        refusing(self.world)
        self.admin = self.world.api.client("system:admin")
        self.world.hypervisor.add_machine("node-a")
        self.operator = Remediator(self.admin, self.world.hypervisor)
        self.cluster = ApiCluster(self.world.api, "vm-drift")
        self.provider = Remediation(self.cluster, TEMPLATE)
        if template:
            add_template(self.admin)

    def all(self) -> list[Obj]:
        return list(self.admin.list(_KIND))

    def works(self) -> None:
        self.world.add(self.operator)
        self.world.run_for(10)

    def make(
        self, name: str = "node-a", namespace: str = "fencing", owner: Obj | None = None, **annotations: str
    ) -> Obj:
        """Somebody else's."""
        meta: Obj = {"name": name, "namespace": namespace, "annotations": annotations}
        meta |= {"ownerReferences": [owner]} if owner else {}
        return self.admin.create(
            _KIND, {"kind": "FenceAgentsRemediation", "metadata": meta, "spec": {"agent": "fence_ipmilan"}}
        )

    def condition(self, name: str, status: str, at: float, namespace: str = "fencing") -> None:
        told = {**succeeded(at), "status": status, "message": "Fence agent: no."}
        self.admin.patch(_KIND, name, {"status": {"conditions": [told]}}, namespace, subresource="status")


def test_it_is_made_from_the_template_with_outage_and_boot_in_the_same_request() -> None:
    site = Site()
    site.provider.fence(TARGET)
    (made,) = site.all()
    assert (made["kind"], made["metadata"]["name"], made["metadata"]["namespace"]) == (
        "FenceAgentsRemediation",
        "node-a",
        "fencing",
    )
    assert made["metadata"]["annotations"] == {**TARGET.marks, NODE_NAME: "node-a"}
    assert made["spec"]["agent"] == "fence_ipmilan"
    assert [(e.verb, e.resource) for e in site.world.api.audit if e.user == "vm-drift" and e.verb != "list"] == [
        ("get", "fenceagentsremediationtemplates"),
        ("create", _KIND),
    ]


def test_asked_twice_there_is_one() -> None:
    site = Site()
    site.provider.fence(TARGET)
    site.provider.fence(replace(TARGET, outage=replace(TARGET.outage, since=int(EPOCH) + 5)))
    assert len(site.all()) == 1


def test_it_is_a_proof_when_it_has_succeeded_and_until_then_it_is_waited_for() -> None:
    site = Site()
    assert site.provider.status(TARGET).state is State.ABSENT
    site.provider.fence(TARGET)
    assert site.provider.status(TARGET).state is State.WORKING
    site.works()
    standing = site.provider.status(TARGET)
    assert (standing.state, standing.by, standing.ours) == (State.FENCED, "FenceAgentsRemediation fencing/node-a", True)
    assert not site.world.hypervisor.machines["node-a"].powered


def test_one_that_fails_says_why() -> None:
    site = Site()
    site.operator.fails = "fence_ipmilan: timed out"
    site.provider.fence(TARGET)
    site.works()
    standing = site.provider.status(TARGET)
    assert standing.state is State.FAILED
    assert "fence_ipmilan: timed out" in standing.sentence


@pytest.mark.parametrize(
    "target",
    [
        replace(TARGET, boot="boot-2"),
        replace(TARGET, outage=replace(TARGET.outage, node=NodeRef("node-a", "uid-b"))),
        replace(TARGET, outage=replace(TARGET.outage, node=NodeRef("node-b", "uid-a"))),
    ],
    ids=["another boot", "another incarnation", "another node"],
)
def test_ours_of_another_boot_or_node_proves_nothing(target: Target) -> None:
    site = Site()
    site.provider.fence(TARGET)
    site.works()
    assert site.provider.status(target).state is State.ABSENT


def test_ours_of_a_former_boot_makes_way_for_the_new_one() -> None:
    site = Site()
    site.provider.fence(TARGET)
    site.provider.fence(replace(TARGET, boot="boot-2"))
    (made,) = site.all()
    assert made["metadata"]["annotations"]["vmdrift.io/boot-id"] == "boot-2"


def test_while_that_one_is_kept_by_its_finalizer_it_is_said_so() -> None:
    site = Site()
    site.provider.fence(TARGET)
    site.works()
    site.world.remove(site.operator)
    with pytest.raises(FenceError, match="is still being deleted"):
        site.provider.fence(replace(TARGET, boot="boot-2"))


@pytest.mark.parametrize("owner", [NHC, MHC], ids=["NodeHealthCheck", "MachineHealthCheck"])
@pytest.mark.parametrize(("name", "annotations"), [("node-a", {}), ("x-1", {NODE_NAME: "node-a"})])
def test_a_health_checks_is_found_by_its_name_or_its_annotation_and_is_neither_touched_nor_doubled(
    name: str, annotations: dict[str, str], owner: Obj
) -> None:
    site = Site()
    before = site.make(name, owner=owner, **annotations)
    site.condition(name, "Unknown", EPOCH)
    version = site.all()[0]["metadata"]["resourceVersion"]
    assert site.provider.status(TARGET).state is State.WORKING
    with pytest.raises(FenceError, match="is a health check's"):
        site.provider.fence(TARGET)
    site.provider.release(TARGET)
    (after,) = site.all()
    assert (after["metadata"]["uid"], after["metadata"]["resourceVersion"]) == (before["metadata"]["uid"], version)
    site.condition(name, "True", EPOCH + 5)
    standing = site.provider.status(TARGET)
    assert (standing.state, standing.ours) == (State.FENCED, False)


@pytest.mark.parametrize(
    ("namespace", "owner", "annotations"),
    [
        ("tenant", NHC, {}),
        ("tenant", None, {BOOT_ANNOTATION: "boot-0"}),
        ("tenant", None, TARGET.marks),
        ("fencing", None, {}),
        ("fencing", {**NHC, "apiVersion": "example.com/v1"}, {}),
    ],
    ids=["elsewhere", "elsewhere, as ours of a boot before", "elsewhere, as ours", "of nobody", "of another kind"],
)
def test_what_anybody_else_made_is_neither_believed_nor_obeyed_nor_deleted(
    namespace: str, owner: Obj | None, annotations: dict[str, str]
) -> None:
    site = Site()
    site.make("x-1", namespace, owner=owner, **{NODE_NAME: "node-a", **annotations})
    site.condition("x-1", "True", EPOCH + 5, namespace)
    assert site.provider.status(TARGET).state is State.ABSENT
    site.provider.fence(TARGET)
    assert sorted(one["metadata"]["name"] for one in site.all()) == ["node-a", "x-1"]
    assert site.provider.release(TARGET).state is State.ABSENT
    assert [one["metadata"]["name"] for one in site.all()] == ["x-1"]


@pytest.mark.parametrize(("since", "succeeded"), [(EPOCH + 50, EPOCH + 60), (EPOCH, EPOCH - 5)])
def test_what_a_health_check_made_or_ended_before_the_outage_proves_nothing(since: float, succeeded: float) -> None:
    site = Site()
    site.make(owner=NHC)
    site.condition("node-a", "True", succeeded)
    standing = site.provider.status(replace(TARGET, outage=replace(TARGET.outage, since=int(since))))
    assert standing.state is State.ABSENT
    assert "says nothing of this boot" in standing.sentence


def test_one_that_is_being_deleted_proves_nothing() -> None:
    site = Site()
    site.provider.fence(TARGET)
    site.works()
    site.world.remove(site.operator)
    site.admin.delete(_KIND, "node-a", "fencing")
    standing = site.provider.status(TARGET)
    assert (standing.state, standing.ours) == (State.ABSENT, True)


def test_ours_is_deleted_and_gone_when_its_operator_lets_it_go() -> None:
    site = Site()
    site.provider.fence(TARGET)
    site.works()
    assert site.provider.release(TARGET).state is State.WORKING
    site.world.run_for(5)
    assert site.provider.release(TARGET).state is State.ABSENT
    assert site.all() == []
    assert site.provider.release(TARGET).state is State.ABSENT


@pytest.mark.parametrize(
    ("ask", "part"),
    [
        (lambda site: site.provider.fence(TARGET), "there is no fence-agents-remediation"),
        (lambda site: Remediation(site.cluster, "a.b/v1/cs/d/e").status(TARGET), "is not installed"),
    ],
)
def test_without_template_or_operator_the_setting_is_named(ask: Callable[[Site], Any], part: str) -> None:
    with pytest.raises(FenceError, match=part) as caught:
        ask(Site(template=False))
    assert str(caught.value).startswith("VMDRIFT_REMEDIATION_TEMPLATE: ")

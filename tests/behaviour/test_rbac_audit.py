"""The component's manifest allows exactly what the audit lists: nothing missing, nothing left over."""

from collections.abc import Callable
from typing import Any

import pytest

from reactor.model.audit import OWN_NODE, Audit
from reactor.model.drift import Policy
from rehearsal.twins.cluster import ApiCluster
from simulator.api.rbac import Rule, allows, authorizer, rules_of
from simulator.scene import Kind, Scene, Storage, Vm, staged
from simulator.world import World
from tests.support.places import K8S
from vmdrift.audit_role import AuditRole

pytestmark = pytest.mark.xdist_group("rbac of audit")  # one scene for all

MANIFEST = (K8S / "components" / "audit" / "rbac.yaml").read_text()
USER = "system:serviceaccount:vm-drift:audit"
RULES = sorted(rules_of(MANIFEST)[USER])
NODES = ("node-a", "node-b", "node-c")
# Without the one a VM whose type was edited "moves, if"; the other counts where an instance of a set is gone already.
SPARE = {"controllerrevisions", "virtualmachineinstancereplicasets"}
TYPE: dict[str, Any] = {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}}
SCENE = Scene(
    NODES,
    (
        Vm("plain", node="node-a"),
        Vm("disk", Storage.RBD_BLOCK, node="node-a"),
        Vm("mirrored", Storage.HWAMEISTOR_HA, node="node-a"),
        Vm("unreplicated", Storage.HWAMEISTOR_ONE, node="node-b"),
        Vm("set", node="node-b", kind=Kind.REPLICA_SET),
        Vm("typed", node="node-c", instancetype=TYPE),
    ),
)


class Written:
    """In place of the key in Redis."""

    def __init__(self) -> None:
        self.audits: list[Audit] = []

    def write(self, audit: Audit) -> None:
        self.audits.append(audit)

    def last(self) -> Audit | None:
        return self.audits[-1] if self.audits else None


@pytest.fixture(scope="module")
def world() -> World:
    world = staged(SCENE)
    admin = world.api.client("system:admin")
    # How many replicas its volume has is then only the StorageClass' word.
    admin.patch("persistentvolumes", "default-unreplicated-disk", {"spec": {"csi": {"volumeAttributes": None}}})
    admin.delete("localvolumes", "default-unreplicated-disk")
    # What its instance type asks for is then only to be found in the revision that it names.
    admin.patch(
        "virtualmachines", "typed", {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 31}}}}, "default"
    )
    return world


def audited(world: World, authorize: Callable[..., bool]) -> Audit | None:
    """None where nothing comes of it."""
    written: Any = Written()
    world.api.authorize = authorize
    AuditRole(ApiCluster(world.api, USER), written, Policy(), 3600.0, lambda: world.now).turn()
    last: Audit | None = written.last()
    return last


def ends_well(audit: Audit | None) -> bool:
    """Every VM but one would survive, and nothing was lacking to say so."""
    if audit is None or audit.absent:
        return False
    (own,) = [loss for loss in audit.losses if loss.lost == OWN_NODE]
    return (audit.nodes, audit.vms, own.unknown, own.down) == (3, 6, 0, 1)


def test_it_lists_all_that_it_may_and_nothing_else(world: World) -> None:
    allowed, before = authorizer(MANIFEST, "vm-drift"), len(world.api.audit)
    assert ends_well(audited(world, allowed)), audited(world, allowed)
    asked = {(e.resource, e.verb, e.namespace) for e in list(world.api.audit)[before:] if e.user == USER}
    assert {rule for rule in RULES if any(allows(rule, *one) for one in asked)} == set(RULES)
    assert {verb for _, verb, _ in asked} == {"list"}
    assert [e for e in list(world.api.audit)[before:] if e.code == 403] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[1])
def test_without_any_one_of_its_verbs_it_does_not_end_well(world: World, rule: Rule) -> None:
    whole = authorizer(MANIFEST, "vm-drift")

    def but(user: str, verb: str, resource: str, namespace: str) -> bool:
        return whole(user, verb, resource, namespace) and not allows(rule, resource, verb, namespace)

    assert ends_well(audited(world, but)) is (rule[1] in SPARE)


def test_what_it_may_not_do_without_is_a_failure_and_not_a_figure(world: World) -> None:
    assert audited(world, lambda *_: False) is None

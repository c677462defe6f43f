"""The component's manifest allows exactly what fencing calls, by provider: nothing missing, nothing left over."""

from collections.abc import Iterable, Mapping

import pytest

from reactor.adapters.kubernetes.cluster import STREAMED, uid
from reactor.model.drift import Policy
from reactor.model.intervention import CONFIG_MAP, UNFENCE
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.metal3_operator import Metal3Operator
from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.api.rbac import Rule, allows, authorizer, rules_of
from simulator.client import Client
from simulator.fencing import METAL3, add_hosts, add_storage_clients, add_template
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import FENCING, INTAKE, WORKERS
from tests.support.places import K8S
from tests.support.refusals import Refusals, whole
from tests.support.virtual import Play
from workers.fencing.providers.metal3 import REBOOT
from workers.rq.main import FENCE, check

pytestmark = pytest.mark.xdist_group("rbac of fencing")  # the same stories for all

BASE = (K8S / "base" / "rbac.yaml").read_text()
COMPONENT = (K8S / "components" / "fencing" / "rbac.yaml").read_text()
BOTH = f"{BASE}\n---\n{COMPONENT}"
LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
DISK = Vm("disk", Storage.RBD_BLOCK, node=LOST)
# What a remediation would release is judged with every kind of disk that VMs may have.
ALL = (DISK, Vm("plug", Storage.RBD_HOTPLUGGED, node=LOST), Vm("state", Storage.PERSISTENT_STATE, node=LOST))
TYPED = Vm("typed", node=LOST, instancetype={"nodeSelector": {"kubernetes.io/hostname": LOST}})
VMS = {"remediation": (*ALL, TYPED, Vm("mirrored", Storage.HWAMEISTOR_HA, node=LOST))}
# One is asked only when the VM was released already, and its volume is still held.
LATER = {"network-fence": 400.0}
PROVIDERS = ("event", "remediation", "network-fence", "metal3")
# What the component adds, by user; of the base's only what is for proof.
ADDED = {user: rules - rules_of(BASE).get(user, frozenset()) for user, rules in rules_of(BOTH).items()}


def played(provider: str, refusals: Refusals) -> Play:
    """A node is lost, fenced by this provider, and back after a power cycle."""
    policy = Policy(fencing=(provider,), fence_after=LATER.get(provider, 180.0))
    play = Play.of(Scene(NODES, VMS.get(provider, (DISK,))), policy)
    admin, world = play.world.api.client("system:admin"), play.world
    for name in (CONFIG_MAP, "vm-drift-claims", "vm-drift-fencing"):
        admin.create("configmaps", {"metadata": {"name": name, "namespace": "vm-drift"}})
    add_template(admin)
    addresses = add_storage_clients(admin, NODES)
    hosts = add_hosts(admin, NODES)
    world.add(
        Remediator(admin, world.hypervisor),
        NetworkFencer(admin, world.hypervisor, addresses),
        Metal3Operator(admin, world.hypervisor, hosts),
    )
    if provider == "remediation":
        edit(admin, TYPED.name)
    refusals.hold(world)
    fencing = ApiCluster(world.api, FENCING)
    uid(fencing)
    check(fencing, FENCE)
    list(fencing.pages("nodes", limit=STREAMED))  # as where they are more than a page
    world.hypervisor.cut_network(LOST)
    world.run_for(60)
    if provider == "event":
        world.hypervisor.power_cut(LOST)
        play.confirm(LOST)
    play.until_ended(600)
    world.hypervisor.power_cut(LOST)
    world.hypervisor.restore_network(LOST)
    if provider == "metal3":
        play.ask(UNFENCE, LOST)
    else:
        world.hypervisor.power_on(LOST)
    world.run_for(200)
    return play


def edit(admin: Client, vm: str) -> None:
    """What its instance type asks for then only KubeVirt can tell."""
    admin.patch(
        "virtualmachines", vm, {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 31}}}}, "default"
    )


def well(play: Play) -> None:
    """It ended as it should, with the proof, nobody was refused anything, and nothing of the fence is left."""
    assert [e for e in play.world.api.audit if e.code == 403 and e.user in {FENCING, WORKERS, INTAKE}] == []
    record = play.record("disk")
    assert (record.phase.value, record.proof.value) == ("completed", "fenced")
    store = play.world.store
    left = store.get("configmaps", "vm-drift-fencing", "vm-drift").get("data") or {}
    assert [key for key in left if not key.startswith("fenced_")] == []  # those count for an hour
    assert not store.get("configmaps", "vm-drift-claims", "vm-drift").get("data")
    taints = store.get("nodes", LOST)["spec"].get("taints") or ()
    assert "node.kubernetes.io/out-of-service" not in [taint["key"] for taint in taints]
    assert REBOOT not in (store.get("baremetalhosts", f"host-{LOST}", METAL3)["metadata"].get("annotations") or {})
    for kind in ("networkfences", "fenceagentsremediations"):
        assert list(play.world.api.client("system:admin").list(kind)) == []


@pytest.fixture(scope="module")
def refusals() -> Refusals:
    spare = {(FENCING, ("", "nodes", "watch", ""))}  # without it they come in pages
    return Refusals(ADDED, authorizer(BOTH, "vm-drift"), spare)


@pytest.fixture(scope="module")
def plays(refusals: Refusals) -> Mapping[str, Play]:
    """One by each provider, with the manifest's rules enforced; in copies, without one of those that are added."""
    plays = dict[str, Play]()
    for provider in PROVIDERS:
        with refusals:
            plays[provider] = played(provider, refusals)
            well(plays[provider])
    return plays


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_story_ends_well_under_the_manifests_rules(plays: Mapping[str, Play], provider: str) -> None:
    well(plays[provider])


@pytest.mark.parametrize("user", [FENCING, WORKERS])
def test_a_role_may_do_exactly_what_it_does(plays: Mapping[str, Play], user: str) -> None:
    asked = {(whole(e), e.verb, e.namespace) for play in plays.values() for e in play.world.api.audit if e.user == user}
    assert _used(ADDED[user], asked) == ADDED[user]


def test_intake_writes_down_what_is_said(plays: Mapping[str, Play]) -> None:
    asked = {(e.resource, e.verb, e.namespace) for e in plays["event"].world.api.audit if e.user == INTAKE}
    assert ("configmaps", "patch", "vm-drift") in asked


def _used(rules: Iterable[Rule], asked: Iterable[tuple[str, str, str]]) -> set[Rule]:
    return {rule for rule in rules if any(allows(rule, *one) for one in asked)}


@pytest.mark.usefixtures("plays")
def test_without_any_one_of_its_verbs_some_story_does_not_end_well(refusals: Refusals) -> None:
    assert refusals.asked == ADDED
    assert refusals.failed == {}

"""The manifest allows exactly what is called: with its rules enforced the story ends well, and no rule is left over."""

from collections.abc import Iterator
from itertools import islice

import pytest

from reactor.adapters.kubernetes.cluster import STREAMED, Scope, uid
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.model.drift import Policy
from reactor.model.event import DRIFT_REQUESTED, NODE_FENCED, NODE_UNREACHABLE, Event
from reactor.model.intervention import CONFIG_MAP, HOLD, Intervention
from reactor.model.lease import NODE_LEASES, renewal
from reactor.model.node import node_view
from reactor.watch.list_watch import follow
from rehearsal.processes import Waking
from rehearsal.twins.cluster import ApiCluster
from simulator.api.rbac import allows, authorizer, rules_of
from simulator.scene import Kind, Scene, Storage, Vm
from tests.support.auditor import INTAKE, WORKERS
from tests.support.places import K8S
from tests.support.refusals import Refusals, whole
from tests.support.virtual import WATCHERS, Play
from workers.delivery.kubernetes_events import of_vm
from workers.rq.main import DRIFT as DRIFT_READS
from workers.rq.main import INTAKE as INTAKE_READS
from workers.rq.main import check

pytestmark = pytest.mark.xdist_group("rbac")  # one story for all

MANIFEST = K8S / "base" / "rbac.yaml"
LOST = "node-a"
RECEIVER = "system:serviceaccount:vm-drift:receiver"
SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("plain", node=LOST),
        Vm("waits", Storage.RBD_BLOCK, node=LOST),
        Vm("deletes", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
        Vm("state", Storage.PERSISTENT_STATE, node=LOST),
        Vm("mirrored", Storage.HWAMEISTOR_HA, node=LOST),
        Vm("set", node=LOST, kind=Kind.REPLICA_SET),
        Vm("unknown", Storage.HWAMEISTOR_ONE, node=LOST),
        Vm("typed", node=LOST, instancetype={"nodeSelector": {"kubernetes.io/hostname": LOST}}),
    ),
)

ALLOWED = rules_of(MANIFEST.read_text())
# Without one of these nothing wakes a drift, and each is looked at in its intervals.
SPARE = {(WATCHERS, rule) for rule in ALLOWED[WATCHERS] if rule[1] in {*Waking.kinds} and rule[2] != "get"}
SPARE.add((WATCHERS, ("", "configmaps", "get", "vm-drift")))
SPARE.add((WORKERS, ("", "nodes", "watch", "")))  # without it they come in pages
SPARE.add((WATCHERS, ("coordination.k8s.io", "leases", "get", "")))  # without it nobody is suspected


@pytest.fixture(scope="module")
def refusals() -> Refusals:
    return Refusals(ALLOWED, authorizer(MANIFEST.read_text(), "vm-drift"), SPARE)


@pytest.fixture(scope="module")
def play(refusals: Refusals) -> Play:
    """Everything that any role ever asks, with the manifest's rules enforced; in copies, without one of them."""
    with refusals:
        play = played(refusals)
        ends_well(play)
    return play


def played(refusals: Refusals) -> Play:
    play = Play.of(SCENE, Policy(fencing=("event",), tenants_may=("detach",)), waker=True, suspects=True)
    refusals.hold(play.world)
    watcher, intake, drifts = (ApiCluster(play.world.api, user) for user in (WATCHERS, INTAKE, WORKERS))
    for cluster in (watcher, intake, drifts):
        uid(cluster)
    check(intake, INTAKE_READS)
    check(drifts, DRIFT_READS)
    list(drifts.pages("nodes", limit=STREAMED))  # as where they are more than a page
    _forget_replicas(play, "default-unknown-disk")
    _retype(play, "typed")
    for name in (CONFIG_MAP, "vm-drift-claims", "vm-drift-fencing"):
        meta = {"name": name, "namespace": "vm-drift"}
        play.world.api.client("system:admin").create("configmaps", {"metadata": meta})
    _hold_and_resume(InterventionsConfigMap(ApiCluster(play.world.api, RECEIVER), "vm-drift", lambda: play.world.now))
    play.world.hypervisor.power_cut(LOST)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        assert len(pauses) < 20, "the watch never comes to anything"
        play.world.run_for(seconds)

    nodes: Iterator[object] = follow(watcher, "nodes", node_view, 1.0, pause)
    leases: Iterator[object] = follow(watcher, "leases", renewal, 1.0, pause, scope=Scope(NODE_LEASES))
    for changes in (nodes, leases):
        list(islice(changes, 2))  # the list, and a change from the watch after it
    assert play.until("waits", ("detaching", "detach-window"))
    for number, (kind, subject) in enumerate([(NODE_UNREACHABLE, LOST), (DRIFT_REQUESTED, "default/waits")]):
        hint = Event(kind, "/monitoring", f"{number}", subject, play.world.now)
        play.reactor.inbox.accept([hint], "monitoring")
    play.world.run_for(100)
    hint = Event(NODE_FENCED, "/pdu", "p", LOST, play.world.now, _proof(play))
    play.reactor.inbox.accept([hint], "pdu")  # written down, though the story has no fencing role that would judge it
    play.world.run_for(5)
    play.reactor.flush()  # what was released is then found by its VolumeAttachments
    play.until_ended()
    for _ in range(2):  # the second one is counted up
        intake.announce(of_vm(play.reactor.store.changes[0]))
    return play


def _proof(play: Play) -> dict[str, str]:
    node = play.world.store.get("nodes", LOST)
    return {"uid": node["metadata"]["uid"], "bootID": node["status"]["nodeInfo"]["bootID"], "how": "looked"}


def _hold_and_resume(wishes: InterventionsConfigMap) -> None:
    one = Intervention(HOLD, "all", "ann", "a look at it", 0.0)
    wishes.write(one)
    wishes.lift(lambda entry: entry == one)
    assert wishes.written() == ()


def _forget_replicas(play: Play, volume: str) -> None:
    """How many it has is then the StorageClass' word."""
    admin = play.world.api.client("system:admin")
    admin.delete("localvolumes", volume)
    admin.patch("persistentvolumes", volume, {"spec": {"csi": {"volumeAttributes": None}}})


def _retype(play: Play, vm: str) -> None:
    """Its next instance is not bound to the lost node any more; only KubeVirt can tell that."""
    admin = play.world.api.client("system:admin")
    meta = {"name": "anywhere", "namespace": "default"}
    admin.create("virtualmachineinstancetypes", {"metadata": meta, "spec": {}})
    kind = {"kind": "VirtualMachineInstancetype", "name": "anywhere"}
    admin.patch("virtualmachines", vm, {"spec": {"instancetype": kind}}, "default")


def ends_well(play: Play) -> None:
    assert {record.phase.value for record in play.records if record.drift.vm.name != "unknown"} == {"completed"}
    assert play.story("unknown") == ("refused", "node-local-volume")
    assert [entry for entry in play.world.api.audit if entry.code == 403 and entry.user in ALLOWED] == []


def test_the_story_ends_well_under_the_manifests_rules(play: Play) -> None:
    ends_well(play)


@pytest.mark.parametrize("user", sorted(ALLOWED))
def test_a_role_may_do_exactly_what_it_does(play: Play, user: str) -> None:
    asked = {(whole(e), e.verb, e.namespace) for e in play.world.api.audit if e.user == user}
    assert {rule for rule in ALLOWED[user] if any(allows(rule, *one) for one in asked)} == ALLOWED[user]


@pytest.mark.usefixtures("play")
def test_without_any_one_of_its_verbs_the_story_does_not_end_well(refusals: Refusals) -> None:
    assert refusals.asked == ALLOWED
    assert refusals.failed == {}

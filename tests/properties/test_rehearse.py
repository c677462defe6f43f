"""Plan, audit and rehearsal of any cluster say the same of each VM, and name the same reason."""

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from reactor.model.drift import Policy
from rehearsal.loaded import loaded
from rehearsal.outage import Played, played
from rehearsal.twins.cluster import ApiCluster
from simulator.scene import Scene, Storage, Vm, staged
from simulator.world import World
from tests.properties.furnished import Cluster
from tests.properties.placements import clusters
from vmdrift.plan.audit import audited
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.judge import predictions
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.snapshot import ClusterSnapshot, everything, snapshot

_CHOSEN = settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
_STORAGE = [kind for kind in Storage if kind is not Storage.HOST_DISK]
_ONLY_WITH_PROOF = frozenset({"shared-volume-not-fenced"})
_NODES = ("node-a", "node-b", "node-c")


@_CHOSEN
@given(clusters(marked=True))
def test_of_one_vm_that_asks_for_a_node_in_any_way(cluster: Cluster) -> None:
    world = cluster.world()
    assume(world is not None)
    assert world
    (lost,) = world.hypervisor.running(("default", "vm"))
    _agree(_read(world), lost, Policy())


@_CHOSEN
@given(
    st.lists(st.tuples(st.sampled_from(_STORAGE), st.booleans()), min_size=1, max_size=4),
    st.sampled_from(["wait", "delete"]),
    st.booleans(),
)
def test_of_several_vms_with_any_disks(disks: list[tuple[Storage, bool]], detach: str, proven: bool) -> None:
    vms = tuple(Vm(f"vm-{number}", kind, node="node-a", pinned=pin) for number, (kind, pin) in enumerate(disks))
    policy = Policy(detach=detach, fencing=("redfish",) if proven else ())
    _agree(_read(staged(Scene(_NODES, vms))), "node-a", policy)


def _read(world: World) -> ClusterSnapshot:
    return snapshot(everything(ApiCluster(world.api, "admin"), world.now))


def _agree(there: ClusterSnapshot, lost: str, policy: Policy) -> None:
    told = {str(one.vm): one for one in predictions(there, lost, policy, FreeRoom.of(there))}
    (node,) = [one for one in audited(there, policy) if one.node.name == lost]
    assert {str(one.vm): (one.outcome, one.reason) for one in node.fates} == {
        vm: (one.outcome, one.reason) for vm, one in told.items()
    }
    found = {str(one.vm): one for one in played(loaded(there.objects, there.at), [lost], policy)}
    assert found.keys() <= told.keys()
    for vm, one in found.items():
        event(f"{told[vm].outcome} {told[vm].reason}{' if' if told[vm].ifs else ''}")
        assert _same(told[vm], one, proven=bool(policy.fencing)), (told[vm], one)
        foreseen = one.record.forecast if one.record else None
        assert foreseen is None or foreseen.moves is (one.down is not None), (foreseen, one)


def _same(told: Prediction, found: Played, *, proven: bool) -> bool:
    """A plan judges without proof, and says beside it what proof would change."""
    if told.outcome is Outcome.UNKNOWN or told.ifs:  # a plan says that it does not know
        return True
    if proven and told.reason in _ONLY_WITH_PROOF:
        return found.down is not None
    if told.moves or (proven and told.proven):
        return found.down is not None
    return found.down is None and found.record is not None and found.record.reason == told.reason

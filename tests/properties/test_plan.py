"""What `plan` says of any VM is what the simulated KubeVirt and scheduler then do with it."""

from collections.abc import Callable
from functools import reduce

from hypothesis import HealthCheck, assume, event, example, given, settings

from reactor.model.drift import Phase
from simulator.actors.scheduler import Scheduler
from simulator.client import Client, Obj
from simulator.store.objects import key_of
from simulator.world import World
from tests.properties.deciding import INSTANCES, NEIGHBOURS
from tests.properties.furnished import NODES, Cluster
from tests.properties.placements import clusters
from tests.support.virtual import Play
from tests.unit.vmdrift.plans import planned
from vmdrift.plan.prediction import Outcome, Prediction

SLACK = 15.0  # seconds: looks and the CSI attacher
LIMIT = 1000.0  # seconds; the longest toleration, the window of a volume, and some more
PLACED_NOWHERE = frozenset({"pinned-to-node", "no-node-fits"})
_CHOSEN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
Test = Callable[[Cluster], None]


def with_examples(clusters: tuple[Cluster, ...]) -> Callable[[Test], Test]:
    """These are tried first."""
    return lambda test: reduce(lambda found, cluster: example(cluster)(found), clusters, test)


@_CHOSEN
@given(clusters(marked=False))
@with_examples(NEIGHBOURS)
def test_the_nodes_of_the_plan_are_those_that_the_scheduler_would_give_the_next_launcher(cluster: Cluster) -> None:
    world, lost, told = _planned(cluster)
    assume(not told.ifs and (told.moves or told.reason in PLACED_NOWHERE))
    world.hypervisor.power_cut(lost)
    world.run_for(60)
    _admin(world).delete("pods", _launcher(world)["metadata"]["name"], "default", grace=0)
    world.run_for(10)
    assert _fitting(world) - {lost} == set(told.targets)
    assert told.moves is bool(told.targets)


@_CHOSEN
@given(clusters(marked=True))
@with_examples(INSTANCES)
def test_the_plan_of_any_vm_comes_true(cluster: Cluster) -> None:
    world, lost, told = _planned(cluster)
    assume(not told.ifs)
    play = Play.on(world, (cluster.vm,))
    world.hypervisor.power_cut(lost)
    play.until_ended(LIMIT)
    if told.moves:
        _moved(play, told)
    else:
        assert (told.outcome, told.reason) == (Outcome.STAYS, play.record("vm").reason)
        assert play.auditor.deletions == []


def _planned(cluster: Cluster) -> tuple[World, str, Prediction]:
    """The cluster, the node that is to be lost, and what is told of the VM."""
    world = cluster.world()
    assume(world is not None)
    assert world
    (lost,) = world.hypervisor.running(("default", "vm"))
    (told,) = planned(world, lost)
    event(f"{told.outcome} {told.reason}{' if' if told.ifs else ''}")
    return world, lost, told


def _moved(play: Play, told: Prediction) -> None:
    record = play.record("vm")
    assert record.phase is Phase.COMPLETED, record.sentence
    assert told.takes is not None
    least, most = told.takes.total
    assert least - told.takes.start <= (record.ended_at or 0.0) - record.drift.outage.since <= most + SLACK
    assert record.target in told.targets


def _admin(world: World) -> Client:
    return world.api.client("system:admin")


def _launcher(world: World) -> Obj:
    (pod,) = _admin(world).list("pods", "default", "kubevirt.io=virt-launcher")
    return pod


def _fitting(world: World) -> set[str]:
    """The nodes that the simulated scheduler would give to the launcher that is there now."""
    (scheduler,) = (actor for actor in world.actors if isinstance(actor, Scheduler))
    pod = _launcher(world)
    scheduler.placed.forget(key_of(pod))
    _, fitting = scheduler.filtered(pod)
    return {node["metadata"]["name"] for node in fitting} & set(NODES)

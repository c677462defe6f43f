"""What `plan` says of any VM is what the simulated KubeVirt and scheduler then do with it."""

from hypothesis import HealthCheck, assume, event, given, settings

from reactor.model.drift import Phase
from simulator.actors.scheduler import Scheduler
from simulator.client import Obj
from simulator.objects import key_of
from tests.properties.placements import NODES, Cluster, clusters
from tests.unit.plans import planned
from tests.virtual import Play
from vmdrift.fate import Fate, Outcome

SLACK = 15.0  # seconds: looks and the CSI attacher
LIMIT = 1000.0  # seconds; the longest toleration, the window of a volume, and some more
PLACED_NOWHERE = frozenset({"pinned-to-node", "no-node-fits"})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(clusters())
def test_the_plan_of_any_vm_comes_true(cluster: Cluster) -> None:
    world = cluster.world()
    assume(world is not None)
    assert world
    play = Play.on(world, (cluster.vm,))
    (lost,) = play.running("vm")
    (told,) = planned(world, lost)
    event(f"{told.outcome} {told.reason}{' if' if told.ifs else ''}")
    world.hypervisor.power_cut(lost)
    play.until_ended(LIMIT)
    if told.ifs:
        return
    if told.outcome is Outcome.MOVES:
        _moved(play, told)
    else:
        assert (told.outcome, told.reason) == (Outcome.STAYS, play.record("vm").reason)
        assert play.auditor.deletions == []
        assert told.reason not in PLACED_NOWHERE or _nowhere(play, lost) == ""
    if told.outcome is Outcome.MOVES or told.reason in PLACED_NOWHERE:
        assert _fitting(play) - {lost} == set(told.targets)


def _moved(play: Play, told: Fate) -> None:
    record = play.record("vm")
    assert record.phase is Phase.COMPLETED, record.sentence
    assert told.takes is not None
    least, most = told.takes.total
    assert least - told.takes.start <= (record.ended_at or 0.0) - record.drift.outage.since <= most + SLACK
    assert record.target in told.targets


def _nowhere(play: Play, lost: str) -> str:
    """Where it runs, though the plan said that no node takes it, when somebody releases it all the same."""
    admin = play.world.api.client("system:admin")
    launcher = _launcher(play)
    admin.delete("pods", launcher["metadata"]["name"], "default", grace=0)
    play.world.run_for(120)
    return "".join(node for node in play.running("vm") if node != lost)


def _launcher(play: Play) -> Obj:
    (pod,) = play.world.api.client("system:admin").list("pods", "default", "kubevirt.io=virt-launcher")
    return pod


def _fitting(play: Play) -> set[str]:
    """The nodes that the simulated scheduler would give to the launcher that is there now."""
    (scheduler,) = (actor for actor in play.world.actors if isinstance(actor, Scheduler))
    pod = _launcher(play)
    scheduler._placed._forget(key_of(pod))
    _, fitting = scheduler._filtered(pod)
    return {node["metadata"]["name"] for node in fitting} & set(NODES)

"""When a pass judges by the watchers' summary of all Nodes and Leases, and when it reads the API server itself."""

from collections import Counter
from dataclasses import replace

import pytest

from reactor.model.drift import Again, Policy
from reactor.model.identity import Drift, Outage, VmRef
from reactor.model.node import NodeView, node_view
from reactor.model.summary import Summary
from simulator.scene import Scene, Vm
from simulator.store.objects import copied, rfc3339
from tests.behaviour.test_fenced_for_nothing import file_of, staged, with_bmcs
from tests.support.auditor import FENCING, WORKERS
from tests.support.virtual import Play
from workers.drift.run import run_pass
from workers.fencing.run import run_fence

LOST, OTHERS = "node-a", ("node-b", "node-c", "node-d", "node-e")
VMS = ("first", "second")
SCENE = Scene((LOST, *OTHERS), tuple(Vm(name, node=LOST) for name in VMS))
READ = {"nodes": 1, "leases": 1}  # a list of each


class _Outage:
    """Long enough for every release. Passes and the watcher's turns are made by hand."""

    def __init__(self, policy: Policy) -> None:
        self.play = Play.of(SCENE, policy)
        self.world, self.reactor = self.play.world, self.play.reactor
        self.watcher = self.reactor.watchers[0]
        self.world.remove(self.reactor)
        self.world.hypervisor.power_cut(LOST)
        self.world.run_for(400)
        self.watcher.take_turn(self.world.now)
        self.hear()

    def hear(self) -> None:
        """Something happens to a Node, and the watcher hears of it at once."""
        beat = {"metadata": {"annotations": {"example.org/at": f"{self.world.now}"}}}
        self.world.api.client("system:admin").patch("nodes", OTHERS[0], beat)
        self.watcher.take_turn(self.world.now)

    def later(self) -> None:
        """Nothing that a worker has read itself counts any more; the watcher has just heard something."""
        self.world.run_for(30)
        self.hear()

    def release(self, vm: str) -> str:
        """A pass over it; the reason."""
        uid = self.world.store.get("virtualmachines", vm, "default")["metadata"]["uid"]
        outcome = run_pass(Drift(VmRef("default", vm, uid), self.outage()), self.reactor.tools)
        assert isinstance(outcome, Again)
        return outcome.reason

    def outage(self) -> Outage:
        lost = self.views()[0].outage
        assert lost
        return lost

    def views(self) -> tuple[NodeView, ...]:
        return tuple(node_view(self.world.store.get("nodes", name)) for name in SCENE.nodes)

    def publish(self, *, age: float = 0.0, nodes: tuple[NodeView, ...] = ()) -> None:
        """As another watcher might; the one that is here does no more."""
        self.watcher.away_until = float("inf")
        renewals = {node.name: self.world.now for node in self.views()}
        self.reactor.summaries.publish(Summary(self.world.now - age, nodes or self.views(), renewals))

    def lists(self, user: str = WORKERS) -> dict[str, int]:
        """Of Nodes and Leases, since the last call."""
        audit = self.world.api.audit
        found = Counter(one.resource for one in audit if (one.user, one.verb) == (user, "list"))
        audit.clear()
        return {resource: found[resource] for resource in READ if found[resource]}


@pytest.fixture
def outage() -> _Outage:
    return _Outage(Policy(virt_handler_grace=0.0))


def test_the_first_deletion_of_an_outage_is_judged_by_what_the_worker_has_read_itself(outage: _Outage) -> None:
    assert outage.release("first") == "force-deleted"
    assert outage.lists() == READ


def test_by_a_fresh_summary_the_next_one_needs_no_list(outage: _Outage) -> None:
    outage.release("first")
    outage.later()
    outage.lists()
    assert outage.release("second") == "force-deleted"
    assert outage.lists() == {}


def test_what_is_not_deleted_is_judged_by_the_summary_alone(outage: _Outage) -> None:
    outage.reactor.tools = replace(outage.reactor.tools, policy=Policy(virt_handler_grace=0.0, mode="observe"))
    assert outage.release("first") == "observe-only"
    assert outage.lists() == {}


def test_that_somebody_has_read_is_lost_with_redis(outage: _Outage) -> None:
    outage.release("first")
    outage.later()
    outage.reactor.summaries.clear()
    outage.lists()
    assert outage.release("second") == "force-deleted"
    assert outage.lists() == READ


def test_by_a_summary_that_is_too_old_nothing_is_judged(outage: _Outage) -> None:
    outage.release("first")
    outage.later()
    outage.publish(age=5.1)
    outage.lists()
    assert outage.release("second") == "force-deleted"
    assert outage.lists() == READ


def test_a_watcher_that_has_heard_nothing_of_the_nodes_publishes_nothing(outage: _Outage) -> None:
    outage.release("first")
    outage.world.run_for(30)
    outage.lists()
    assert outage.release("second") == "force-deleted"
    assert outage.lists() == READ


def _lose(outage: _Outage, *names: str) -> None:
    for name in names:
        node = copied(outage.world.store.get("nodes", name))
        for condition in node["status"]["conditions"]:
            condition |= {"status": "Unknown", "lastTransitionTime": rfc3339(outage.world.now)}
        outage.world.store.update("nodes", node)


def test_too_many_lost_nodes_that_no_summary_shows_yet_stop_the_first_deletion(outage: _Outage) -> None:
    before = outage.views()
    _lose(outage, *OTHERS[:3])
    outage.publish(nodes=before)
    assert outage.release("first") == "too-many-nodes-lost"
    assert outage.play.auditor.deletions == []


def test_too_many_lost_nodes_of_a_summary_are_believed(outage: _Outage) -> None:
    outage.release("first")
    outage.later()
    _lose(outage, *OTHERS[:3])
    outage.publish()
    outage.lists()
    assert outage.release("second") == "too-many-nodes-lost"
    assert outage.lists() == {}


def test_before_a_bmc_is_asked_to_power_off_the_cluster_is_read_whatever_the_summary_shows() -> None:
    play, bmcs = staged(Vm("web", node=LOST))
    play.world.add(_Busy(play))
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: bool(bmcs.orders), 600)
    audit = play.world.api.audit
    now = {(one.verb, one.resource) for one in audit if one.user == FENCING and one.time == play.world.now}
    assert {("list", resource) for resource in READ} <= now
    lists = [one for one in audit if (one.user, one.verb) == (FENCING, "list") and one.resource == "leases"]
    assert len(lists) == 1  # all the time before, the summary was enough


def test_a_machine_that_two_nodes_name_is_not_looked_for_in_the_summary() -> None:
    outage = _Outage(Policy(fencing=("redfish",)))
    with_bmcs(outage.play)
    before, machine = outage.views(), outage.views()[0].machine
    same = {"status": {"nodeInfo": {"systemUUID": machine}}}
    outage.world.api.client("system:admin").patch("nodes", OTHERS[0], same, subresource="status")
    outage.publish(nodes=before)
    run_fence(outage.outage(), outage.reactor.fencing)
    assert file_of(outage.play).twins == (OTHERS[0],)


class _Busy:
    """Something happens to a node every second, as in a large cluster."""

    name, watches = "busy", ()

    def __init__(self, play: Play) -> None:
        self._admin = play.world.api.client("system:admin")

    def step(self, now: float) -> float:
        self._admin.patch("nodes", "node-b", {"metadata": {"annotations": {"example.org/at": f"{now}"}}})
        return now + 1.0

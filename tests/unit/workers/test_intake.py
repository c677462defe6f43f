"""An outage becomes one drift per VM; told again, it repairs what was lost. Events are taken in by hand."""

from dataclasses import dataclass, field, replace

import pytest

from reactor.adapters.kubernetes.cluster import Cluster, Page
from reactor.adapters.rq import drift_entry
from reactor.model.drift import Ended, Phase
from reactor.model.errors import BadInput
from reactor.model.event import NODE_RECOVERED, NODE_UNREACHABLE, Event, recovered, unreachable
from reactor.model.identity import Outage
from reactor.model.node import node_view
from reactor.settings import Settings
from simulator import shapes
from simulator.scene import Scene, Storage, Vm
from simulator.store.objects import rfc3339
from tests.support.auditor import fail
from tests.support.virtual import Play
from workers.intake.outage import take_event

LOST = "node-a"
_SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("db", Storage.RBD_BLOCK, node=LOST),
        Vm("web", node=LOST),
        Vm("mail", Storage.RBD_BLOCK, node="node-b"),
        Vm("wiki", node="node-c"),
    ),
)


@dataclass
class _Listening:
    """A Cluster that writes down what is listed, with which selectors."""

    cluster: Cluster
    listed: list[tuple[str, str, str, str]] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.cluster, name)

    def pages(self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "") -> "list[Page]":
        self.listed.append((resource, namespace, labels, fields))
        return list(self.cluster.pages(resource, namespace=namespace, labels=labels, fields=fields))


class _Intake:
    """A play in which only the events are taken in that the test hands over; no pass is ever made."""

    def __init__(self) -> None:
        self.play = Play.of(_SCENE)
        self.world = self.play.world
        self.world.remove(self.play.reactor)
        self.world.hypervisor.power_cut(LOST)
        self.world.run_for(60)
        self.tools, self.queue = self.play.reactor.tools, self.play.reactor.queue

    @property
    def outage(self) -> Outage:
        lost = node_view(self.world.store.get("nodes", LOST)).outage
        assert lost is not None
        return lost

    def lost(self, outage: Outage | None = None) -> str:
        return self.take(unreachable(outage or self.outage, "test"))

    def back(self, outage: Outage) -> str:
        return self.take(recovered(outage, "test", self.world.now))

    def take(self, event: Event) -> str:
        ended = take_event(event, self.tools)
        assert isinstance(ended, Ended)
        return ended.outcome

    def vms(self) -> list[str]:
        return sorted(record.drift.vm.name for record in self.play.records)

    def release(self, vm: str) -> None:
        admin = self.world.api.client("admin")
        for pod in admin.list("pods", labels=f"vm.kubevirt.io/name={vm}"):
            admin.delete("pods", pod["metadata"]["name"], "default", grace=0)
        self.world.run_for(10)

    def due(self, vm: str) -> float | None:
        """When the drift's job is due, None when there is none or it is over."""
        job = self.queue.jobs.get(self.play.record(vm).drift.id)
        return job.due if job else None

    def end(self, vm: str) -> None:
        record = self.play.record(vm)
        lock = self.tools.store.acquire(vm, 10)
        assert lock is not None
        self.tools.store.save(replace(record, phase=Phase.CANCELLED, again_at=None), lock, [])


@pytest.fixture
def intake() -> _Intake:
    return _Intake()


def test_each_vm_of_the_lost_node_gets_one_drift_that_is_due_when_the_window_ends(intake: _Intake) -> None:
    assert intake.lost() == "swept"
    assert intake.vms() == ["db", "web"]
    end = intake.outage.since + Settings().unreachable_window
    for record in intake.play.records:
        assert (record.phase, record.again_at) == (Phase.WAITING, end)
        assert intake.due(record.drift.vm.name) == end
    assert [o.outage for o in intake.tools.store.outages()] == [intake.outage]
    assert intake.play.news("db") == ["scheduled"]


def test_after_the_clock_was_set_back_no_drift_sleeps_until_that_is_made_up_for(intake: _Intake) -> None:
    intake.lost()
    intake.play.reactor.redis.step(-3600.0)
    intake.lost()
    assert intake.due("db") == intake.play.reactor.redis()


def test_a_drift_knows_the_instance_that_was_lost(intake: _Intake) -> None:
    intake.lost()
    vmi = intake.world.store.get("virtualmachineinstances", "db", "default")
    assert intake.play.record("db").vmi_uid == vmi["metadata"]["uid"]


def test_of_all_pods_only_the_lost_nodes_launchers_are_listed(intake: _Intake) -> None:
    listening = _Listening(intake.tools.cluster)
    tools = replace(intake.tools, cluster=listening)  # type: ignore[arg-type]
    take_event(unreachable(intake.outage, "test"), tools)
    pods = ("pods", "", "kubevirt.io=virt-launcher", f"spec.nodeName={LOST}")
    assert listening.listed == [pods, ("volumeattachments", "", "", ""), ("persistentvolumes", "", "", "")]
    listening.listed.clear()
    take_event(unreachable(intake.outage, "test"), tools)
    assert listening.listed == [pods]


def test_telling_an_outage_again_costs_two_requests_and_changes_nothing(intake: _Intake) -> None:
    intake.lost()
    records, events = intake.play.records, intake.tools.store.events()
    intake.play.reactor.requests.clear()
    assert intake.lost() == "swept"
    assert sum(intake.play.reactor.requests.values()) == 2
    assert (intake.play.records, intake.tools.store.events()) == (records, events)


def test_telling_an_outage_again_queues_what_the_queue_lost(intake: _Intake) -> None:
    intake.lost()
    intake.queue.jobs.clear()
    intake.lost()
    assert intake.due("db") == intake.world.now + 60


def test_telling_an_outage_again_adds_what_came_to_the_node_meanwhile(intake: _Intake) -> None:
    intake.lost()
    name = intake.play.record("web").drift.id
    del intake.play.reactor.store.records_by_drift[name]
    assert intake.vms() == ["db"]
    intake.lost()
    assert intake.vms() == ["db", "web"]


def test_a_vm_that_was_released_before_everything_was_forgotten_is_found_by_its_volume(intake: _Intake) -> None:
    intake.lost()
    intake.release("db")
    intake.release("web")
    intake.play.reactor.flush()
    intake.lost()
    assert intake.vms() == ["db"]
    assert intake.play.record("db").vmi_uid == ""


def test_the_search_by_volume_finds_no_vm_of_a_living_node(intake: _Intake) -> None:
    admin = intake.world.api.client("admin")
    admin.create("pods", shapes.plain_pod("default", "backup", LOST, "mail-disk"))
    intake.lost()
    assert intake.vms() == ["db", "web"]


def test_a_sweep_that_was_cut_short_keeps_what_it_found_and_makes_the_next_sweep_look_at_the_volumes_again(
    intake: _Intake,
) -> None:
    intake.lost()
    intake.release("db")
    intake.play.reactor.flush()
    fail(intake.world.api, 503, 1, verb="list", resource="volumeattachments")
    with pytest.raises(Exception, match="a fault of the test's"):
        intake.lost()
    assert intake.vms() == ["web"]
    intake.lost()
    assert intake.vms() == ["db", "web"]


def test_an_instance_without_a_vm_gets_no_drift(intake: _Intake) -> None:
    admin = intake.world.api.client("admin")
    admin.patch("virtualmachines", "web", {"metadata": {"finalizers": None}}, "default")
    admin.delete("virtualmachines", "web", "default")
    assert intake.lost() == "swept"
    assert intake.vms() == ["db"]


def test_an_outage_that_is_over_before_it_was_known_is_ignored(intake: _Intake) -> None:
    outage = intake.outage
    intake.world.hypervisor.power_on(LOST)
    intake.world.run_for(30)
    assert intake.lost(outage) == "ignored"
    assert (intake.play.records, intake.tools.store.outages()) == ([], [])


def test_a_node_that_is_back_already_counts_as_recovered_whatever_the_event_says(intake: _Intake) -> None:
    intake.lost()
    outage = intake.outage
    intake.world.hypervisor.power_on(LOST)
    intake.world.run_for(30)
    assert intake.lost(outage) == "recovered"
    (kept,) = intake.tools.store.outages()
    assert kept.recovered_at == intake.world.now


def test_a_recovery_that_is_not_one_is_a_sweep(intake: _Intake) -> None:
    assert intake.back(intake.outage) == "swept"
    assert intake.vms() == ["db", "web"]


def test_a_recovery_wakes_every_drift_as_soon_as_nobody_remembers_the_node_as_it_was_and_is_done_when_all_have_ended(
    intake: _Intake,
) -> None:
    intake.lost()
    outage = intake.outage
    intake.world.hypervisor.power_on(LOST)
    intake.world.run_for(30)
    assert intake.back(outage) == "recovered"
    since = intake.world.now
    assert [intake.due(vm) for vm in ("db", "web")] == [since + 2, since + 2]
    intake.end("db")
    intake.world.run_for(60)
    intake.back(outage)
    assert [kept.recovered_at for kept in intake.tools.store.outages()] == [since]
    intake.end("web")
    intake.back(outage)
    assert intake.tools.store.outages() == []


def test_an_ended_drift_is_not_woken_again(intake: _Intake) -> None:
    intake.lost()
    intake.end("web")
    intake.queue.jobs.clear()
    intake.lost()
    assert (intake.due("web"), intake.vms()) == (None, ["db", "web"])


@pytest.mark.parametrize(
    "kind", ["io.vmdrift.node.fenced", "io.vmdrift.vm.drift.completed", "dev.knative.anything", ""]
)
def test_an_event_of_another_type_is_bad_input(intake: _Intake, kind: str) -> None:
    with pytest.raises(BadInput, match="is not an accepted type"):
        take_event(Event(kind, "test", "1", LOST, 0.0, {"outage": intake.outage.as_json()}), intake.tools)


@pytest.mark.parametrize("kind", [NODE_UNREACHABLE, NODE_RECOVERED])
@pytest.mark.parametrize("data", [{}, {"outage": None}, {"outage": {"node": {"name": LOST}, "since": 1}}])
def test_an_event_that_names_no_outage_is_bad_input(intake: _Intake, kind: str, data: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="expected"):
        take_event(Event(kind, "test", "1", LOST, 0.0, data), intake.tools)


def test_an_event_about_a_node_that_never_was_begins_nothing_for_living_nodes(intake: _Intake) -> None:
    ghost = Outage(replace(intake.outage.node, name="ghost"), intake.outage.since)
    intake.lost(ghost)
    assert intake.vms() == []
    assert intake.tools.store.outages() == []


def test_the_outage_of_a_deleted_node_is_done_when_nothing_is_left_of_it(intake: _Intake) -> None:
    intake.lost()
    outage = intake.outage
    intake.world.api.client("admin").delete("nodes", LOST)
    intake.lost(outage)
    assert [kept.outage for kept in intake.tools.store.outages()] == [outage]
    intake.world.run_for(120)
    intake.lost(outage)
    assert [kept.outage for kept in intake.tools.store.outages()] == [outage]
    intake.end("db")
    intake.end("web")
    intake.lost(outage)
    assert intake.tools.store.outages() == []


def _with_lease(intake: _Intake, later: float = 0.0) -> Outage:
    """The outage as a watcher reports it whose Lease is by so much younger than the cluster's."""
    lease = intake.world.store.get("leases", LOST, "kube-node-lease")
    node = node_view(intake.world.store.get("nodes", LOST)).with_lease(lease["spec"]["renewTime"])
    lost = replace(node, renewed=node.renewed + later).outage
    assert lost
    return lost


def test_whatever_lease_a_watcher_knows_it_is_the_outage_of_the_last_one(intake: _Intake) -> None:
    last = _with_lease(intake)
    for later in (-10.0, 0.0, 10.0):
        intake.lost(_with_lease(intake, later))
    intake.lost()
    assert [known.outage.id for known in intake.tools.store.outages()] == [last.id]
    assert intake.vms() == ["db", "web"]


def test_an_outage_that_is_known_by_its_moment_alone_is_the_one_that_is_reported_with_its_silence(
    intake: _Intake,
) -> None:
    intake.lost()  # as an earlier version did
    old = intake.outage.id
    intake.lost(_with_lease(intake))
    assert [known.outage.id for known in intake.tools.store.outages()] == [old]
    assert (intake.vms(), intake.play.news("db")) == (["db", "web"], ["scheduled"])

    intake.world.hypervisor.power_on(LOST)
    intake.world.run_for(30)
    assert intake.back(replace(intake.play.record("db").drift.outage, silence="0" * 16)) == "recovered"


def test_a_node_that_somebody_else_called_ready_and_that_is_lost_again_is_in_another_outage(intake: _Intake) -> None:
    first = _with_lease(intake)
    intake.lost(first)
    _say(intake, "True", first.since + 30)
    assert intake.back(first) == "recovered"
    for vm in ("db", "web"):
        intake.end(vm)
    _say(intake, "Unknown", first.since + 90)
    intake.lost(_with_lease(intake))
    assert [known.outage for known in intake.tools.store.outages() if known.recovered_at is None] == [intake.outage]
    assert intake.outage.since == first.since + 90
    assert [record.drift.outage for record in intake.play.records].count(intake.outage) == len(intake.vms()) / 2


def _say(intake: _Intake, ready: str, since: float) -> None:
    """Not by the kubelet, which has reported nothing."""
    node, changed = intake.world.store.get("nodes", LOST), {"status": ready, "lastTransitionTime": rfc3339(since)}
    conditions = [{**condition, **changed} for condition in node["status"]["conditions"]]
    patch = {"status": {"conditions": conditions}}
    intake.world.api.client("system:admin").patch("nodes", LOST, patch, subresource="status")


def test_the_end_of_an_outage_is_taken_in_from_whoever_knows_its_moment_alone(intake: _Intake) -> None:
    moment = intake.outage
    intake.lost(_with_lease(intake))
    intake.world.hypervisor.power_on(LOST)
    intake.world.run_for(30)
    assert intake.back(moment) == "recovered"


def test_a_drifts_job_is_named_by_the_drift(intake: _Intake) -> None:
    intake.lost()
    ids = {record.drift.id for record in intake.play.records}
    assert ids == {drift_entry(record.drift).id for record in intake.play.records}
    assert all(intake.play.record(vm).drift.outage == intake.outage for vm in ("db", "web"))

"""A look for the VMs of a lost node that cannot finish keeps what it found, is reported, counted, and begins again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console
from rq.timeouts import JobTimeoutException

from reactor.adapters.kubernetes.cluster import Cluster, Page
from reactor.adapters.redis.process_reports import Reports
from reactor.model.drift import OutageRecord
from reactor.model.errors import ClusterUnreachable
from reactor.model.event import unreachable
from reactor.model.identity import Outage
from reactor.model.node import node_view
from reactor.model.sweep import Sweep
from reactor.web.metrics import Sources
from rehearsal.twins.outbox import MemoryOutbox
from simulator.scene import Scene, Storage, Vm
from tests.contracts.samples import outage as an_outage
from tests.support.auditor import fail
from tests.support.virtual import Play
from vmdrift.status.table import overview
from workers.intake.outage import take_event

LOST = "node-a"
_NODES = (LOST, "node-b", "node-c")


class _TooSlow:
    """A Cluster; RQ ends the job while PersistentVolumes are listed."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __getattr__(self, name: str) -> object:
        return getattr(self._cluster, name)

    def pages(self, resource: str, **chosen: str) -> Iterator[Page]:
        if resource == "persistentvolumes":
            raise JobTimeoutException("Task exceeded maximum timeout value (120 seconds)")
        return self._cluster.pages(resource, namespace=chosen.get("namespace", ""), fields=chosen.get("fields", ""))


def _lost(*vms: Vm) -> tuple[Play, Outage]:
    """These VMs' node was lost a minute ago; the reactor knows nothing of it and does nothing by itself."""
    play = Play.of(Scene(_NODES, vms))
    play.world.remove(play.reactor)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    lost = node_view(play.world.store.get("nodes", LOST)).outage
    assert lost is not None
    return play, lost


def _known(play: Play) -> OutageRecord:
    (known,) = play.reactor.store.outages()
    return known


def _incomplete(play: Play) -> float:
    """The metric's seconds."""
    inbox, store = play.reactor.inbox, play.reactor.store
    nothing = Reports({}, None)
    sources = Sources(inbox, MemoryOutbox(store, 3600), store, lambda: iter(()), lambda: nothing, play.world.clock)
    found = {metric.name: metric.samples for metric in sources.collect()}
    return float(found["vmdrift_sweep_incomplete_seconds"][0].value)


def _shown(play: Play) -> str:
    """As `vmdrift status` shows it."""
    console = Console(width=500)
    with console.capture() as captured:
        console.print(overview([(_known(play), [])], [], play.world.now))
    return captured.get()


def test_what_a_time_out_cuts_short_keeps_what_it_found_and_is_reported_counted_and_measured() -> None:
    play, outage = _lost(Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("web", node=LOST))
    play.reactor.intake = replace(play.reactor.intake, cluster=_TooSlow(play.reactor.intake.cluster))  # type: ignore[arg-type]
    with pytest.raises(JobTimeoutException):
        take_event(unreachable(outage, "test"), play.reactor.intake)
    assert sorted(record.drift.vm.name for record in play.records) == ["db", "web"]
    assert all(play.reactor.queue.jobs[record.drift.id].due for record in play.records)
    assert "was cut short: JobTimeoutException: Task exceeded maximum" in _known(play).sweep.trouble
    assert play.reactor.store.sweeps() == {"cut-short": 1}
    play.world.run_for(200)
    assert _incomplete(play) == 200


def test_the_outage_stands_there_before_its_vms_do_and_says_why_they_are_not_known() -> None:
    play, outage = _lost(Vm("db", node=LOST))
    fail(play.world.api, 503, 1, verb="list", resource="pods")
    with pytest.raises(ClusterUnreachable):
        play.take(unreachable(outage, "test"))
    assert (_known(play).outage, play.records) == (outage, [])
    assert "The search for its VMs was cut short: ClusterUnreachable: " in _shown(play)
    play.take(unreachable(outage, "test"))
    assert _known(play).sweep == Sweep(searched=True)
    assert _incomplete(play) == 0


def test_what_is_recorded_is_woken_before_anything_is_read() -> None:
    play, outage = _lost(Vm("db", node=LOST))
    play.take(unreachable(outage, "test"))
    play.reactor.queue.clear()
    fail(play.world.api, 503, 1, verb="get", resource="nodes")
    with pytest.raises(ClusterUnreachable):
        play.take(unreachable(outage, "test"))
    assert [job.entry.id for job in play.reactor.queue.jobs.values()] == [play.record("db").drift.id]


def test_the_requests_of_a_sweep_do_not_grow_with_disks() -> None:
    costs = []
    for disks in (2, 45):
        play, outage = _lost(*(Vm(f"hot-{number}", Storage.RBD_HOTPLUGGED, node=LOST) for number in range(disks)))
        play.reactor.requests.clear()
        play.take(unreachable(outage, "test"))
        assert len(play.records) == disks
        costs.append(sum(play.reactor.requests.values()) - 2 * disks)  # each VM and its instance are read once
    assert costs == [6, 6]


def test_a_sweep_that_nothing_was_written_down_of_is_one_that_has_not_searched() -> None:
    known = OutageRecord(an_outage(), 5.0, sweep=Sweep(7.0, "because", True, ("shop/boo: why",)))
    assert OutageRecord.of(known.as_json()) == known
    older = {name: value for name, value in known.as_json().items() if name != "sweep"}
    assert OutageRecord.of(older).sweep == Sweep()
    assert Sweep.of({"begun_at": "x", "skipped": 5}) == Sweep()


def test_of_many_pods_that_are_passed_over_a_sentence_names_the_first_three() -> None:
    sweep = Sweep(skipped=tuple(f"shop/p{number}: why" for number in range(5)))
    assert sweep.sentences == ("Passed over as no VM's: shop/p0: why; shop/p1: why; shop/p2: why; and 2 more.",)


def test_a_vm_of_a_shape_that_nothing_can_be_foreseen_of_has_its_drift_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def odd(*_: object) -> None:
        raise TypeError

    monkeypatch.setattr("workers.intake.sweep.foreseen", odd)
    play, outage = _lost(Vm("web", node=LOST))
    play.take(unreachable(outage, "test"))
    assert [(record.drift.vm.name, record.forecast) for record in play.records] == [("web", None)]
    assert _known(play).sweep == Sweep(searched=True)

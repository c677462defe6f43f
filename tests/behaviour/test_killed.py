"""A worker, watcher or intake dies before or after any one of its calls: its drift completes, with one DELETE."""

from collections.abc import Callable
from typing import Any

import pytest

from reactor.model.drift import Policy
from simulator.scene import Scene, Storage, Vm
from tests.support.branches import AFTER, EVERY, Branches
from tests.support.killing import READS, Fate, killable
from tests.support.virtual import Play

LOST = "node-a"
_POLICY = Policy(tenants_may=("detach",))
_MANY = 50  # kills in a story, at least
SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("disk", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
        Vm("plain", node=LOST),
    ),
)


def _begun(fate: Fate) -> Play:
    play = Play.of(SCENE, _POLICY)
    play.world.remove(play.reactor)
    play.reactor = killable(play.world, fate, _POLICY)
    play.world.add(play.reactor)
    play.world.hypervisor.power_cut(LOST)
    return play


def _story(fate: Fate) -> Play:
    play = _begun(fate)
    play.until_ended()
    return play


@pytest.mark.long(5)
@EVERY
@AFTER
def test_killed_at_every_call_each_vm_completes_and_each_pod_is_deleted_once(*, after: bool, every: bool) -> None:
    with Branches(after=after, every=every) as fate:
        _check(_story(fate))
    assert fate.failed == {}
    assert fate.kills > (_MANY if every else _MANY // 8)


def _check(play: Play) -> None:
    assert {record.phase.value for record in play.records} == {"completed"}
    assert len(play.records) == len(SCENE.vms)
    assert len(play.auditor.deleted("pods")) == len(SCENE.vms)
    play.check()


def test_the_undisturbed_story_calls_every_door() -> None:
    fate = Fate()
    _story(fate)
    assert fate.adapters == {"ApiCluster", "MemoryStore", "MemorySuspicions", "MemoryQueue"}


class _Observer(Fate):
    """`changing` are the methods after which `kept` was another than before."""

    kept: Callable[[], object]

    def __init__(self) -> None:
        super().__init__()
        self.changing = set[str]()

    def call(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        before = self.kept()
        result = super().call(name, method, *args, **more)
        if self.kept() != before:
            self.changing.add(name.partition(".")[2])
        return result


def test_what_counts_as_reading_changes_nothing_in_the_cluster_nor_in_redis() -> None:
    observer = _Observer()
    play = _begun(observer)
    observer.kept = lambda: _kept(play)
    play.until_ended()
    assert {"delete", "acquire", "save", "wake"} <= observer.changing
    assert not observer.changing & READS


def _kept(play: Play) -> object:
    play.world.api.before_reads("leases")  # the controller manager's own is renewed by being read
    store, queue = play.reactor.store, play.reactor.queue
    records = (
        store.held_locks,
        store.outages_by_id,
        store.open_outages,
        store.records_by_drift,
        store.sent_events,
        store.fencings_by_outage,
        store.changes,
    )
    return play.world.store.version, repr((records, queue.jobs, queue.marks))
